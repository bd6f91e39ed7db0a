//! What the loops need of each four output channels, prepared in scratch.

use crate::arch::armv7em::finish::ShortWays;
use crate::arch::armv7em::simd::{sxtab16, sxtab16_odd, word};
use crate::arch::memory::words;
use crate::arch::scratch::{QUAD, four_channels_words};
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

/// The constants of all channels.
pub(super) struct Prepared<'s> {
    /// For each four: the biases, the numbers of the way to int8, and the widened weights of each tap.
    pub words: &'s [u32],
    pub activations: Activations,
    /// Whether every channel takes the short way.
    pub short: bool,
}

impl<'s> Prepared<'s> {
    /// `None` where the channels do not come in fours, or scratch does not serve.
    // Apart from its caller, whose stack it does not need while it runs the loops.
    #[inline(never)]
    pub fn new(
        parameters: &DepthwiseConv2dParameters,
        filter: &Filter<'_>,
        finish: Finish,
        scratch: &'s mut [u8],
    ) -> Option<Prepared<'s>> {
        let output_channels = parameters.output_shape[3];
        let activations = match output_channels.checked_div(parameters.input_shape[3])? {
            1 if output_channels >= QUAD => Activations::Four,
            multiplier if multiplier.is_multiple_of(QUAD) => Activations::Shared,
            _ => return None,
        };
        let taps = parameters.vertical.filter * parameters.horizontal.filter;
        let words = words(scratch, four_channels_words(taps) * output_channels.div_ceil(QUAD))?;
        let short_ways = ShortWays::new(filter, taps, finish);
        let mut all_short = true;
        for (index, words) in words.chunks_exact_mut(four_channels_words(taps)).enumerate() {
            let channel = (QUAD * index).min(output_channels - QUAD);
            let (numbers, weights) = words.split_at_mut_checked(4 * QUAD)?;
            let (biases, ways) = numbers.split_at_mut_checked(QUAD)?;
            for (i, (bias, way)) in biases.iter_mut().zip(ways.as_chunks_mut::<3>().0).enumerate() {
                *bias = filter.bias.get(channel + i).copied().unwrap_or(0) as u32;
                all_short &= short_ways.write(channel + i, way);
            }
            let taps = filter.weights.get(channel..)?.chunks(output_channels);
            for (weights, tap) in weights.as_chunks_mut::<2>().0.iter_mut().zip(taps) {
                let tap = word(*tap.first_chunk::<QUAD>()?);
                *weights = [sxtab16(0, tap), sxtab16_odd(0, tap)];
            }
        }
        Some(Prepared { words, activations, short: all_short })
    }
}
