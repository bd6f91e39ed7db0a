//! Links normalization by mean and variance.

use ocelli_format::OperatorKind;
use ocelli_kernels::{Affine, KernelError, NormalizeParameters, normalize_s8};

use crate::layer::{Kernel, Layer, image};
use crate::memory::Operands;

/// [`Operator::Normalize`](ocelli_format::Operator::Normalize).
#[derive(Clone, Copy, Debug)]
pub struct Normalize;

impl Normalize {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Normalize, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<NormalizeParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (centered, shift) = (attributes.flag(), attributes.u8());
    let (offset, gain_bits) = (attributes.u64(), attributes.u8());
    let shape = image(&layer.input(0))?;
    let input_zero_point = layer.input(0).zero_point();
    Ok(NormalizeParameters { shape, centered, input_zero_point, shift, offset, gain_bits })
}

fn affine<'a>(layer: &Layer<'a>) -> Affine<'a> {
    Affine { gains: layer.input(2).values_i32(), offsets: layer.input(3).values_i32() }
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let table = layer.input(1).values_i32().len();
    let (input, output) = (layer.input_elements(0), layer.output_elements());
    parameters(layer)?.check(table, &affine(layer), input, output)
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let (table, input) = (layer.input(1).values_i32(), operands.input(0));
        normalize_s8(parameters, table, &affine(layer), input, operands.output);
    }
}
