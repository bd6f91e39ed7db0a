//! Links division.

use ocelli_format::OperatorKind;
use ocelli_kernels::{DivParameters, KernelError, div_s8};

use crate::layer::{Kernel, Layer, requantize};
use crate::memory::Operands;
use crate::operators::pair::{apply, broadcast};

/// [`Operator::Div`](ocelli_format::Operator::Div).
#[derive(Clone, Copy, Debug)]
pub struct Div;

impl Div {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Div, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<DivParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (factor, clamp) = (attributes.factor(), attributes.clamp());
    let [activation_min, activation_max] = [clamp.min, clamp.max];
    Ok(DivParameters {
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
        apply(layer, operands, |left, right, output| div_s8(parameters, left, right, output));
    }
}
