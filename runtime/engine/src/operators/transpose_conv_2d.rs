//! Links transposed 2-d convolution.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, check_transpose_conv_2d, transpose_conv_2d_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::conv_2d::parameters;

/// [`Operator::TransposeConv2d`](ocelli_format::Operator::TransposeConv2d).
#[derive(Clone, Copy, Debug)]
pub struct TransposeConv2d;

impl TransposeConv2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::TransposeConv2d, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (input, output) = (layer.input_elements(0), layer.output_elements());
    check_transpose_conv_2d(&parameters(layer)?, &layer.filter(), input, output)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        transpose_conv_2d_s8(parameters, &layer.filter(), input, operands.output);
    }
}
