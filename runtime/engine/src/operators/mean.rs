//! Links the mean over height and width.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, MeanParameters, mean_s8};

use crate::layer::{Kernel, Layer, image, requantize};
use crate::memory::Operands;

/// [`Operator::Mean`](ocelli_format::Operator::Mean).
#[derive(Clone, Copy, Debug)]
pub struct Mean;

impl Mean {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel = &Kernel { kind: OperatorKind::Mean, check, run };
}

pub(super) fn parameters(layer: &Layer<'_>) -> Result<MeanParameters, KernelError> {
    let factor = { layer.view.attributes }.factor();
    let [batches, height, width, channels] = image(&layer.input(0))?;
    Ok(MeanParameters {
        outer: batches,
        count: height * width,
        inner: channels,
        input_zero_point: layer.input(0).zero_point(),
        output_zero_point: layer.output().zero_point(),
        requantize: requantize(&factor),
    })
}

pub(super) fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    parameters(layer)?.check(layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let input = operands.input(0);
        mean_s8(parameters, input, operands.output);
    }
}
