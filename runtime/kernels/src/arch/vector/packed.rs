//! Weights of a few output channels, laid out so that one load brings a group for each of them.

use super::level::{GROUP_BYTES, Level, MAX_LANES};

/// The rows of weights that a convolution reads: for each output channel `runs` of `length` neighbouring ones.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) weights: &'a [i8],
    pub(super) runs: usize,
    pub(super) length: usize,
}

impl Rows<'_> {
    /// Groups of one run, the last one filled up.
    #[inline(always)]
    pub(super) fn groups<L: Level>(&self) -> usize {
        self.length.div_ceil(L::GROUP)
    }

    /// Bytes of `vectors` vectors of packed channels.
    #[inline(always)]
    pub(super) fn packed_bytes<L: Level>(&self, vectors: usize) -> usize {
        self.runs * self.groups::<L>() * vectors * L::LANES * GROUP_BYTES
    }

    /// Packs the vector of channels from `first` on, as number `vector` of `vectors`; gives the sums of its weights.
    ///
    /// # Safety
    /// Channel `first` exists, all of a channel's weights do, and from `to` on there are
    /// [`Rows::packed_bytes`] of memory.
    #[inline(always)]
    pub(super) unsafe fn pack<L: Level>(
        &self,
        level: L,
        first: usize,
        vector: usize,
        vectors: usize,
        to: *mut u8,
    ) -> L::Vector {
        let row = self.runs * self.length;
        let channels = self.weights.len() / row;
        let step = vectors * L::LANES * GROUP_BYTES;
        let mut sums = level.splat(0);
        for run in 0..self.runs {
            let mut rows = [self.weights.as_ptr(); MAX_LANES];
            for (lane, start) in rows.iter_mut().enumerate() {
                // Lanes without a channel repeat the last one.
                let channel = (first + lane).min(channels - 1);
                *start = start.wrapping_add(channel * row + run * self.length);
            }
            // SAFETY: Runs of existing channels; the groups before them are those of `run` runs.
            unsafe {
                let to = to.add(run * self.groups::<L>() * step + vector * L::LANES * GROUP_BYTES);
                sums = level.add(sums, level.pack(rows, self.length, to, step));
            }
        }
        sums
    }
}
