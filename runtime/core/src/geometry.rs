//! Points and boxes in fixed point: what postprocessing yields and tracking consumes.
//!
//! Coordinates are sub-pixels of the camera frame, so that boxes have the same bits on every
//! machine and need no model-specific scaling by the application.

/// Fraction bits of every coordinate.
pub const SUBPIXEL_BITS: u32 = 8;

/// Sub-pixels in one pixel.
pub const SUBPIXELS: i32 = 1 << SUBPIXEL_BITS;

/// A position in a frame, in sub-pixels of `1 / 256` pixel from its top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

/// An axis-aligned rectangle in sub-pixels; `right` and `bottom` are exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BoundingBox {
    /// Smallest x.
    pub left: i32,
    /// Smallest y.
    pub top: i32,
    /// One past the largest x.
    pub right: i32,
    /// One past the largest y.
    pub bottom: i32,
}

impl BoundingBox {
    /// Width in sub-pixels, never negative.
    pub fn width(&self) -> i32 {
        self.right.saturating_sub(self.left).max(0)
    }

    /// Height in sub-pixels, never negative.
    pub fn height(&self) -> i32 {
        self.bottom.saturating_sub(self.top).max(0)
    }

    /// Area in square sub-pixels.
    pub fn area(&self) -> u64 {
        self.width() as u64 * self.height() as u64
    }

    /// The common part of two boxes; empty boxes where they do not meet have area 0.
    pub fn intersection(&self, other: &BoundingBox) -> BoundingBox {
        BoundingBox {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// Whether intersection over union exceeds `threshold / 65536`. Exact: no division, no float.
    pub fn overlaps_more_than(&self, other: &BoundingBox, threshold: u16) -> bool {
        let intersection = u128::from(self.intersection(other).area());
        let union = u128::from(self.area()) + u128::from(other.area()) - intersection;
        intersection << 16 > union * u128::from(threshold)
    }
}
