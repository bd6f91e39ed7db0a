//! Links the walk that transposes, slices, flips and repeats.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, RearrangeParameters, rearrange_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;

/// [`Operator::Rearrange`](ocelli_format::Operator::Rearrange).
#[derive(Clone, Copy, Debug)]
pub struct Rearrange;

impl Rearrange {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Rearrange, check, run };
}

fn parameters(layer: &Layer<'_>) -> RearrangeParameters {
    let mut attributes = layer.view.attributes;
    let mut output_shape = [1; 6];
    for (to, &axis) in output_shape.iter_mut().zip(layer.output().axes()) {
        *to = axis as usize;
    }
    RearrangeParameters {
        output_shape,
        start: attributes.i32() as u32 as usize,
        strides: core::array::from_fn(|_| attributes.i32() as isize),
    }
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer).check(layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    let input = operands.input(0);
    rearrange_s8(&parameters(layer), input, operands.output);
}
