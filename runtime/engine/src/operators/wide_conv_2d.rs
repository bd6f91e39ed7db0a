//! Links 2-d convolution on int16 activations.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, conv_2d_s16};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::conv_2d::parameters;

/// [`Operator::WideConv2d`](ocelli_format::Operator::WideConv2d).
#[derive(Clone, Copy, Debug)]
pub struct WideConv2d;

impl WideConv2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::WideConv2d, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (input, output) = (layer.input_elements(0), layer.output_elements());
    parameters::<i16>(layer)?.check(&layer.wide_filter(), input, output)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input_as(0);
        conv_2d_s16(parameters, &layer.wide_filter(), input, operands.output_as());
    }
}
