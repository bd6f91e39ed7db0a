//! Links the average pool on int16 activations.

use ocelli_format::OperatorKind;
use ocelli_kernels::average_pool_2d_s16;

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::pool::{check, parameters};

/// [`Operator::WideAveragePool2d`](ocelli_format::Operator::WideAveragePool2d).
#[derive(Clone, Copy, Debug)]
pub struct WideAveragePool2d;

impl WideAveragePool2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel =
        &Kernel { kind: OperatorKind::WideAveragePool2d, check: check::<i16>, run };
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input_as(0);
        average_pool_2d_s16(parameters, input, operands.output_as());
    }
}
