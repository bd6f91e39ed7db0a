//! What both resizes share.

use ocelli_kernels::{KernelError, ResizeParameters, Sampling};

use crate::layer::{Layer, image};

/// The parameters of either resize.
pub(super) fn parameters(layer: &Layer<'_>) -> Result<ResizeParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let sampling = match (attributes.flag(), attributes.flag()) {
        (false, false) => Sampling::Asymmetric,
        (true, false) => Sampling::AlignCorners,
        (false, true) => Sampling::HalfPixelCenters,
        (true, true) => return Err(KernelError::Range),
    };
    let (input_shape, output_shape) = (image(&layer.input(0))?, image(&layer.output())?);
    Ok(ResizeParameters { input_shape, output_shape, sampling })
}

/// Whether either resize can run.
pub(super) fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())
}
