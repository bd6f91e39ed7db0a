//! Where the largest value stands along neighbouring axes.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};
use crate::runs::{runs, runs_mut};

/// Along what the largest value is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgMaxParameters {
    /// Product of the axes before.
    pub outer: usize,
    /// Extent that is searched: at most [`ArgMaxParameters::MAX_COUNT`].
    pub count: usize,
    /// Product of the axes behind.
    pub inner: usize,
    /// Whether the last one of equal values counts, not the first.
    pub last: bool,
}

impl ArgMaxParameters {
    /// As many places as int8 has values.
    pub const MAX_COUNT: usize = 256;

    /// Whether [`arg_max_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        let searchable = (1..=ArgMaxParameters::MAX_COUNT).contains(&self.count);
        ensure(searchable, KernelError::Geometry)?;
        expect(Operand::Input, elements(&[self.outer, self.count, self.inner])?, input_elements)?;
        expect(Operand::Output, elements(&[self.outer, self.inner])?, output_elements)
    }
}

/// The place of the largest value, counted from -128.
///
/// # Shapes
/// Input `[outer, count, inner]`, output `[outer, inner]`.
///
/// # Types and ranges
/// int8; the output has scale 1 and zero point -128, so its real values are the places.
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`ArgMaxParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::ArgMinMax`, whose int32 places are these plus 128.
pub fn arg_max_s8(parameters: &ArgMaxParameters, input: &[i8], output: &mut [i8]) {
    let ArgMaxParameters { count, inner, last, .. } = *parameters;
    for (input, output) in runs(input, count * inner).zip(runs_mut(output, inner)) {
        for (column, output) in output.iter_mut().enumerate() {
            let (mut best, mut place) = (i8::MIN, 0usize);
            for (index, &value) in input.iter().skip(column).step_by(inner.max(1)).enumerate() {
                if value > best || last && value == best {
                    (best, place) = (value, index);
                }
            }
            *output = (place as i32 - 128) as i8;
        }
    }
}
