//! Links softmax.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, SoftmaxParameters, softmax_s8};

use crate::layer::{Kernel, Layer, requantize};
use crate::memory::Operands;

/// [`Operator::Softmax`](ocelli_format::Operator::Softmax).
#[derive(Clone, Copy, Debug)]
pub struct Softmax;

impl Softmax {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Softmax, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<SoftmaxParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (factor, diff_min) = (attributes.factor(), attributes.i32());
    let output = layer.output();
    let depth = output.axes().last().map_or(1, |&axis| axis as usize);
    Ok(SoftmaxParameters {
        rows: output.elements() / depth.max(1),
        depth,
        requantize: requantize(&factor),
        diff_min,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        softmax_s8(parameters, input, operands.output);
    }
}
