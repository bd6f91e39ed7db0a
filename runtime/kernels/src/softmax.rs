//! Softmax over the innermost axis.

use crate::error::{Operand, elements, ensure, expect};
use crate::fixed_point::{exp_of_negative, reciprocal_of_one_plus};
use crate::runs::for_each_pair;
use crate::{
    KernelError, Requantize, rounding_divide_by_power_of_two, saturating_rounding_doubling_high_multiply,
};

/// What a softmax computes.
///
/// The compiler derives the factor `min(beta * input_scale * 2^26, 2^31 - 1)`, and `diff_min =
/// -floor((2^5 - 1) * 2^26 / 2^shift)` from its shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxParameters {
    /// Product of all axes but the innermost.
    pub rows: usize,
    /// The innermost axis, up to [`SoftmaxParameters::MAX_DEPTH`].
    pub depth: usize,
    /// From differences of inputs to the exponent, which has 5 integer bits; its shift is 0 or more.
    pub requantize: Requantize,
    /// Differences from the largest value of a row below this one count as minus infinity; 0 or less.
    pub diff_min: i32,
}

impl SoftmaxParameters {
    /// The longest row: the sum of exponentials has 12 integer bits.
    pub const MAX_DEPTH: usize = 4095;

    /// Whether [`softmax_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        ensure(self.depth >= 1, KernelError::Geometry)?;
        ensure(self.depth <= SoftmaxParameters::MAX_DEPTH, KernelError::TooLarge)?;
        let Requantize { multiplier, shift } = self.requantize;
        ensure(multiplier >= 0 && (0..=30).contains(&shift) && self.diff_min <= 0, KernelError::Range)?;
        // The most negative exponent must stay inside 32 bits after the shift.
        let exponent = i64::from(self.diff_min.max(-255)) << shift;
        ensure(exponent >= i64::from(i32::MIN), KernelError::Range)?;
        let needed = elements(&[self.rows, self.depth])?;
        expect(Operand::Input, needed, input_elements)?;
        expect(Operand::Output, needed, output_elements)
    }
}

/// Exponentials of every row, divided by their sum.
///
/// # Shapes
/// Input and output `[rows, depth]`.
///
/// # Types and ranges
/// int8; the output's scale is 1/256 and its zero point -128.
///
/// # Rounding
/// The exponent has 26 fraction bits, exponentials 31, their sum 19. One rounding divide at the end.
/// Where the sum is 512 times the largest exponential or more, all outputs are 0 (-128 as stored);
/// the reference stops the program there.
///
/// # Scratch
/// None: exponentials are computed twice.
///
/// # Errors
/// None after [`SoftmaxParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::Softmax`.
pub fn softmax_s8(parameters: &SoftmaxParameters, input: &[i8], output: &mut [i8]) {
    for_each_pair([parameters.depth; 2], input, output, |input, output| {
        let largest = input.iter().copied().max().unwrap_or(0);
        let sum = input.iter().fold(0, |sum: i32, &value| {
            sum.wrapping_add(rounding_divide_by_power_of_two(exponential(parameters, value, largest), 12))
        });
        // The largest value's exponential is 1, so the sum has up to 12 leading zeros. Its leading one
        // is the 1 of the reciprocal's 1 + x.
        let zeros = (sum as u32).leading_zeros().min(12);
        let scale = reciprocal_of_one_plus((sum << zeros) & i32::MAX);
        let shift = 12 - zeros + 31 - 8;
        // Beyond 31 bits every share is below half a step.
        let (scale, shift) = if shift > 31 { (0, 31) } else { (scale, shift) };

        for (output, &value) in output.iter_mut().zip(input) {
            let product =
                saturating_rounding_doubling_high_multiply(scale, exponential(parameters, value, largest));
            let share = rounding_divide_by_power_of_two(product, shift);
            *output = (share.min(255) - 128) as i8;
        }
    });
}

/// The exponential of how much less a value is than the largest of its row, in 0 integer bits; 0 where that counts as infinite.
// Once, not at both of its uses.
#[inline(never)]
fn exponential(parameters: &SoftmaxParameters, value: i8, largest: i8) -> i32 {
    let difference = i32::from(value) - i32::from(largest);
    if difference < parameters.diff_min {
        return 0;
    }
    exp_of_negative::<5>(parameters.requantize.apply(difference).min(0))
}
