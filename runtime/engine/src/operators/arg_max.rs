//! Links the place of the largest value.

use ocelli_format::OperatorKind;
use ocelli_kernels::{ArgMaxParameters, KernelError, arg_max_s8};

use crate::layer::{Kernel, Layer, image};
use crate::memory::Operands;

/// [`Operator::ArgMax`](ocelli_format::Operator::ArgMax).
#[derive(Clone, Copy, Debug)]
pub struct ArgMax;

impl ArgMax {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::ArgMax, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<ArgMaxParameters, KernelError> {
    let last = { layer.view.attributes }.flag();
    let [outer, height, width, inner] = image(&layer.input(0))?;
    Ok(ArgMaxParameters { outer, count: height * width, inner, last })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        arg_max_s8(parameters, input, operands.output);
    }
}
