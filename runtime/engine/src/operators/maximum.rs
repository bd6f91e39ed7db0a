//! Links the larger one of two tensors.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, maximum_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::pair::{apply, broadcast};

/// [`Operator::Maximum`](ocelli_format::Operator::Maximum).
#[derive(Clone, Copy, Debug)]
pub struct Maximum;

impl Maximum {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Maximum, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    broadcast(layer).map(drop)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    apply(layer, operands, maximum_s8);
}
