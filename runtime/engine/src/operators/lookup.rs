//! Links any unary operator, as a table.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, LOOKUP_ENTRIES, Operand, lookup_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;

/// [`Operator::Lookup`](ocelli_format::Operator::Lookup).
#[derive(Clone, Copy, Debug)]
pub struct Lookup;

impl Lookup {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Lookup, check, run };
}

fn table<'a>(layer: &Layer<'a>) -> Option<&'a [i8; LOOKUP_ENTRIES]> {
    layer.input(1).values_i8().first_chunk()
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let available_elements = layer.input(1).values_i8().len();
    let (operand, needed_elements) = (Operand::SecondInput, LOOKUP_ENTRIES);
    match table(layer) {
        Some(_) => layer.same_elements(),
        None => Err(KernelError::Length { operand, needed_elements, available_elements }),
    }
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Some(table) = table(layer) {
        let input = operands.source(0);
        lookup_s8(table, input, operands.output);
    }
}
