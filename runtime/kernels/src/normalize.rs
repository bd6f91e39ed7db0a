//! Normalization by mean and variance of groups of numbers: layer, instance and group normalization, and by
//! their squares alone: L2 and root mean square.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};
use crate::power::{POWER_ENTRIES, Power, shift_right};
use crate::runs::{runs, runs_mut};

/// What a normalization computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormalizeParameters {
    /// `[outer, count, groups, inner]`: the numbers along `count` and `inner` are normalized together.
    pub shape: [usize; 4],
    /// Whether the mean is taken out.
    pub centered: bool,
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// By how much the sum is shifted left; at most [`NormalizeParameters::MAX_SHIFT`].
    pub shift: u8,
    /// What is added to the shifted sum; below `2^62`.
    pub offset: u64,
    /// Fraction bits of the gains, at most 30.
    pub gain_bits: u8,
}

/// What the normalized numbers are multiplied with and what is added: constants that repeat along the numbers.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// In steps of the output, with [`NormalizeParameters::gain_bits`] fraction bits.
    pub gains: &'a [i32],
    /// In steps of the output, the zero point among them, with 16 fraction bits.
    pub offsets: &'a [i32],
}

/// Fraction bits of a normalized number.
const NORMALIZED_BITS: i32 = 20;

/// Fraction bits of an output before it is rounded.
const OUTPUT_BITS: i32 = 16;

impl NormalizeParameters {
    /// The largest shift of a sum.
    pub const MAX_SHIFT: u8 = 24;

    /// More numbers in a group than this could leave 62 bits.
    pub const MAX_GROUP: usize = 1 << 22;

    /// Whether [`normalize_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        table_entries: usize,
        affine: &Affine<'_>,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        expect(Operand::Weights, POWER_ENTRIES, table_entries)?;
        let in_range = self.shift <= Self::MAX_SHIFT && self.offset < 1 << 62 && self.gain_bits <= 30;
        ensure(in_range, KernelError::Range)?;
        let [outer, count, groups, inner] = self.shape;
        let group = elements(&[count, inner])?;
        ensure(group <= Self::MAX_GROUP, KernelError::TooLarge)?;
        // A square has 16 bits, a sum of squares as many more as the group's size, once more where centered.
        let size_bits = usize::BITS - group.leading_zeros();
        let sum_bits = 16 + if self.centered { 2 * size_bits } else { size_bits };
        ensure(sum_bits + u32::from(self.shift) < 64, KernelError::Range)?;
        ensure(!self.shape.contains(&0) && !affine.gains.is_empty(), KernelError::Geometry)?;
        expect(Operand::Bias, affine.gains.len(), affine.offsets.len())?;
        let block = elements(&[count, groups, inner])?;
        ensure(block.is_multiple_of(affine.gains.len()), KernelError::Geometry)?;
        expect(Operand::Input, elements(&[outer, block])?, input_elements)?;
        expect(Operand::Output, input_elements, output_elements)
    }
}

/// Normalizes groups of numbers.
///
/// # Shapes
/// Input and output `[outer, count, groups, inner]`; gains and offsets repeat along each of the `outer` blocks.
///
/// # Types and ranges
/// int8 in and out. With `n` numbers in a group, centered: the numbers are `n * x - sum(x)`, the sum is
/// `n * sum(x^2) - sum(x)^2`; otherwise: the numbers are `x`, the sum is `sum(x^2)`, where `x` is the difference
/// from the zero point. Both are exact.
///
/// # Rounding
/// With `t = sum * 2^shift + offset`, a number times `t`'s power from the table is rounded to 20 fraction bits,
/// times its gain to 16, and with its offset to a whole step. The power has 16 good bits.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`NormalizeParameters::check`].
///
/// # Source
/// ONNX operators `LayerNormalization`, `InstanceNormalization`, `GroupNormalization`, `LpNormalization`.
pub fn normalize_s8(
    parameters: &NormalizeParameters,
    table: &[i32],
    affine: &Affine<'_>,
    input: &[i8],
    output: &mut [i8],
) {
    let [_, count, groups, inner] = parameters.shape;
    let Some(power) = Power::new(table) else { return };
    let block = count * groups * inner;
    let numbers = (count * inner) as i64;
    let steps = |value: i8| i64::from(value) - i64::from(parameters.input_zero_point);
    for (input, output) in runs(input, block).zip(runs_mut(output, block)) {
        for group in 0..groups {
            let (mut sum, mut squares) = (0i64, 0i64);
            for row in runs(input, groups * inner) {
                for &value in row.iter().skip(group * inner).take(inner) {
                    sum += steps(value);
                    squares += steps(value) * steps(value);
                }
            }
            let (factor, mean, total) = if parameters.centered {
                (numbers, sum, numbers * squares - sum * sum)
            } else {
                (1, 0, squares)
            };
            let total = (total.max(0) as u64) << parameters.shift;
            let scale = power.of(total.saturating_add(parameters.offset));
            for row in 0..count {
                let start = (row * groups + group) * inner;
                let places = (start..start + inner).zip(input.iter().skip(start));
                for ((place, &value), output) in places.zip(output.iter_mut().skip(start)) {
                    let normalized = scale.times(factor * steps(value) - mean, NORMALIZED_BITS);
                    *output = finish(parameters, affine, place, normalized);
                }
            }
        }
    }
}

/// The output for a normalized number.
fn finish(parameters: &NormalizeParameters, affine: &Affine<'_>, place: usize, normalized: i64) -> i8 {
    let at = |values: &[i32]| i64::from(values.get(place % values.len().max(1)).copied().unwrap_or(0));
    let bits = NORMALIZED_BITS + i32::from(parameters.gain_bits) - OUTPUT_BITS;
    let limit = i64::from(i32::MAX);
    let scaled = shift_right(normalized.clamp(-limit, limit) * at(affine.gains), bits);
    let limit = 1 << 40;
    let value = shift_right(scaled.clamp(-limit, limit) + at(affine.offsets), OUTPUT_BITS);
    value.clamp(i64::from(i8::MIN), i64::from(i8::MAX)) as i8
}
