//! Links the maximum pool on int16 activations.

use ocelli_format::OperatorKind;
use ocelli_kernels::max_pool_2d_s16;

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::pool::{check, parameters};

/// [`Operator::WideMaxPool2d`](ocelli_format::Operator::WideMaxPool2d).
#[derive(Clone, Copy, Debug)]
pub struct WideMaxPool2d;

impl WideMaxPool2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel =
        &Kernel { kind: OperatorKind::WideMaxPool2d, check: check::<i16>, run };
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input_as(0);
        max_pool_2d_s16(parameters, input, operands.output_as());
    }
}
