//! Mean over neighbouring axes: height and width, as a rule.

use crate::error::{Operand, elements, ensure, expect};
use crate::finish::Finish;
use crate::runs::{runs, runs_mut};
use crate::{KernelError, Requantize};

/// What a mean, or a sum, computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeanParameters {
    /// Product of the axes before those that are averaged: `N` for the mean over `H` and `W`.
    pub outer: usize,
    /// Product of the averaged axes: `H * W`.
    pub count: usize,
    /// Product of the axes behind: `C`.
    pub inner: usize,
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `input_scale / output_scale`; the division by `count` is the mean's kernel's.
    pub requantize: Requantize,
}

impl MeanParameters {
    /// Whether [`mean_s8`] and [`sum_s8`](crate::sum_s8) may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit; [`KernelError::TooLarge`] also where a sum
    /// could leave 31 bits.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        ensure(self.count >= 1, KernelError::Geometry)?;
        ensure(self.count < 1 << 23, KernelError::TooLarge)?;
        ensure(self.requantize.is_valid() && self.requantize.multiplier >= 0, KernelError::Range)?;
        expect(Operand::Input, elements(&[self.outer, self.count, self.inner])?, input_elements)?;
        expect(Operand::Output, elements(&[self.outer, self.inner])?, output_elements)
    }

    /// The factor with the division by `count` folded in: the multiplier gets as many more bits
    /// before the division as `count` will take away.
    fn divided(&self) -> Requantize {
        let count = self.count.max(1) as i64;
        let Requantize { multiplier, shift } = self.requantize;
        let bits = (63 - count.leading_zeros() as i32).min(31 + i32::from(shift)).max(0);
        let multiplier = (i64::from(multiplier) << bits) / count;
        Requantize { multiplier: multiplier as i32, shift: (i32::from(shift) - bits) as i8 }
    }
}

/// The mean over an axis, or over several that lie next to each other.
///
/// # Shapes
/// Input `[outer, count, inner]`, output `[outer, inner]`.
///
/// # Types and ranges
/// int8, each side with its own quantization; int32 sums.
///
/// # Rounding
/// The division by `count` is folded into the factor, truncating; then
/// [`Requantize::apply`](crate::Requantize::apply). This differs from an average pool.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`MeanParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::QuantizedMeanOrSum`.
pub fn mean_s8(parameters: &MeanParameters, input: &[i8], output: &mut [i8]) {
    let requantize = parameters.divided();
    let finish = Finish::unclamped(parameters.output_zero_point);
    column_sums(parameters, input, output, |sum| finish.apply(sum, requantize));
}

/// Calls `finish` with the sum of every column, counted from the zero point.
#[inline(always)]
pub(crate) fn column_sums(
    parameters: &MeanParameters,
    input: &[i8],
    output: &mut [i8],
    finish: impl Fn(i32) -> i8,
) {
    let MeanParameters { count, inner, .. } = *parameters;
    let zero = i32::from(parameters.input_zero_point).wrapping_mul(count as i32);
    for (input, output) in runs(input, count * inner).zip(runs_mut(output, inner)) {
        for (block, output) in output.chunks_mut(BLOCK).enumerate() {
            let mut sums = [0i32; BLOCK];
            for pixel in runs(input, inner) {
                for (sum, &value) in sums.iter_mut().zip(pixel.get(block * BLOCK..).unwrap_or(&[])) {
                    *sum = sum.wrapping_add(i32::from(value));
                }
            }
            for (output, &sum) in output.iter_mut().zip(&sums) {
                *output = finish(sum.wrapping_sub(zero));
            }
        }
    }
}

/// Columns whose sums are kept at a time.
const BLOCK: usize = 16;
