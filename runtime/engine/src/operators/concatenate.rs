//! Links concatenation.

use ocelli_format::OperatorKind;
use ocelli_kernels::{ConcatenateParameters, KernelError, concatenate_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;

/// [`Operator::Concatenate`](ocelli_format::Operator::Concatenate).
#[derive(Clone, Copy, Debug)]
pub struct Concatenate;

impl Concatenate {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Concatenate, check, run };
}

/// The parameters of every input, in order.
fn parameters<'a>(layer: &Layer<'a>) -> impl Iterator<Item = ConcatenateParameters> + use<'a> {
    let layer = *layer;
    let axis = usize::from({ layer.view.attributes }.u8());
    // In bytes, whatever moves.
    let bytes = layer.output().element().bytes();
    let run = move |axes: &[u32]| axes.iter().skip(axis).fold(bytes, |run, &axis| run * axis as usize);
    let output_run: usize = run(layer.output().axes());
    let outer = layer.output_bytes() / output_run.max(1);
    (0..layer.view.inputs.len()).scan(0usize, move |offset, input| {
        let input_run = run(layer.input(input).axes());
        let parameters = ConcatenateParameters { outer, input_run, output_run, offset: *offset };
        *offset = offset.saturating_add(input_run);
        Some(parameters)
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let mut missing = 0;
    for (index, parameters) in parameters(layer).enumerate() {
        parameters.check(layer.input_bytes(index), layer.output_bytes())?;
        missing = parameters.output_run - parameters.offset - parameters.input_run;
    }
    if missing == 0 { Ok(()) } else { Err(KernelError::Geometry) }
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    for (index, parameters) in parameters(layer).enumerate() {
        let input = operands.input(index);
        concatenate_s8(&parameters, input, operands.output);
    }
}
