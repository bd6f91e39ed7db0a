//! Links the smaller one of two tensors.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, minimum_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::pair::{apply, broadcast};

/// [`Operator::Minimum`](ocelli_format::Operator::Minimum).
#[derive(Clone, Copy, Debug)]
pub struct Minimum;

impl Minimum {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Minimum, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    broadcast(layer).map(drop)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    apply(layer, operands, minimum_s8);
}
