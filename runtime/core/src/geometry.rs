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

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(left: i32, top: i32, right: i32, bottom: i32) -> BoundingBox {
        BoundingBox { left, top, right, bottom }
    }

    #[test]
    fn overlap_is_exact_at_the_threshold() {
        // Intersection 1, union 2: IoU is exactly 1/2, which does not exceed 32768 / 65536.
        let (whole, half) = (bounds(0, 0, 2, 1), bounds(0, 0, 1, 1));
        assert!(!whole.overlaps_more_than(&half, 32_768));
        assert!(whole.overlaps_more_than(&half, 32_767));
    }

    #[test]
    fn empty_and_inverted_boxes_overlap_nothing() {
        let (inverted, empty) = (bounds(5, 5, 1, 1), bounds(3, 3, 3, 3));
        assert_eq!((inverted.area(), empty.area()), (0, 0));
        assert!(!inverted.overlaps_more_than(&empty, 0));
        assert!(!empty.overlaps_more_than(&empty, 0));
    }

    #[test]
    fn extreme_boxes_do_not_wrap() {
        let plane = bounds(i32::MIN, i32::MIN, i32::MAX, i32::MAX);
        assert_eq!(plane.width(), i32::MAX);
        assert!(plane.overlaps_more_than(&plane, u16::MAX));
    }

    #[test]
    fn boxes_apart_do_not_meet() {
        let (left, right) = (bounds(0, 0, 10, 10), bounds(10, 0, 20, 10));
        assert_eq!(left.intersection(&right).area(), 0);
        assert_eq!(left.intersection(&bounds(4, 6, 30, 30)), bounds(4, 6, 10, 10));
    }
}
