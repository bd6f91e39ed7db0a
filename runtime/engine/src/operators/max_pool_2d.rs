//! Links the maximum pool.

use ocelli_format::OperatorKind;
use ocelli_kernels::max_pool_2d_s8;

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::pool::{check, parameters};

/// [`Operator::MaxPool2d`](ocelli_format::Operator::MaxPool2d).
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d;

impl MaxPool2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::MaxPool2d, check: check::<i8>, run };
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        max_pool_2d_s8(parameters, input, operands.output);
    }
}
