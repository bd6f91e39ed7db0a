//! What the postprocess stage yields and the emit stage sends out.

use heapless::Vec;

use crate::{BoundingBox, Point};

/// A probability in steps of `1 / 65536`: 0 is never, 65535 is certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Score(pub u16);

impl Score {
    /// The score in tenths of a percent, rounded: for printing without floats.
    pub fn per_mille(self) -> u16 {
        ((u32::from(self.0) * 1000 + 32_768) >> 16) as u16
    }
}

/// One class of the top-k of a classifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Classification {
    /// Index into the labels of the output contract.
    pub class_index: u16,
    /// How likely the model holds it.
    pub score: Score,
}

/// One found object, with up to `KEYPOINTS` keypoints, in frame coordinates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Detection<const KEYPOINTS: usize> {
    /// Index into the labels of the output contract.
    pub class_index: u16,
    /// How likely the model holds it.
    pub score: Score,
    /// Where it is.
    pub bounds: BoundingBox,
    /// Named by the output contract, in its order.
    pub keypoints: Vec<Point, KEYPOINTS, u8>,
}

#[cfg(test)]
mod tests {
    use super::Score;

    #[test]
    fn per_mille_rounds_to_nearest() {
        assert_eq!(Score(0).per_mille(), 0);
        assert_eq!(Score(32_768).per_mille(), 500);
        assert_eq!(Score(u16::MAX).per_mille(), 1000);
    }
}
