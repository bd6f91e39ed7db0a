//! The end of every operator that accumulates: from int32 sums to int8 outputs.

use crate::{Filter, Requantize};

/// Output channels whose sums are kept at a time.
pub(crate) const BLOCK: usize = 32;

/// Where accumulators go: output zero point and activation.
#[derive(Clone, Copy)]
pub(crate) struct Finish {
    pub zero_point: i8,
    pub min: i8,
    pub max: i8,
}

impl Finish {
    /// All of int8.
    pub fn unclamped(zero_point: i8) -> Finish {
        Finish { zero_point, min: i8::MIN, max: i8::MAX }
    }

    /// Requantizes, adds the zero point and clamps.
    #[inline(always)]
    pub fn apply(self, sum: i32, requantize: Requantize) -> i8 {
        self.clamp(requantize.apply(sum))
    }

    /// Adds the zero point to a sum on the output's scale, and clamps.
    #[inline(always)]
    pub fn clamp(self, sum: i32) -> i8 {
        sum.wrapping_add(i32::from(self.zero_point)).max(i32::from(self.min)).min(i32::from(self.max)) as i8
    }

    /// The outputs of the sums of neighbouring channels from `first` on.
    #[inline(never)]
    pub fn apply_all(self, sums: &[i32], filter: &Filter<'_>, first: usize, output: &mut [i8]) {
        let outputs = output.iter_mut().zip(sums);
        if let (&[multiplier], &[shift]) = (filter.multipliers, filter.shifts) {
            for (output, &sum) in outputs {
                *output = self.apply(sum, Requantize { multiplier, shift });
            }
            return;
        }
        let factors = filter.multipliers.iter().zip(filter.shifts).skip(first);
        for ((output, &sum), (&multiplier, &shift)) in outputs.zip(factors) {
            *output = self.apply(sum, Requantize { multiplier, shift });
        }
    }
}
