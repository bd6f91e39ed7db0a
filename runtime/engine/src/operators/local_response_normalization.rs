//! Links normalization by neighbours along the channels.

use ocelli_format::OperatorKind;
use ocelli_kernels::{KernelError, LocalResponseNormalizationParameters, local_response_normalization_s8};

use crate::layer::{Kernel, Layer, image};
use crate::memory::Operands;

/// [`Operator::LocalResponseNormalization`](ocelli_format::Operator::LocalResponseNormalization).
#[derive(Clone, Copy, Debug)]
pub struct LocalResponseNormalization;

impl LocalResponseNormalization {
    /// For [`ops!`](crate::ops).
    pub const KERNEL: &'static Kernel =
        &Kernel { kind: OperatorKind::LocalResponseNormalization, check, run };
}

fn parameters(layer: &Layer<'_>) -> Result<LocalResponseNormalizationParameters, KernelError> {
    let mut attributes = layer.view.attributes;
    let (before, after) = (usize::from(attributes.u16()), usize::from(attributes.u16()));
    let (shift, offset) = (attributes.u8(), attributes.u64());
    let [_, _, _, channels] = image(&layer.input(0))?;
    Ok(LocalResponseNormalizationParameters {
        channels,
        before,
        after,
        input_zero_point: layer.input(0).zero_point(),
        output_zero_point: layer.output().zero_point(),
        shift,
        offset,
    })
}

fn check(layer: &Layer<'_>) -> Result<(), KernelError> {
    let table = layer.input(1).values_i32().len();
    parameters(layer)?.check(table, layer.input_elements(0), layer.output_elements())
}

fn run(layer: &Layer<'_>, operands: &mut Operands<'_>) {
    if let Ok(parameters) = &parameters(layer) {
        let (table, input) = (layer.input(1).values_i32(), operands.input(0));
        local_response_normalization_s8(parameters, table, input, operands.output);
    }
}
