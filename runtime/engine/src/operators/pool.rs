//! What both pools share.

use ocelli_kernels::{KernelError, Pool2dParameters};

use crate::layer::{Layer, Told};

/// The parameters of either pool.
pub(super) fn parameters<T: Told>(layer: &Layer<'_>) -> Result<Pool2dParameters<T>, KernelError> {
    let mut attributes = layer.view.attributes;
    let (window, [activation_min, activation_max]) = (attributes.window(), T::bounds(&mut attributes));
    let [vertical, horizontal] = layer.axes(&window);
    Ok(Pool2dParameters {
        input_shape: layer.input_image(0)?,
        output_shape: layer.output_image()?,
        vertical,
        horizontal,
        activation_min,
        activation_max,
    })
}

/// Whether either pool can run.
pub(super) fn check<T: Told>(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters::<T>(layer)?.check(layer.input_elements(0), layer.output_elements())
}
