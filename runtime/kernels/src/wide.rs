//! What the layers with weights on int16 activations share: their products, and the end of their sums.

use crate::{Filter, Requantize};

/// Bounds of an output.
#[derive(Clone, Copy)]
pub(crate) struct WideFinish {
    pub min: i16,
    pub max: i16,
}

impl WideFinish {
    /// Requantizes and clamps.
    #[inline(always)]
    pub fn apply(self, sum: i64, requantize: Requantize) -> i16 {
        requantize.apply_wide(sum).max(i32::from(self.min)).min(i32::from(self.max)) as i16
    }
}

impl Filter<'_, i64> {
    /// The bias of an output channel; 0 where there is none.
    #[inline(always)]
    pub(crate) fn bias_of(&self, channel: usize) -> i64 {
        self.bias.get(channel).copied().unwrap_or(0)
    }
}

/// The sum of products of values and weights.
#[inline(always)]
pub(crate) fn products(values: &[i16], weights: &[i8]) -> i64 {
    /// Products of 16 and 8 bits whose sum fits 31.
    const TOGETHER: usize = 256;
    let parts = values.chunks(TOGETHER).zip(weights.chunks(TOGETHER));
    let of_part = |(values, weights): (&[i16], &[i8])| {
        let product = |(&value, &weight)| i32::from(value) * i32::from(weight);
        i64::from(values.iter().zip(weights).map(product).sum::<i32>())
    };
    parts.map(of_part).sum()
}
