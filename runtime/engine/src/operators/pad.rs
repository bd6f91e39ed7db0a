//! Links padding.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, PadParameters, pad_s8};

use crate::layer::{Kernel, Layer, image};
use crate::memory::Operands;

/// [`Operator::Pad`](ocelli_format::Operator::Pad).
#[derive(Clone, Copy, Debug)]
pub struct Pad;

impl Pad {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Pad, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<PadParameters, KernelError> {
    let before = { layer.view.attributes }.margins();
    let output = layer.output();
    Ok(PadParameters {
        input_shape: image(&layer.input(0))?,
        output_shape: image(&output)?,
        before: before.map(usize::from),
        value: output.zero_point,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: Operands<'_>) {
    if let Ok(parameters) = parameters(layer) {
        let input = operands.input(0);
        pad_s8(&parameters, input, operands.output);
    }
}
