//! Links the square of a difference.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, SquaredDifferenceParameters, squared_difference_s8};

use crate::layer::{Kernel, Layer, requantize};
use crate::memory::Operands;
use crate::operators::pair::{apply, broadcast};

/// [`Operator::SquaredDifference`](ocelli_format::Operator::SquaredDifference).
#[derive(Clone, Copy, Debug)]
pub struct SquaredDifference;

impl SquaredDifference {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::SquaredDifference, check, run };
}

/// The extra fraction bits that the kernel works with.
const LEFT_SHIFT: u8 = 7;

fn parameters(layer: &Layer<'_>) -> Result<SquaredDifferenceParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    if attributes.u8() != LEFT_SHIFT {
        return Err(KernelError::Range);
    }
    let (left, right, output) = (attributes.factor(), attributes.factor(), attributes.factor());
    Ok(SquaredDifferenceParameters {
        left_zero_point: layer.input(0).zero_point(),
        right_zero_point: layer.input(1).zero_point(),
        output_zero_point: layer.output().zero_point(),
        left_requantize: requantize(&left),
        right_requantize: requantize(&right),
        output_requantize: requantize(&output),
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let elements = layer.output_elements();
    broadcast(layer)?;
    parameters(layer)?.check(elements, elements, elements)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        apply(layer, operands, |left, right, output| squared_difference_s8(parameters, left, right, output));
    }
}
