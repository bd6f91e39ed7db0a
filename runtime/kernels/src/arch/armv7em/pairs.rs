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

    /// The sums of a pair's channels over the products with `activations`, of which each two words have elements 0 and 2, and
    /// 1 and 3 of four, and the next ones are `step` words further: for what the loops in assembly do not serve.
    pub fn sums(self, pair: usize, activations: &[u32], step: usize) -> [i32; PAIR] {
        let weights = self.words.get(pair * self.pair_words..).unwrap_or(&[]);
        let mut sums = [0i32; PAIR];
        for (&weights, &activations) in
            weights[..self.pair_words.min(weights.len())].iter().zip(activations.iter().step_by(step))
        {
            for half in [0, 16] {
                let [weight, activation] =
                    [weights, activations].map(|word| i32::from((word >> half) as i16));
                let even = i32::from(weight as i8);
                sums[0] = sums[0].wrapping_add(even * activation);
                sums[1] = sums[1].wrapping_add(((weight - even) >> 8) * activation);
            }
        }
        sums
    }
}
