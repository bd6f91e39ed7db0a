//! Links multiplication.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, MulParameters, mul_s8};

use crate::layer::{Kernel, Layer, requantize};
use crate::memory::Operands;
use crate::operators::pair::{apply, broadcast};

/// [`Operator::Mul`](ocelli_format::Operator::Mul).
#[derive(Clone, Copy, Debug)]
pub struct Mul;

impl Mul {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Mul, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<MulParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (factor, clamp) = (attributes.factor(), attributes.clamp());
    let [activation_min, activation_max] = [clamp.min, clamp.max];
    Ok(MulParameters {
        left_zero_point: layer.input(0).zero_point(),
        right_zero_point: layer.input(1).zero_point(),
        output_zero_point: layer.output().zero_point(),
        requantize: requantize(&factor),
        activation_min,
        activation_max,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let elements = layer.output_elements();
    broadcast(layer)?;
    parameters(layer)?.check(elements, elements, elements)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        apply(layer, operands, |left, right, output| mul_s8(parameters, left, right, output));
    }
}
