//! Links 2-d convolution.

use ocelli_format::OperatorKind;
use ocelli_kernels::{Conv2dParameters, KernelError, conv_2d_s8};

use crate::layer::{Kernel, Layer, Sliding, Told, image};
use crate::memory::Operands;

/// [`Operator::Conv2d`](ocelli_format::Operator::Conv2d).
#[derive(Clone, Copy, Debug)]
pub struct Conv2d;

impl Conv2d {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Conv2d, check, run };
}

/// The parameters of a convolution on activations of either type.
pub(super) fn parameters<T: Told>(layer: &Layer<'_>) -> Result<Conv2dParameters<T>, KernelError> {
    let mut attributes = layer.view.attributes;
    let Sliding { input_shape, output_shape, vertical, horizontal } = layer.sliding(&mut attributes)?;
    let ([activation_min, activation_max], [.., depth]) =
        (T::bounds(&mut attributes), image(&layer.input(1))?);
    Ok(Conv2dParameters {
        input_shape,
        output_shape,
        groups: input_shape[3] / depth.max(1),
        vertical,
        horizontal,
        input_zero_point: T::zero_point(&layer.input(0)),
        output_zero_point: T::zero_point(&layer.output()),
        activation_min,
        activation_max,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (parameters, filter) = (parameters::<i8>(layer)?, layer.filter());
    parameters.check(&filter, layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        conv_2d_s8(parameters, &layer.filter(), input, operands.output, operands.scratch);
    }
}
