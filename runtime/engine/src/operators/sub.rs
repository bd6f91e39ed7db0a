//! Links subtraction.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, sub_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::add::parameters;
use crate::operators::pair::{apply, broadcast};

/// [`Operator::Sub`](ocelli_format::Operator::Sub).
#[derive(Clone, Copy, Debug)]
pub struct Sub;

impl Sub {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Sub, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let elements = layer.output_elements();
    broadcast(layer)?;
    parameters::<i8>(layer)?.check(elements, elements, elements)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        apply(layer, operands, |left, right, output| sub_s8(parameters, left, right, output));
    }
}
