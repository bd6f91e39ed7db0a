//! Links the rectifier with learned slopes.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, PreluParameters, prelu_s8};

use crate::layer::{Kernel, Layer, requantize};
use crate::memory::Operands;

/// [`Operator::Prelu`](ocelli_format::Operator::Prelu).
#[derive(Clone, Copy, Debug)]
pub struct Prelu;

impl Prelu {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Prelu, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<PreluParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (positive, negative) = (attributes.factor(), attributes.factor());
    Ok(PreluParameters {
        input_zero_point: layer.input(0).zero_point(),
        slope_zero_point: layer.input(1).zero_point(),
        output_zero_point: layer.output().zero_point(),
        positive: requantize(&positive),
        negative: requantize(&negative),
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (input, slopes) = (layer.input_elements(0), layer.input_elements(1));
    parameters(layer)?.check(input, slopes, layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.source(0);
        prelu_s8(parameters, layer.input(1).values_i8(), input, operands.output);
    }
}
