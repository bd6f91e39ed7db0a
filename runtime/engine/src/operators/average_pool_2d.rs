//! Links the average pool.

use ocelli_format::OperatorKind;
use ocelli_kernels::average_pool_2d_s8;

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::pool::{check, parameters};

/// [`Operator::AveragePool2d`](ocelli_format::Operator::AveragePool2d).
#[derive(Clone, Copy, Debug)]
pub struct AveragePool2d;

impl AveragePool2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel =
        &Kernel { kind: OperatorKind::AveragePool2d, check: check::<i8>, run };
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        average_pool_2d_s8(parameters, input, operands.output);
    }
}
