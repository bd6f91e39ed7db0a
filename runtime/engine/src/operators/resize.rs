//! What both resizes share.

use ocelli_format::Operator;
use ocelli_kernels::{KernelError, ResizeParameters, Sampling};

use crate::layer::{Layer, image};

/// The parameters of either resize.
pub(super) fn parameters(layer: &Layer<'_>) -> Result<ResizeParameters, KernelError> {
    let sampling = match layer.operator() {
        Operator::ResizeNearest { align_corners, half_pixel_centers }
        | Operator::ResizeBilinear { align_corners, half_pixel_centers } => {
            match (align_corners, half_pixel_centers) {
                (true, _) => Sampling::AlignCorners,
                (false, true) => Sampling::HalfPixelCenters,
                (false, false) => Sampling::Asymmetric,
            }
        }
        _ => return Err(KernelError::Geometry),
    };
    let (input_shape, output_shape) = (image(&layer.input(0))?, image(&layer.output())?);
    Ok(ResizeParameters { input_shape, output_shape, sampling })
}

/// Whether either resize can run.
pub(super) fn check(layer: &Layer<'_>) -> Result<usize, KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())?;
    Ok(0)
}
