//! The contract: how an accumulator becomes an int8 again. Every operator ends here.
//!
//! A real factor `f` is stored as `multiplier * 2^(shift - 31)`, with `multiplier` in
//! `2^30 ..= 2^31 - 1` (or 0 for a factor of 0). Applying it rounds twice, first in
//! [`saturating_rounding_doubling_high_multiply`], then in [`rounding_divide_by_power_of_two`],
//! because the TFLite reference kernels do so: TFLite Micro stays an independent oracle, bit for
//! bit. Finding `(multiplier, shift)` for a factor takes floating point and is the compiler's work.
//!
//! Layers on int16 activations add up in int64, and their sums become int16 again by
//! [`Requantize::apply_wide`], which rounds once and keeps 15 bits of the multiplier, as the reference does.

/// A factor in fixed point: `multiplier * 2^(shift - 31)`.
///
/// A factor of 0.75, and one of 6:
/// ```
/// use ocelli_kernels::Requantize;
/// let three_quarters = Requantize { multiplier: 3 << 29, shift: 0 };
/// assert_eq!(three_quarters.apply(100), 75);
/// assert_eq!(three_quarters.apply(-100), -75);
/// let six = Requantize { multiplier: 3 << 29, shift: 3 };
/// assert_eq!(six.apply(7), 42);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requantize {
    /// The factor's significant bits, as a fraction of `2^31`; anything but `i32::MIN`.
    pub multiplier: i32,
    /// The factor's power of two, `-31 ..= 30`; positive shifts left.
    pub shift: i8,
}

impl Requantize {
    /// The factor 1, exact for every value whose double fits 32 bits.
    pub const ONE: Requantize = Requantize { multiplier: 1 << 30, shift: 1 };

    /// [`multiply_by_quantized_multiplier`] with this factor, which is valid.
    #[inline(always)]
    pub fn apply(self, value: i32) -> i32 {
        // Without saturation, which only a multiplier of `i32::MIN` needs.
        let (left, right) = split(self.shift);
        let high = rounding_doubling_high_multiply(value.wrapping_shl(left), self.multiplier);
        rounding_divide_by_power_of_two(high, right)
    }

    /// The same for a factor below 1, whose `shift` is 0 or less.
    #[inline(always)]
    pub(crate) fn apply_below_one(self, value: i32) -> i32 {
        let (_, right) = split(self.shift);
        rounding_divide_by_power_of_two(rounding_doubling_high_multiply(value, self.multiplier), right)
    }

    /// As [`Requantize::apply`] for a wide sum, below 2^47 in magnitude, and a shift up to [`MAX_WIDE_SHIFT`]: once, with
    /// the multiplier's highest 15 bits, halves up. The result has the lowest 32 bits.
    ///
    /// ```
    /// use ocelli_kernels::Requantize;
    /// let three_quarters = Requantize { multiplier: 3 << 29, shift: 0 };
    /// assert_eq!([3, -2, -3].map(|sum| three_quarters.apply_wide(sum)), [2, -1, -2]);
    /// assert_eq!(three_quarters.apply_wide(1 << 30), 3 << 28);
    /// ```
    #[inline(always)]
    pub fn apply_wide(self, value: i64) -> i32 {
        const HIGHEST: i32 = 0x7FFF;
        let is_highest = self.multiplier >= HIGHEST << 16;
        let multiplier = if is_highest { HIGHEST } else { (self.multiplier + (1 << 15)) >> 16 };
        let right = (15 - i32::from(self.shift)) as u32;
        let half = 1i64.wrapping_shl(right.wrapping_sub(1));
        value.wrapping_mul(i64::from(multiplier)).wrapping_add(half).wrapping_shr(right) as i32
    }

    /// Whether both are in their range.
    pub const fn is_valid(self) -> bool {
        self.multiplier != i32::MIN && self.shift >= MIN_SHIFT && self.shift <= MAX_SHIFT
    }
}

/// The smallest shift of a [`Requantize`].
pub const MIN_SHIFT: i8 = -31;

/// The largest shift of a [`Requantize`].
pub const MAX_SHIFT: i8 = 30;

/// The largest shift of a [`Requantize`] for wide sums.
pub const MAX_WIDE_SHIFT: i8 = 7;

/// `value * multiplier * 2^(shift - 31)`, rounded twice.
///
/// A positive `shift` is applied before the multiplication and may not push significant bits out of
/// 32 (the compiler excludes it; here they are lost, identically everywhere). A negative one
/// divides afterwards.
/// ```
/// # use ocelli_kernels::multiply_by_quantized_multiplier;
/// // 11 * 0.5 * 2^-1 = 2.75: the first rounding gives 6, the second 3.
/// assert_eq!(multiply_by_quantized_multiplier(11, 1 << 30, -1), 3);
/// // 9 * 0.5 * 2^-1 = 2.25, but 4.5 rounds to 5 and 2.5 to 3: the price of rounding twice.
/// assert_eq!(multiply_by_quantized_multiplier(9, 1 << 30, -1), 3);
/// // Shifting left comes first: (3 << 4) * 0.5.
/// assert_eq!(multiply_by_quantized_multiplier(3, 1 << 30, 4), 24);
/// ```
#[inline(always)]
pub fn multiply_by_quantized_multiplier(value: i32, multiplier: i32, shift: i8) -> i32 {
    let (left, right) = split(shift);
    let high = saturating_rounding_doubling_high_multiply(value.wrapping_shl(left), multiplier);
    rounding_divide_by_power_of_two(high, right)
}

/// The high 32 bits of `2 * a * b`, rounded to nearest, halves up; saturated where both are `i32::MIN`.
/// ```
/// # use ocelli_kernels::saturating_rounding_doubling_high_multiply as multiply;
/// assert_eq!(multiply(5, 1 << 30), 3); // 2.5
/// assert_eq!(multiply(-5, 1 << 30), -2); // -2.5
/// assert_eq!(multiply(-6, 1 << 30), -3);
/// assert_eq!(multiply(i32::MIN, i32::MIN), i32::MAX);
/// ```
#[inline(always)]
pub fn saturating_rounding_doubling_high_multiply(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    rounding_doubling_high_multiply(a, b)
}

/// The same where not both are `i32::MIN`.
#[inline(always)]
fn rounding_doubling_high_multiply(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b) + (1 << 30)) >> 31) as i32
}

/// `value / 2^exponent`, rounded to nearest, halves away from zero. `exponent` is 0 to 31.
/// ```
/// # use ocelli_kernels::rounding_divide_by_power_of_two as divide;
/// assert_eq!(divide(5, 1), 3); // 2.5
/// assert_eq!(divide(-5, 1), -3); // -2.5
/// assert_eq!(divide(-5, 2), -1); // -1.25
/// assert_eq!(divide(i32::MAX, 31), 1);
/// ```
#[inline(always)]
pub fn rounding_divide_by_power_of_two(value: i32, exponent: u32) -> i32 {
    let mask = 1i32.wrapping_shl(exponent).wrapping_sub(1);
    let remainder = value & mask;
    let threshold = (mask >> 1) + i32::from(value < 0);
    value.wrapping_shr(exponent) + i32::from(remainder > threshold)
}

/// A shift as one to the left and one to the right, of which one is 0.
#[inline(always)]
fn split(shift: i8) -> (u32, u32) {
    let shift = i32::from(shift);
    (shift.max(0) as u32, (-shift).max(0) as u32)
}
