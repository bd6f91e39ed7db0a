//! Links the fully connected layer on int16 activations.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, fully_connected_s16};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;
use crate::operators::fully_connected::parameters;

/// [`Operator::WideFullyConnected`](ocelli_format::Operator::WideFullyConnected).
#[derive(Clone, Copy, Debug)]
pub struct WideFullyConnected;

impl WideFullyConnected {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::WideFullyConnected, check, run };
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (input, output) = (layer.input_elements(0), layer.output_elements());
    parameters::<i16>(layer)?.check(&layer.wide_filter(), input, output)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input_as(0);
        fully_connected_s16(parameters, &layer.wide_filter(), input, operands.output_as());
    }
}
