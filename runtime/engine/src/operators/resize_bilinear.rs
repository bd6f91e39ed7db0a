//! Links the bilinear resize.

use ocelli_format::OperatorKind;
use ocelli_kernels::resize_bilinear_s8;

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::resize::{check, parameters};

/// [`Operator::ResizeBilinear`](ocelli_format::Operator::ResizeBilinear).
#[derive(Clone, Copy, Debug)]
pub struct ResizeBilinear;

impl ResizeBilinear {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::ResizeBilinear, check, run };
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        resize_bilinear_s8(parameters, input, operands.output);
    }
}
