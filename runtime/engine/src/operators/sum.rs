//! Links the sum over height and width.

use ocelli_format::OperatorKind;
use ocelli_kernels::sum_s8;

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::mean::{check, parameters};

/// [`Operator::Sum`](ocelli_format::Operator::Sum).
#[derive(Clone, Copy, Debug)]
pub struct Sum;

impl Sum {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Sum, check, run };
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        sum_s8(parameters, input, operands.output);
    }
}
