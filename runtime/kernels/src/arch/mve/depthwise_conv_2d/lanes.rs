//! What the loops need of each four channels in lanes, prepared in scratch.

use crate::arch::memory::words;
use crate::arch::mve::finish::{Clamp, LANES};
use crate::arch::scratch::{four_lanes_bytes, four_lanes_words};
use crate::finish::Finish;
use crate::{DepthwiseConv2dParameters, Filter};

/// The constants of all channels.
pub(super) struct Lanes<'s> {
    pub parameters: &'s DepthwiseConv2dParameters,
    /// For each four: the biases, the weights of each tap as four bytes, the multipliers, the shifts.
    words: &'s [u32],
    /// A pixel outside the image: the zero point in every channel.
    pub outside: &'s [u8],
    /// Whether every factor divides.
    pub all_divide: bool,
    pub clamp: Clamp,
}

impl<'s> Lanes<'s> {
    /// A layer whose sizes have been checked, of as many output channels as there are input channels, four or more.
    /// `None` where scratch does not serve.
    pub fn new(
        parameters: &'s DepthwiseConv2dParameters,
        filter: &Filter<'_>,
        scratch: &'s mut [u8],
    ) -> Option<Lanes<'s>> {
        let channels = parameters.output_shape[3];
        let taps = parameters.vertical.filter * parameters.horizontal.filter;
        let (fours, rest) = scratch.split_at_mut_checked(four_lanes_bytes(taps, channels))?;
        let outside = rest.get_mut(..channels)?;
        outside.fill(parameters.input_zero_point as u8);
        let words = words(fours, four_lanes_words(taps) * channels.div_ceil(LANES))?;
        let mut all_divide = true;
        for (index, words) in words.chunks_exact_mut(four_lanes_words(taps)).enumerate() {
            let channel = (LANES * index).min(channels - LANES);
            let (biases, rest) = words.split_at_mut_checked(LANES)?;
            let (weights, factors) = rest.split_at_mut_checked(taps)?;
            let (multipliers, shifts) = factors.split_at_mut_checked(LANES)?;
            for (lane, ((bias, multiplier), shift)) in
                biases.iter_mut().zip(multipliers).zip(shifts).enumerate()
            {
                let factor = filter.factor(channel + lane);
                *bias = filter.bias.get(channel + lane).copied().unwrap_or(0) as u32;
                *multiplier = factor.multiplier as u32;
                *shift = i32::from(factor.shift) as u32;
                all_divide &= factor.shift < 0 || factor.multiplier == 0;
            }
            let taps = filter.weights.get(channel..)?.chunks(channels);
            for (weights, tap) in weights.iter_mut().zip(taps) {
                *weights = u32::from_le_bytes(tap.first_chunk::<LANES>()?.map(|weight| weight as u8));
            }
        }
        let clamp = Clamp::new(Finish {
            zero_point: parameters.output_zero_point,
            min: parameters.activation_min,
            max: parameters.activation_max,
        });
        Some(Lanes { parameters, words, outside, all_divide, clamp })
    }

    /// The words of four channels from `channel` on, one of a four's first or of the last four, and those behind them.
    pub fn from(&self, channel: usize) -> Option<&[u32]> {
        let taps = self.parameters.vertical.filter * self.parameters.horizontal.filter;
        self.words.get(four_lanes_words(taps) * channel.div_ceil(LANES)..)
    }
}
