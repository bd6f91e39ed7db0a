//! What both pools share.

use ocelli_kernels::{KernelError, Pool2dParameters};

use crate::layer::{Layer, Sliding, Told};

/// The parameters of either pool.
pub(super) fn parameters<T: Told>(layer: &Layer<'_>) -> Result<Pool2dParameters<T>, KernelError> {
    let mut attributes = layer.view.attributes;
    let Sliding { input_shape, output_shape, vertical, horizontal } = layer.sliding(&mut attributes)?;
    let [activation_min, activation_max] = T::bounds(&mut attributes);
    Ok(Pool2dParameters { input_shape, output_shape, vertical, horizontal, activation_min, activation_max })
}

/// Whether either pool can run.
pub(super) fn check<T: Told>(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters::<T>(layer)?.check(layer.input_elements(0), layer.output_elements())
}
