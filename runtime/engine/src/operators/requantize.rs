//! Links the change of a scale, and of int8 into int16 and back.

use ocelli_format::{Element, OperatorKind};
use ocelli_kernels::{KernelError, RescaleParameters, rescale};

use crate::layer::{Kernel, Layer, requantize};
use crate::memory::Operands;

/// [`Operator::Requantize`](ocelli_format::Operator::Requantize).
#[derive(Clone, Copy, Debug)]
pub struct Requantize;

impl Requantize {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Requantize, check, run };
}

fn parameters(layer: &Layer<'_>) -> RescaleParameters {
    RescaleParameters {
        input_zero_point: layer.input(0).zero_point(),
        output_zero_point: layer.output().zero_point(),
        requantize: requantize(&{ layer.view.attributes }.factor()),
    }
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer).check(layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    let parameters = &parameters(layer);
    match (layer.input(0).element(), layer.output().element()) {
        (Element::I16, Element::I16) => {
            rescale::<i16, i16>(parameters, operands.input_as(0), operands.output_as());
        }
        (Element::I16, _) => rescale::<i16, i8>(parameters, operands.input_as(0), operands.output_as()),
        (_, Element::I16) => rescale::<i8, i16>(parameters, operands.input_as(0), operands.output_as()),
        _ => rescale::<i8, i8>(parameters, operands.input_as(0), operands.output_as()),
    }
}
