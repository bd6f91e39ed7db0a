//! The roundings of the contract.

use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// Factors of every shift on numbers of every magnitude, and quotients about every tie.
pub fn requantize(cases: usize) -> usize {
    let mut random = Random(12);
    for case in 0..cases {
        let shift = MIN_SHIFT + (case % (MAX_SHIFT - MIN_SHIFT + 1) as usize) as i8;
        let any = random.next() as i32;
        let multiplier = random.one_of(&[any, any, any.max(1), 1 << 30, i32::MAX, i32::MIN + 1, 0, -1]);
        let any = random.next() as i32;
        let small = any >> random.below(32);
        let value = random.one_of(&[any, small, small, i32::MIN, i32::MAX, 0, 1, -1]) >> shift.max(0);
        let factor = Requantize { multiplier, shift };
        assert!(multiplier == i32::MIN || factor.is_valid());
        let expected = oracle::requantize(value, factor);
        assert_eq!(i64::from(factor.apply(value)), expected, "{value} by {factor:?}");
        assert_eq!(i64::from(multiply_by_quantized_multiplier(value, multiplier, shift)), expected);
        assert_eq!(Requantize::ONE.apply(value / 2), value / 2);
        let exponent = (case % 32) as u32;
        let near_tie = (small >> exponent << exponent).wrapping_add((1u32 << exponent >> 1) as i32);
        for value in [value, small, near_tie, near_tie.wrapping_neg(), near_tie ^ 1] {
            let quotient = rounding_divide_by_power_of_two(value, exponent);
            assert_eq!(i64::from(quotient), oracle::divide(value.into(), exponent), "{value} / 2^{exponent}");
        }
    }
    assert_eq!(saturating_rounding_doubling_high_multiply(i32::MIN, i32::MIN), i32::MAX);
    assert_eq!(saturating_rounding_doubling_high_multiply(i32::MIN, i32::MAX), -i32::MAX);
    cases
}
