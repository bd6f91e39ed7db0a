//! How the values of a constant are stored: one after another, or in a form that takes fewer bytes.
//!
//! Forms say nothing about values, so the answer id does not know them. Which kernels a firmware has to
//! link for a layer depends on operator and form of its weights.

/// The form of a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Storage {
    /// Elements one after another.
    #[default]
    Dense = 1,
    /// One element, which all are equal to: factors of a layer that was quantized as a whole.
    Uniform = 2,
    /// Weights of a few bits each: small numbers, or indices into a codebook for the tensor or for each row.
    Packed = 3,
    /// One or two weights of every four, with their places.
    Fours = 4,
    /// Those runs of four weights that are not all 0, with their places, in the order of the kernels.
    Blocks = 5,
    /// The weights that are not 0, with their places, in the order of the kernels.
    Sparse = 6,
    /// Huffman codes: of all weights, of those that are not 0, or of runs of four.
    Coded = 7,
    /// Only in the layouts of schedules.
    Relaid = 8,
}

impl Storage {
    /// All forms that only weights of a layer may have, by code.
    pub const OF_WEIGHTS: [Storage; 5] =
        [Storage::Packed, Storage::Fours, Storage::Blocks, Storage::Sparse, Storage::Coded];

    /// The form with a code, if there is one.
    pub(crate) fn of_code(code: u8) -> Option<Storage> {
        const ALL: [Storage; 8] = [
            Storage::Dense,
            Storage::Uniform,
            Storage::Packed,
            Storage::Fours,
            Storage::Blocks,
            Storage::Sparse,
            Storage::Coded,
            Storage::Relaid,
        ];
        ALL.get(usize::from(code).wrapping_sub(1)).copied()
    }

    /// Whether only the weights of a layer may have it: an engine needs kernels for it.
    pub fn is_of_weights(self) -> bool {
        Storage::OF_WEIGHTS.contains(&self)
    }
}

impl core::fmt::Display for Storage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self, f)
    }
}
