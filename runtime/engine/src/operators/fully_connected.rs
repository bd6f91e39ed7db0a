//! Links the fully connected layer.

use ocelli_format::OperatorKind;
use ocelli_kernels::{FullyConnectedParameters, KernelError, fully_connected_s8};

use crate::layer::{Kernel, Layer, Told, image};
use crate::memory::Operands;

/// [`Operator::FullyConnected`](ocelli_format::Operator::FullyConnected).
#[derive(Clone, Copy, Debug)]
pub struct FullyConnected;

impl FullyConnected {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::FullyConnected, check, run };
}

/// The parameters of a layer on activations of either type.
pub(super) fn parameters<T: Told>(layer: &Layer<'_>) -> Result<FullyConnectedParameters<T>, KernelError> {
    let [activation_min, activation_max] = T::bounds(&mut { layer.view.attributes });
    let [_, _, output_depth, input_depth] = image(&layer.input(1))?;
    let output = layer.output();
    Ok(FullyConnectedParameters {
        batches: output.elements() / output_depth.max(1),
        input_depth,
        output_depth,
        input_zero_point: T::zero_point(&layer.input(0)),
        output_zero_point: T::zero_point(&output),
        activation_min,
        activation_max,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let parameters = parameters::<i8>(layer)?;
    parameters.check(&layer.filter(), layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        fully_connected_s8(parameters, &layer.filter(), input, operands.output, operands.scratch);
    }
}
