//! Links picking places along an axis.

use ocelli_format::OperatorKind;
use ocelli_kernels::{GatherParameters, KernelError, gather_s8};

use crate::layer::{Kernel, Layer};
use crate::memory::Operands;

/// [`Operator::Gather`](ocelli_format::Operator::Gather).
#[derive(Clone, Copy, Debug)]
pub struct Gather;

impl Gather {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Gather, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<GatherParameters, KernelError> {
    let axis = usize::from({ layer.view.attributes }.u8());
    let product =
        |axes: &[u32]| axes.iter().fold(1usize, |product, &axis| product.saturating_mul(axis as usize));
    let (outer, rest) = layer.input(0).axes().split_at_checked(axis).ok_or(KernelError::Geometry)?;
    let (&extent, inner) = rest.split_first().ok_or(KernelError::Geometry)?;
    Ok(GatherParameters { outer: product(outer), extent: extent as usize, inner: product(inner) })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let indices = layer.input(1).values_i32();
    parameters(layer)?.check(indices, layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        gather_s8(parameters, layer.input(1).values_i32(), input, operands.output);
    }
}
