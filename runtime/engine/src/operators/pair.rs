//! What the operators of two inputs share: how these broadcast.

use ocelli_kernels::{Broadcast, KernelError, Source};

use crate::layer::Layer;
use crate::memory::Operands;

/// How the inputs of a layer repeat to fill its output. Those of single rows do not repeat.
pub(super) fn broadcast(layer: &Layer<'_>) -> Result<Broadcast, KernelError> {
    if layer.rows.is_some() {
        let elements = &[layer.output_elements() as u32];
        return Broadcast::new(elements, elements, elements).ok_or(KernelError::Geometry);
    }
    let (left, right, output) = (layer.input(0), layer.input(1), layer.output());
    Broadcast::new(left.axes(), right.axes(), output.axes()).ok_or(KernelError::Geometry)
}

/// Runs a kernel for equal lengths on inputs that broadcast.
pub(super) fn apply(
    layer: &Layer<'_>,
    operands: &mut Operands<'_>,
    kernel: impl FnMut(Source<'_>, Source<'_>, &mut [i8]),
) {
    if let Ok(broadcast) = &broadcast(layer) {
        let (left, right) = (operands.source(0), operands.source(1));
        broadcast.apply(left, right, operands.output, kernel);
    }
}
