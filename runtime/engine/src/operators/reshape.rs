//! Links reshape, which costs nothing where input and output share a place.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, reshape_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;

/// [`Operator::Reshape`](ocelli_format::Operator::Reshape).
#[derive(Clone, Copy, Debug)]
pub struct Reshape;

impl Reshape {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Reshape, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    layer.same_elements()
}

fn run(_layer: &Layer<'_>, operands: &mut Operands<'_>) {
    let input = operands.source(0);
    reshape_s8(input, operands.output);
}
