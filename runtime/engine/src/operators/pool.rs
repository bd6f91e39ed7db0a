//! What both pools share.

use ocelli_kernels::{KernelError, Pool2dParameters};

use crate::layer::{Layer, bounds};

/// The parameters of either pool.
pub(super) fn parameters(layer: &Layer<'_>) -> Result<Pool2dParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (window, clamp) = (attributes.window(), attributes.clamp());
    let [vertical, horizontal] = layer.axes(&window);
    let [activation_min, activation_max] = bounds(&clamp);
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
pub(super) fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())
}
