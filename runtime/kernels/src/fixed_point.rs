//! Exponential, logistic, hyperbolic tangent and reciprocal on 32-bit fixed-point numbers.
//!
//! A number with `n` integer bits has `31 - n` fraction bits. The approximations are those of the
//! gemmlowp library, on which the TFLite reference kernels for softmax, logistic and tanh stand, so
//! the same bits come out.

use crate::{rounding_divide_by_power_of_two as divide, saturating_rounding_doubling_high_multiply};

/// `e^value` in 0 integer bits, for a `value <= 0` with `INTEGER_BITS` of them, 5 at most.
pub(crate) fn exp_of_negative<const INTEGER_BITS: u32>(value: i32) -> i32 {
    if value == 0 {
        return i32::MAX;
    }
    let quarter = 1i32 << (29 - INTEGER_BITS);
    let within_quarter = (value & (quarter - 1)) - quarter;
    let mut result = exp_within_quarter(shift_left_saturating(within_quarter, INTEGER_BITS));
    let quarters = within_quarter.wrapping_sub(value) >> (29 - INTEGER_BITS);
    for (bit, factor) in EXP_OF_MINUS_QUARTERS.into_iter().enumerate() {
        if quarters >> bit & 1 != 0 {
            result = multiply(result, factor);
        }
    }
    result
}

/// `e^-(2^k / 4)` for `k` from 0, in 0 integer bits.
const EXP_OF_MINUS_QUARTERS: [i32; 7] = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];

/// `e^value` for `value` in `-1/4 .. 0`, all in 0 integer bits: the Taylor series around -1/8.
fn exp_within_quarter(value: i32) -> i32 {
    const EXP_OF_MINUS_EIGHTH: i32 = 1895147668;
    const ONE_THIRD: i32 = 715827883;
    let x = value.wrapping_add(1 << 28);
    let x2 = multiply(x, x);
    let x3 = multiply(x2, x);
    let x4 = multiply(x2, x2);
    let tail = divide(multiply(divide(x4, 2).wrapping_add(x3), ONE_THIRD).wrapping_add(x2), 1);
    EXP_OF_MINUS_EIGHTH.wrapping_add(multiply(EXP_OF_MINUS_EIGHTH, x.wrapping_add(tail)))
}

/// `1 / (1 + value)` for `value` in `0 ..= 1`, all in 0 integer bits.
pub(crate) fn reciprocal_of_one_plus(value: i32) -> i32 {
    shift_left_saturating(reciprocal_of_half_of_one_plus(value), 1)
}

/// `(1 - value) / (1 + value)` for `value` in `0 ..= 1`, all in 0 integer bits.
fn one_minus_over_one_plus(value: i32) -> i32 {
    shift_left_saturating(reciprocal_of_half_of_one_plus(value).wrapping_sub(1 << 29), 2)
}

/// `2 / (1 + value)` in 2 integer bits: three steps of Newton and Raphson.
fn reciprocal_of_half_of_one_plus(value: i32) -> i32 {
    const FORTY_EIGHT_SEVENTEENTHS: i32 = 1515870810;
    const MINUS_THIRTY_TWO_SEVENTEENTHS: i32 = -1010580540;
    let half_denominator = ((i64::from(value) + i64::from(i32::MAX) + 1) / 2) as i32;
    let mut x =
        FORTY_EIGHT_SEVENTEENTHS.wrapping_add(multiply(half_denominator, MINUS_THIRTY_TWO_SEVENTEENTHS));
    for _ in 0..3 {
        let error = (1i32 << 29).wrapping_sub(multiply(half_denominator, x));
        x = x.wrapping_add(shift_left_saturating(multiply(x, error), 2));
    }
    x
}

/// `1 / (1 + e^-value)` in 0 integer bits, for a value with 4.
pub(crate) fn logistic(value: i32) -> i32 {
    if value == 0 {
        return 1 << 30;
    }
    let of_magnitude = reciprocal_of_one_plus(exp_of_negative::<4>(value.saturating_abs().wrapping_neg()));
    if value > 0 { of_magnitude } else { i32::MAX - of_magnitude }
}

/// `tanh(value)` in 0 integer bits, for a value with 4.
pub(crate) fn tanh(value: i32) -> i32 {
    if value == 0 {
        return 0;
    }
    // Read with 5 integer bits, the same bits mean twice the value.
    let of_magnitude = one_minus_over_one_plus(exp_of_negative::<5>(value.saturating_abs().wrapping_neg()));
    if value > 0 { of_magnitude } else { of_magnitude.wrapping_neg() }
}

/// The high 32 bits of `2 * a * b`, rounded and saturated.
// Once in a firmware, not a dozen times in every exponential.
#[inline(never)]
fn multiply(a: i32, b: i32) -> i32 {
    saturating_rounding_doubling_high_multiply(a, b)
}

/// `value * 2^bits`, saturated.
fn shift_left_saturating(value: i32, bits: u32) -> i32 {
    value.saturating_mul(1 << bits)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// Steps of `2^-31`.
    fn fraction(value: i32) -> f64 {
        f64::from(value) / 2f64.powi(31)
    }

    /// Every number with 5 integer bits that is a multiple of an odd step.
    fn negatives() -> impl Iterator<Item = i32> {
        (1..=2_000_000).map(|k| -1073 * k)
    }

    #[test]
    fn exponential() {
        for value in negatives() {
            let expected = (fraction(value) * 32.0).exp();
            let error = (fraction(exp_of_negative::<5>(value)) - expected).abs();
            assert!(error < 3e-7, "{value}: off by {error}");
        }
        assert_eq!(exp_of_negative::<5>(0), i32::MAX);
        assert_eq!(exp_of_negative::<5>(i32::MIN), 0);
    }

    #[test]
    fn reciprocal() {
        for value in negatives().map(|value| -value) {
            let error = (fraction(reciprocal_of_one_plus(value)) - 1.0 / (1.0 + fraction(value))).abs();
            assert!(error < 1e-8, "{value}: off by {error}");
        }
    }

    #[test]
    fn logistic_and_tanh() {
        for value in negatives().flat_map(|value| [value, -value]) {
            let x = fraction(value) * 16.0;
            let error = (fraction(logistic(value)) - 1.0 / (1.0 + (-x).exp())).abs();
            assert!(error < 2e-7, "logistic of {x}: off by {error}");
            let error = (fraction(tanh(value)) - x.tanh()).abs();
            assert!(error < 4e-7, "tanh of {x}: off by {error}");
        }
    }
}
