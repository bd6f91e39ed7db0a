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

use core::arch::naked_asm;

use super::simd::smmulr;
use crate::filter::LARGEST_SHORT_SHIFT;
use crate::finish::Finish;
use crate::{Filter, Requantize};

/// The largest shift of the short way, or 0 where sums of `products` products may reach `2^30`.
pub(super) fn largest_shift(filter: &Filter<'_>, products: usize) -> u32 {
    if filter.reach(products) < 1 << 30 { LARGEST_SHORT_SHIFT } else { 0 }
}

/// Right shifts from 1 to this one may take the long way: the product in full, both roundings as the
/// contract has them. With `|sum| < 5 * 2^28` and half a divisor of `2^28`, nothing overflows.
pub(super) fn longest_shift(filter: &Filter<'_>, products: usize) -> u32 {
    if filter.reach(products) < 5 << 28 { 29 } else { 0 }
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
    #[inline]
    pub fn new(factor: Requantize, finish: Finish, largest_shift: u32) -> Option<Short> {
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
    fn words(self) -> [u32; 3] {
        [self.multiplier as u32, self.constant as u32, self.shift]
    }
}

/// The short ways of the channels of a layer, one word behind the other.
pub(super) struct ShortWays<'f> {
    filter: &'f Filter<'f>,
    finish: Finish,
    largest_shift: u32,
}

impl<'f> ShortWays<'f> {
    /// Those of a layer with so many products in a sum.
    pub fn new(filter: &'f Filter<'f>, products: usize, finish: Finish) -> ShortWays<'f> {
        ShortWays { filter, finish, largest_shift: largest_shift(filter, products) }
    }

    /// Writes the numbers of a channel, zeros where it does not take the short way; gives whether it does.
    // Once in a firmware, not at each use.
    #[inline(never)]
    pub fn write(&self, channel: usize, numbers: &mut [u32; 3]) -> bool {
        let short = Short::new(self.filter.factor(channel), self.finish, self.largest_shift);
        *numbers = short.unwrap_or_default().words();
        short.is_some()
    }
}

/// `2 * zero_point + 1`: shifted left by `e - 1` it is the constant.
pub(super) fn twice_zero_point_and_one(finish: Finish) -> i32 {
    2 * i32::from(finish.zero_point) + 1
}

/// Brings the sums of neighbouring channels from `first` on, each with a factor of its own, to int8, without the clamp.
pub(super) fn finish_all(
    filter: &Filter<'_>,
    finish: Finish,
    largest_shift: u32,
    first: usize,
    sums: &[i32],
    output: &mut [i8],
) {
    let factors = filter.multipliers.len().min(filter.shifts.len()).saturating_sub(first);
    let count = sums.len().min(output.len()).min(factors);
    let mut done = 0;
    while done < count {
        let record = Record {
            sums: sums.as_ptr().wrapping_add(done),
            sums_end: sums.as_ptr().wrapping_add(count),
            multipliers: filter.multipliers.as_ptr().wrapping_add(first + done),
            shifts: filter.shifts.as_ptr().wrapping_add(first + done),
            output: output.as_mut_ptr().wrapping_add(done),
            largest_shift,
            twice_zero_point_and_one: twice_zero_point_and_one(finish),
        };
        // SAFETY: The function reads at most `count - done`, at least one, of the sums, of the multipliers and of the shifts, and
        // writes as many outputs; no slice is shorter, as counted above. It returns an address from `sums` to `sums_end`.
        let next = unsafe { short_ways(&record) };
        done = (next.addr() - sums.as_ptr().addr()) / size_of::<i32>();
        if let (Some(output), Some(&sum)) =
            (output.get_mut(done), sums.get(..count).and_then(|sums| sums.get(done)))
        {
            *output = finish.apply(sum, filter.factor(first + done));
            done += 1;
        }
    }
}

/// The same by the way that serves every factor.
#[inline(never)]
pub(super) fn finish_slowly(
    filter: &Filter<'_>,
    finish: Finish,
    first: usize,
    sums: &[i32],
    output: &mut [i8],
) {
    for (channel, (&sum, output)) in (first..).zip(sums.iter().zip(output)) {
        *output = finish.apply(sum, filter.factor(channel));
    }
}

/// What the loop reads, loaded at once to r1 to r7.
#[repr(C)]
struct Record {
    sums: *const i32,
    sums_end: *const i32,
    multipliers: *const i32,
    shifts: *const i8,
    output: *mut i8,
    largest_shift: u32,
    twice_zero_point_and_one: i32,
}

/// Runs the record up to its end or to the first channel that does not take the short way; gives the address of its sum.
#[unsafe(naked)]
unsafe extern "C" fn short_ways(record: &Record) -> *const i32 {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11}}",
        "ldm r0, {{r1-r7}}",
        "2:",
        "ldrsb r9, [r4], #1",
        "mvn r9, r9",
        "cmp r9, r6",
        "bhs 3f",
        "ldr r8, [r1], #4",
        "ldr r10, [r3], #4",
        "lsl r8, r8, #1",
        "smmulr r8, r8, r10",
        "lsl r11, r7, r9",
        "add r9, r9, #1",
        "add r8, r8, r8, asr #31",
        "add r8, r8, r11",
        "asr r8, r8, r9",
        "ssat r8, #8, r8",
        "strb r8, [r5], #1",
        "cmp r1, r2",
        "bne 2b",
        "3:",
        "mov r0, r1",
        "pop {{r4-r11}}",
        "bx lr",
    )
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
