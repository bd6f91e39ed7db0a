//! When a sum may take the short way to int8, and the numbers for it.
//!
//! With `|sum| < 2^30`, no left shift and a right shift `e` from 1 to 22, the contract is
//! ```text
//! high = SMMULR(2 * sum, multiplier)                     (2 * sum * multiplier + 2^31) >> 32
//! int8 = SSAT8((high + (high >> 31) + constant) >> e)    constant = 2^(e - 1) + zero_point * 2^e
//! ```
//! The first line is the first rounding word for word. In the second, a negative `high` loses 1, so that
//! halves go away from zero, and the zero point has moved inside the shift. No addition overflows:
//! `|high| <= 2^30`, and `|constant| <= 255 * 2^21`. Everything else takes
//! [`Finish::apply`](crate::finish::Finish::apply).

use super::simd::smmulr;
use crate::finish::Finish;
use crate::{Filter, Requantize};

/// Right shifts from 1 to this one are short.
pub(super) const LARGEST_SHIFT: u32 = 22;

/// [`LARGEST_SHIFT`], or 0 where sums of `products` products may reach `2^30`.
pub(super) fn largest_shift(filter: &Filter<'_>, products: usize) -> u32 {
    if reach(filter, products) < 1 << 30 { LARGEST_SHIFT } else { 0 }
}

/// Right shifts from 1 to this one may take the long way: the product in full, both roundings as the
/// contract has them. With `|sum| < 5 * 2^28` and half a divisor of `2^28`, nothing overflows.
pub(super) fn longest_shift(filter: &Filter<'_>, products: usize) -> u32 {
    if reach(filter, products) < 5 << 28 { 29 } else { 0 }
}

/// The largest magnitude of a sum of `products` products and a bias.
#[inline(never)]
fn reach(filter: &Filter<'_>, products: usize) -> u32 {
    let bias = filter.bias.iter().map(|bias| bias.unsigned_abs()).max().unwrap_or(0);
    (products as u32).saturating_mul(LARGEST_PRODUCT).saturating_add(bias)
}

/// The numbers of one channel that takes the short way.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Short {
    multiplier: i32,
    constant: i32,
    shift: u32,
}

impl Short {
    /// `None` where the channel does not take it, with `largest_shift` as below.
    #[inline(never)]
    pub fn new(factor: Requantize, finish: Finish, largest_shift: u32) -> Option<Short> {
        Short::derive(factor, finish, largest_shift)
    }

    /// The same, for where it is hot.
    #[inline(always)]
    pub fn derive(factor: Requantize, finish: Finish, largest_shift: u32) -> Option<Short> {
        let shift = i32::from(factor.shift).wrapping_neg();
        if shift < 1 || shift > largest_shift as i32 {
            return None;
        }
        let constant = twice_zero_point_and_one(finish) << (shift - 1);
        Some(Short { multiplier: factor.multiplier, constant, shift: shift as u32 })
    }

    /// What the loops in assembly do with a sum.
    #[inline(always)]
    pub fn apply(self, sum: i32) -> i8 {
        let high = smmulr(sum << 1, self.multiplier);
        let value = (high + (high >> 31)).wrapping_add(self.constant).wrapping_shr(self.shift);
        value.max(i32::from(i8::MIN)).min(i32::from(i8::MAX)) as i8
    }

    /// The numbers in the order of the record.
    pub fn words(self) -> [u32; 3] {
        [self.multiplier as u32, self.constant as u32, self.shift]
    }
}

/// `2 * zero_point + 1`: shifted left by `e - 1` it is the constant.
pub(super) fn twice_zero_point_and_one(finish: Finish) -> i32 {
    2 * i32::from(finish.zero_point) + 1
}

/// What the short way leaves to do: the activation, where it is narrower than int8.
#[inline(never)]
pub(super) fn clamp_all(finish: Finish, output: &mut [i8]) {
    if (finish.min, finish.max) != (i8::MIN, i8::MAX) {
        for value in output {
            *value = (*value).max(finish.min).min(finish.max);
        }
    }
}

/// `(127 + 128) * 128`.
const LARGEST_PRODUCT: u32 = 255 * 128;
