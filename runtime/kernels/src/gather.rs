//! Picking places along one axis by a list of them.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};
use crate::runs::{runs, runs_mut};
use crate::source::copy;

/// Sizes around the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherParameters {
    /// Product of the axes before.
    pub outer: usize,
    /// Places of the input along the axis.
    pub extent: usize,
    /// Product of the axes behind.
    pub inner: usize,
}

impl GatherParameters {
    /// Whether [`gather_s8`] may run with these indices and slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        indices: &[i32],
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        expect(Operand::Input, elements(&[self.outer, self.extent, self.inner])?, input_elements)?;
        expect(Operand::Output, elements(&[self.outer, indices.len(), self.inner])?, output_elements)?;
        let inside = |&index: &i32| usize::try_from(index).is_ok_and(|index| index < self.extent);
        ensure(indices.iter().all(inside), KernelError::Range)
    }
}

/// Copies the input's places along an axis in the order, and as often, as a list names them.
///
/// # Shapes
/// Input `[outer, extent, inner]`, output `[outer, indices, inner]`.
///
/// # Types and ranges
/// Bytes; input and output share their quantization. Indices from 0 up to below `extent`.
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`GatherParameters::check`].
///
/// # Source
/// TFLite reference kernel `Gather`; `MirrorPad` is one such list for each axis.
pub fn gather_s8(parameters: &GatherParameters, indices: &[i32], input: &[i8], output: &mut [i8]) {
    let &GatherParameters { extent, inner, .. } = parameters;
    let blocks = runs(input, extent.saturating_mul(inner));
    for (input, output) in blocks.zip(runs_mut(output, indices.len().saturating_mul(inner))) {
        for (&index, output) in indices.iter().zip(runs_mut(output, inner)) {
            let start = (index as usize).saturating_mul(inner);
            copy(input.get(start..).unwrap_or(&[]), output);
        }
    }
}
