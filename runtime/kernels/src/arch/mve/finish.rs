//! From four sums in a vector to four int8, as pieces of assembly.
//!
//! `VQRDMULH` is the contract's first rounding word for word; it would saturate only for a multiplier that is
//! not valid. `VRSHL` by a negative count divides and rounds halves up. A negative value loses 1 first, so
//! that its halves go away from zero, as the contract has them; the first rounding never gives `i32::MIN`, so
//! this does not overflow. A division by 1 must not lose anything.

use core::ptr;

use crate::Filter;
use crate::finish::Finish;

/// Multiplies, rounds and divides `$values`; `$shift` are the operands of `VRSHL` behind its first. A negative
/// product loses `$one`: 1, or 0 where nothing is divided.
macro_rules! multiply_and_divide {
    ($values:literal, $multiplier:literal, $shift:literal, $one:literal) => {
        concat!(
            "vqrdmulh.s32 ",
            $values,
            ", ",
            $values,
            ", ",
            $multiplier,
            "\n",
            "vpt.s32 lt, ",
            $values,
            ", zr\n",
            "vsubt.i32 ",
            $values,
            ", ",
            $values,
            ", ",
            $one,
            "\n",
            "vrshl.s32 ",
            $values,
            ", ",
            $shift,
            "\n",
        )
    };
}

/// The same for shifts of either sign: `$left` and `$right` are what is shifted before and, negative, behind the
/// multiplication. `$right` is negative just where its division rounds. Uses `$other`.
macro_rules! shift_multiply_and_divide {
    ($values:literal, $other:literal, $multiplier:literal, $left:literal, $right:literal) => {
        concat!(
            "vshl.s32 ",
            $values,
            ", ",
            $values,
            ", ",
            $left,
            "\n",
            "vqrdmulh.s32 ",
            $values,
            ", ",
            $values,
            ", ",
            $multiplier,
            "\n",
            "vand ",
            $other,
            ", ",
            $values,
            ", ",
            $right,
            "\n",
            "vshr.s32 ",
            $other,
            ", ",
            $other,
            ", #31\n",
            "vadd.i32 ",
            $values,
            ", ",
            $values,
            ", ",
            $other,
            "\n",
            "vrshl.s32 ",
            $values,
            ", ",
            $values,
            ", ",
            $right,
            "\n",
        )
    };
}

/// Adds the zero point to `$values` and clamps them between the lanes of `$min` and `$max`.
macro_rules! clamp {
    ($values:literal, $zero_point:literal, $min:literal, $max:literal) => {
        concat!(
            "vadd.i32 ",
            $values,
            ", ",
            $values,
            ", ",
            $zero_point,
            "\n",
            "vmax.s32 ",
            $values,
            ", ",
            $values,
            ", ",
            $min,
            "\n",
            "vmin.s32 ",
            $values,
            ", ",
            $values,
            ", ",
            $max,
            "\n",
        )
    };
}

pub(super) use {clamp, multiply_and_divide, shift_multiply_and_divide};

/// Whether every factor of a filter divides, or is 0, which nothing can round: [`multiply_and_divide`] serves then.
pub(super) fn all_divide(filter: &Filter<'_>) -> bool {
    // A maximum is found on vectors, and mostly says it all.
    let largest = filter.shifts.iter().fold(i8::MIN, |largest, &shift| largest.max(shift));
    let mut factors = filter.shifts.iter().zip(filter.multipliers);
    largest < 0 || factors.all(|(&shift, &multiplier)| shift < 0 || multiplier == 0)
}

/// The numbers behind [`clamp`], in the order in which records hold them.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Clamp {
    zero_point: i32,
    min: i32,
    max: i32,
}

impl Clamp {
    pub const fn new(finish: Finish) -> Clamp {
        Clamp { zero_point: finish.zero_point as i32, min: finish.min as i32, max: finish.max as i32 }
    }
}

/// Lanes of a vector of words.
pub(super) const LANES: usize = 4;

/// Where the factors of neighbouring output channels are: those of a filter, or its single one four times.
pub(super) struct Factors<'f> {
    filter: Filter<'f>,
    multiplier: [i32; LANES],
    shift: [i8; LANES],
}

/// A place among them, in the order in which records hold it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct FactorsFrom {
    multipliers: *const i32,
    shifts: *const i8,
    /// Bytes from four multipliers to the next; a fourth of it for shifts.
    step: usize,
}

impl<'f> Factors<'f> {
    /// Of a filter whose lengths have been checked.
    pub fn new(filter: &Filter<'f>) -> Factors<'f> {
        Factors { filter: *filter, multiplier: [0; LANES], shift: [0; LANES] }
    }

    /// No place yet.
    pub const fn none(&self) -> FactorsFrom {
        FactorsFrom { multipliers: ptr::null(), shifts: ptr::null(), step: 0 }
    }

    /// Those of `count` channels from `channel` on, all inside the filter; where the filter has a single factor, four
    /// times that one.
    pub fn of(&mut self, channel: usize, count: usize) -> FactorsFrom {
        let range = channel..channel + count;
        match (self.filter.multipliers.get(range.clone()), self.filter.shifts.get(range)) {
            (Some(multipliers), Some(shifts)) if self.filter.multipliers.len() > 1 => FactorsFrom {
                multipliers: multipliers.as_ptr(),
                shifts: shifts.as_ptr(),
                step: LANES * size_of::<i32>(),
            },
            _ => self.of_one(channel),
        }
    }

    /// Four times that of `channel`.
    pub fn of_one(&mut self, channel: usize) -> FactorsFrom {
        let factor = self.filter.factor(channel);
        (self.multiplier, self.shift) = ([factor.multiplier; LANES], [factor.shift; LANES]);
        FactorsFrom { multipliers: self.multiplier.as_ptr(), shifts: self.shift.as_ptr(), step: 0 }
    }
}
