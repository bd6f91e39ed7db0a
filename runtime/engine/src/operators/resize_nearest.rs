//! Links the resize to the nearest pixel.

use ocelli_format::OperatorKind;
use ocelli_kernels::resize_nearest_s8;

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::resize::{check, parameters};

/// [`Operator::ResizeNearest`](ocelli_format::Operator::ResizeNearest).
#[derive(Clone, Copy, Debug)]
pub struct ResizeNearest;

impl ResizeNearest {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::ResizeNearest, check, run };
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        resize_nearest_s8(parameters, input, operands.output);
    }
}
