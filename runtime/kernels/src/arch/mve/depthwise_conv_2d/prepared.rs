//! What the loops need of each four output channels, prepared in scratch.

use crate::arch::memory::words;
use crate::arch::mve::finish::{Clamp, LANES};
use crate::arch::scratch::{four_lanes_bytes, four_lanes_words};
use crate::finish::Finish;
use crate::{DepthwiseConv2dParameters, Filter};

/// What four output channels read of a pixel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Activations {
    /// Each a channel of its own.
    Four,
    /// All the same one.
    Shared,
}

/// The constants of all channels, of a layer that has passed its check.
pub(super) struct Prepared<'s> {
    pub parameters: &'s DepthwiseConv2dParameters,
    /// For each four: the biases, the weights of each tap as four bytes, the multipliers, the shifts.
    pub words: &'s [u32],
    /// A pixel outside the image: the zero point in every input channel.
    pub outside: &'s [u8],
    pub activations: Activations,
    /// Whether every factor divides.
    pub all_divide: bool,
    pub clamp: Clamp,
}

impl<'s> Prepared<'s> {
    /// `None` where the channels do not come in fours, or scratch does not serve.
    pub fn new(
        parameters: &'s DepthwiseConv2dParameters,
        filter: &Filter<'_>,
        scratch: &'s mut [u8],
    ) -> Option<Prepared<'s>> {
        let input_channels = parameters.input_shape[3];
        let output_channels = parameters.output_shape[3];
        let activations = match output_channels.checked_div(input_channels)? {
            1 if output_channels >= LANES => Activations::Four,
            multiplier if multiplier.is_multiple_of(LANES) => Activations::Shared,
            _ => return None,
        };
        let taps = parameters.vertical.filter * parameters.horizontal.filter;
        let (fours, rest) = scratch.split_at_mut_checked(four_lanes_bytes(taps, output_channels))?;
        let outside = rest.get_mut(..input_channels)?;
        outside.fill(parameters.input_zero_point as u8);
        let words = words(fours, four_lanes_words(taps) * output_channels.div_ceil(LANES))?;
        let mut all_divide = true;
        for (index, words) in words.chunks_exact_mut(four_lanes_words(taps)).enumerate() {
            let channel = (LANES * index).min(output_channels - LANES);
            let (biases, rest) = words.split_at_mut_checked(LANES)?;
            let (weights, factors) = rest.split_at_mut_checked(taps)?;
            let (multipliers, shifts) = factors.split_at_mut_checked(LANES)?;
            for (lane, ((bias, multiplier), shift)) in
                biases.iter_mut().zip(multipliers).zip(shifts).enumerate()
            {
                let factor = filter.factor(channel + lane);
                *bias = filter.bias.get(channel + lane).copied().unwrap_or(0) as u32;
                *multiplier = factor.multiplier as u32;
                // A factor of 0 may divide by anything.
                let right = if factor.multiplier == 0 { -1 } else { factor.shift };
                *shift = i32::from(right) as u32;
                all_divide &= right < 0;
            }
            let taps = filter.weights.get(channel..)?.chunks(output_channels);
            for (weights, tap) in weights.iter_mut().zip(taps) {
                *weights = u32::from_le_bytes(tap.first_chunk::<LANES>()?.map(|weight| weight as u8));
            }
        }
        let clamp = Clamp::new(Finish {
            zero_point: parameters.output_zero_point,
            min: parameters.activation_min,
            max: parameters.activation_max,
        });
        Some(Prepared { parameters, words, outside, activations, all_divide, clamp })
    }

    /// The words of four channels and those behind them.
    pub fn from(&self, four: usize) -> Option<&[u32]> {
        let taps = self.parameters.vertical.filter * self.parameters.horizontal.filter;
        self.words.get(four_lanes_words(taps) * four..)
    }
}
