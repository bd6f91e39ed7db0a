//! How the weights of a layer stand in memory: as the operator documents, or as a core's inner loop wants them.

/// An order of a layer's weights, seen as a matrix of output channels and the products of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Layout {
    /// As the operator documents it. Every backend reads it.
    #[default]
    Canonical,
    /// Channels `o` and `o + 1` of each two share halfwords, `weight[o + 1, k] * 256 + weight[o, k]`. Those of four
    /// weights stand in the order `k, k + 2, k + 1, k + 3`; zeros fill up. It starts on a word, and no sum
    /// of an odd channel, bias included, reaches `2^23` in magnitude. The backend `armv7em` reads it.
    Paired,
}

impl Layout {
    /// The layout of a code in an artefact's schedule, if there is one.
    pub const fn from_code(code: u8) -> Option<Layout> {
        match code {
            1 => Some(Layout::Paired),
            _ => None,
        }
    }

    /// Elements of `channels` output channels with `products` weights each: a multiple of two, and of four.
    pub(crate) const fn matrix(self, channels: usize, products: usize) -> [usize; 2] {
        match self {
            Layout::Canonical => [channels, products],
            Layout::Paired => {
                [channels.div_ceil(2).saturating_mul(2), products.div_ceil(4).saturating_mul(4)]
            }
        }
    }
}
