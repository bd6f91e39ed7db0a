//! Links the product of two computed matrices.

use ocelli_format::OperatorKind;
use ocelli_kernels::{BatchMatmulParameters, KernelError, batch_matmul_s8};

use crate::layer::{Kernel, Layer, image, requantize};
use crate::memory::Operands;

/// [`Operator::BatchMatmul`](ocelli_format::Operator::BatchMatmul).
#[derive(Clone, Copy, Debug)]
pub struct BatchMatmul;

impl BatchMatmul {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::BatchMatmul, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<BatchMatmulParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (right_transposed, factor) = (attributes.flag(), attributes.factor());
    let [outer, batches, rows, depth] = image(&layer.input(0))?;
    let [right_outer, right_batches, first, second] = image(&layer.input(1))?;
    Ok(BatchMatmulParameters {
        batches: outer * batches,
        right_batches: right_outer * right_batches,
        rows,
        depth,
        columns: if right_transposed { first } else { second },
        right_transposed,
        left_zero_point: layer.input(0).zero_point(),
        right_zero_point: layer.input(1).zero_point(),
        output_zero_point: layer.output().zero_point(),
        requantize: requantize(&factor),
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let (left, right) = (layer.input_elements(0), layer.input_elements(1));
    parameters(layer)?.check(left, right, layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let (left, right) = (operands.input(0), operands.input(1));
        batch_matmul_s8(parameters, left, right, operands.output);
    }
}
