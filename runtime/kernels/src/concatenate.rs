//! Concatenation along any axis, one input at a time.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};
use crate::runs::{runs, runs_mut};
use crate::source::copy;

/// Where one input of a concatenation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcatenateParameters {
    /// Product of the axes before the concatenated one.
    pub outer: usize,
    /// Product of the concatenated axis and those behind it, in this input.
    pub input_run: usize,
    /// The same in the output: the sum over all inputs.
    pub output_run: usize,
    /// Where this input starts in a run of the output: the sum over the inputs before it.
    pub offset: usize,
}

impl ConcatenateParameters {
    /// Whether [`concatenate_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        expect(Operand::Input, elements(&[self.outer, self.input_run])?, input_elements)?;
        expect(Operand::Output, elements(&[self.outer, self.output_run])?, output_elements)?;
        let end = self.offset.checked_add(self.input_run);
        ensure(end.is_some_and(|end| end <= self.output_run), KernelError::Geometry)
    }
}

/// Copies one input of a concatenation to its place; call it once an input.
///
/// # Shapes
/// Input `[outer, input_run]`, output `[outer, output_run]`.
///
/// # Types and ranges
/// Bytes; all inputs and the output share their quantization (otherwise a
/// [`lookup_s8`](crate::lookup_s8) comes first).
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`ConcatenateParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::Concatenation`.
pub fn concatenate_s8(parameters: &ConcatenateParameters, input: &[i8], output: &mut [i8]) {
    let ConcatenateParameters { input_run, output_run, offset, .. } = *parameters;
    for (input, output) in runs(input, input_run).zip(runs_mut(output, output_run)) {
        copy(input, output.get_mut(offset..).unwrap_or(&mut []));
    }
}
