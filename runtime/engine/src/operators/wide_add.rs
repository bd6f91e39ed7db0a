//! Links addition on int16 activations, which do not broadcast.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, add_s16};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::add::parameters;

/// [`Operator::WideAdd`](ocelli_format::Operator::WideAdd).
#[derive(Clone, Copy, Debug)]
pub struct WideAdd;

impl WideAdd {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::WideAdd, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (left, right) = (layer.input_elements(0), layer.input_elements(1));
    parameters::<i16>(layer)?.check(left, right, layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let (left, right) = (operands.source_as(0), operands.source_as(1));
        add_s16(parameters, left, right, operands.output_as());
    }
}
