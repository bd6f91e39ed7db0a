//! From int32 sums to int8 outputs, a vector of channels at a time.

use super::level::{Level, MAX_LANES};
use crate::finish::Finish;
use crate::{Filter, Requantize};

/// Where all outputs go, in every lane.
#[derive(Clone, Copy)]
pub(super) struct Range<L: Level> {
    zero_point: L::Vector,
    low: L::Vector,
    high: L::Vector,
}

impl<L: Level> Range<L> {
    /// Zero point and activation.
    #[inline(always)]
    pub(super) fn new(level: L, finish: Finish) -> Self {
        Range {
            zero_point: level.splat(i32::from(finish.zero_point)),
            low: level.splat(i32::from(finish.min)),
            high: level.splat(i32::from(finish.max)),
        }
    }

    /// Adds the zero point to numbers on the output's scale, and limits them.
    #[inline(always)]
    pub(super) fn apply(&self, level: L, vector: L::Vector) -> L::Vector {
        level.clamp(level.add(vector, self.zero_point), self.low, self.high)
    }
}

/// Factors of one lane each, without a shift to the left.
#[derive(Clone, Copy)]
pub(super) struct Factors<L: Level> {
    multiplier: L::Vector,
    right: L::Vector,
    /// As many ones as [`Factors::right`] says, and one less.
    mask: L::Vector,
    half: L::Vector,
}

impl<L: Level> Factors<L> {
    /// The same factor, whose shift is 0 or less, in every lane.
    #[inline(always)]
    pub(super) fn same(level: L, requantize: Requantize) -> Factors<L> {
        Factors::new(level, level.splat(requantize.multiplier), level.splat(-i32::from(requantize.shift)))
    }

    /// Multipliers, and shifts to the right.
    #[inline(always)]
    fn new(level: L, multiplier: L::Vector, right: L::Vector) -> Factors<L> {
        let ones = |count| level.add(level.shift_left(level.splat(1), count), level.splat(-1));
        let less = level.clamp(level.add(right, level.splat(-1)), level.splat(0), level.splat(31));
        Factors { multiplier, right, mask: ones(right), half: ones(less) }
    }

    /// [`Requantize::apply`], lane by lane.
    #[inline(always)]
    pub(super) fn apply(&self, level: L, vector: L::Vector) -> L::Vector {
        let high = level.high_multiply(vector, self.multiplier);
        level.rounding_divide(high, self.right, self.mask, self.half)
    }
}

/// What neighbouring output channels, one a lane, do to their sums.
#[derive(Clone, Copy)]
pub(super) struct Channels<L: Level> {
    /// What a sum starts with.
    pub(super) bias: L::Vector,
    /// How far a sum is shifted to the left.
    left: L::Vector,
    factors: Factors<L>,
    /// Half of what a sum is divided by.
    rounding: L::Vector,
    /// What [`are_short`] says.
    short: bool,
}

/// Whether all sums of a layer, of so many `products` each, are divided and none comes near 31 bits, so that they can
/// be doubled and rounded without care.
#[inline(always)]
pub(super) fn are_short(filter: &Filter<'_>, products: usize) -> bool {
    let largest_bias = filter.bias.iter().fold(0, |largest: u32, bias| largest.max(bias.unsigned_abs()));
    let largest_shift = filter.shifts.iter().fold(i8::MIN, |largest, &shift| largest.max(shift));
    // A product is at most 255 * 128; half of a divisor adds up to 2^30.
    let bound = (products as u64).saturating_mul(255 * 128).saturating_add(u64::from(largest_bias));
    bound < 1 << 30 && largest_shift < 0
}

impl<L: Level> Channels<L> {
    /// What makes every sum 0.
    #[inline(always)]
    pub(super) fn none(level: L) -> Channels<L> {
        let zero = level.splat(0);
        let factors = Factors::new(level, zero, zero);
        Channels { bias: zero, left: zero, factors, rounding: zero, short: false }
    }

    /// The `count` channels from `first` on, of a layer whose sums [`are_short`] or not. `weights` are the sums of their
    /// weights, which stored zeros of the input would add.
    #[inline(always)]
    pub(super) fn new(
        level: L,
        filter: &Filter<'_>,
        [first, count]: [usize; 2],
        short: bool,
        weights: L::Vector,
        zero_point: i8,
    ) -> Channels<L> {
        let (multiplier, shift);
        if let (&[single_multiplier], &[single_shift]) = (filter.multipliers, filter.shifts) {
            (multiplier, shift) = (level.splat(single_multiplier), level.splat(i32::from(single_shift)));
        } else {
            let shifts = &filter.shifts[first..first + count];
            multiplier = numbers(level, &filter.multipliers[first..first + count]);
            // SAFETY: There are `count` of them.
            shift = unsafe { level.load_bytes(shifts.as_ptr(), count) };
        }
        let mut bias = level.splat(0);
        if let Some(biases) = filter.bias.get(first..first + count) {
            bias = numbers(level, biases);
        }
        let left = level.clamp(shift, level.splat(0), level.splat(31));
        let right = level.clamp(level.multiply(shift, level.splat(-1)), level.splat(0), level.splat(31));
        let correction = level.multiply(weights, level.splat(-L::stored_zero(zero_point)));
        let factors = Factors::new(level, multiplier, right);
        let rounding = level.add(factors.half, level.splat(1));
        Channels { bias: level.add(bias, correction), left, factors, rounding, short }
    }

    /// The outputs of a vector of sums.
    #[inline(always)]
    pub(super) fn finish(&self, level: L, sums: L::Vector, range: &Range<L>) -> L::Vector {
        if self.short {
            let Factors { multiplier, right, .. } = self.factors;
            let high = level.short_high_multiply(sums, multiplier);
            // Halves of negative numbers are rounded away from zero because one less is divided.
            let rounded = level.add(level.add(high, self.rounding), level.signs(high));
            range.apply(level, level.shift_right(rounded, right))
        } else {
            range.apply(level, self.factors.apply(level, level.shift_left(sums, self.left)))
        }
    }
}

/// A vector that begins with these numbers.
#[inline(always)]
fn numbers<L: Level>(level: L, numbers: &[i32]) -> L::Vector {
    let mut copy = [0; MAX_LANES];
    let from = if numbers.len() >= L::LANES {
        numbers.as_ptr()
    } else {
        copy[..numbers.len()].copy_from_slice(numbers);
        copy.as_ptr()
    };
    // SAFETY: Both have a number for every lane.
    unsafe { level.load(from) }
}
