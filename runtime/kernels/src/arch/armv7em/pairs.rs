//! Weights whose channels stand in pairs that share halfwords, [`Layout::Paired`](crate::Layout::Paired).
//!
//! A halfword is `256 * odd + even`, where `odd` and `even` are weights of two neighbouring channels. So one `SMLAD`
//! on words as they are sums up `256 * odd_sum + even_sum`; another on their low bytes, which one `SXTB16` widens,
//! sums up `even_sum`. The difference of both, shifted right, is `odd_sum`, exactly, as long as that stays below `2^23`: sums of
//! 32 bits may wrap on the way. Weights take half of the instructions for widening, and none to be taken apart.

use crate::arch::memory::weight_words;
use crate::arch::scratch::{PAIR, QUAD};
use crate::{Filter, Layout};

/// The paired weights of a layer.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'f> {
    /// Of each pair, two words for each four weights.
    pub words: &'f [u32],
    /// Words of a pair, an even number of at least two.
    pub pair_words: usize,
}

impl<'f> Pairs<'f> {
    /// The weights of `channels` output channels with `products` products each; `None` where they stand in another
    /// layout, not at a word, or are not as many.
    pub fn new(filter: &Filter<'f>, channels: usize, products: usize) -> Option<Pairs<'f>> {
        let words = weight_words(filter.weights).filter(|_| filter.layout == Layout::Paired)?;
        let pair_words = 2 * products.div_ceil(QUAD);
        let needed = pair_words.checked_mul(channels.div_ceil(PAIR))?;
        (pair_words > 0 && words.len() >= needed).then_some(Pairs { words, pair_words })
    }

    /// The sum of a channel over the products with `activations`, of which each two words have elements 0 and 2, and
    /// 1 and 3 of four, and the next ones are `step` words further: for what the loops in assembly do not serve.
    pub fn sum(self, channel: usize, activations: &[u32], step: usize) -> i32 {
        let weights = self.words.get(channel / PAIR * self.pair_words..).unwrap_or(&[]);
        let (mut sum, mut at) = (0i32, 0);
        for &weights in weights.get(..self.pair_words).unwrap_or(&[]) {
            let activations = activations.get(at).copied().unwrap_or(0);
            for half in [0, 16] {
                let [pair, activation] = [weights, activations].map(|word| i32::from((word >> half) as i16));
                let even = i32::from(pair as i8);
                let weight = if channel.is_multiple_of(PAIR) { even } else { (pair - even) >> 8 };
                sum = sum.wrapping_add(weight * activation);
            }
            at += step;
        }
        sum
    }
}
