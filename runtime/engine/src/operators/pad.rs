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
    let (mut input_shape, mut output_shape) = (layer.input_image(0)?, layer.output_image()?);
    // Channels are counted in bytes, whatever moves; zeros are zeros in all of them.
    let bytes = layer.output().element().bytes();
    for channels in [&mut input_shape[3], &mut output_shape[3], &mut before[3]] {
        *channels = channels.saturating_mul(bytes);
    }
    let value = attributes.u8() as i8;
    if bytes > 1 && value != 0 {
        return Err(KernelError::Range);
    }
    Ok(PadParameters { input_shape, output_shape, before, value })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_bytes(0), layer.output_bytes())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        pad_s8(parameters, input, operands.output);
    }
}
