//! Links bilinear interpolation at listed positions.

use ocelli_format::OperatorKind;
use ocelli_kernels::{InterpolateParameters, KernelError, interpolate_s8};

use crate::layer::{Kernel, Layer, image};
use crate::memory::Operands;

/// [`Operator::Interpolate`](ocelli_format::Operator::Interpolate).
#[derive(Clone, Copy, Debug)]
pub struct Interpolate;

impl Interpolate {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Interpolate, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<InterpolateParameters, KernelError> {
    let (input_shape, output_shape) = (image(&layer.input(0))?, image(&layer.output())?);
    Ok(InterpolateParameters { input_shape, output_shape })
}

/// Positions of rows and of columns.
fn positions<'a>(layer: &Layer<'a>) -> [&'a [i32]; 2] {
    [layer.input(1).values_i32(), layer.input(2).values_i32()]
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(positions(layer), layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        interpolate_s8(parameters, positions(layer), input, operands.output);
    }
}
