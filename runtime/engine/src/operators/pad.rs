//! Links padding.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, PadParameters, pad_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;

/// [`Operator::Pad`](ocelli_format::Operator::Pad).
#[derive(Clone, Copy, Debug)]
pub struct Pad;

impl Pad {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Pad, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<PadParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (before, _after) = (attributes.margins(), attributes.margins());
    let mut before = before.map(usize::from);
    before[1] = layer.padding(before[1]);
    Ok(PadParameters {
        input_shape: layer.input_image(0)?,
        output_shape: layer.output_image()?,
        before,
        value: attributes.u8() as i8,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        pad_s8(parameters, input, operands.output);
    }
}
