//! Links depthwise 2-d convolution on int16 activations.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, depthwise_conv_2d_s16};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::depthwise_conv_2d::parameters;

/// [`Operator::WideDepthwiseConv2d`](ocelli_format::Operator::WideDepthwiseConv2d).
#[derive(Clone, Copy, Debug)]
pub struct WideDepthwiseConv2d;

impl WideDepthwiseConv2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::WideDepthwiseConv2d, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (input, output) = (layer.input_elements(0), layer.output_elements());
    parameters::<i16>(layer)?.check(&layer.wide_filter(), input, output)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input_as(0);
        depthwise_conv_2d_s16(parameters, &layer.wide_filter(), input, operands.output_as());
    }
}
