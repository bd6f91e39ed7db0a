//! Non-maximum suppression: one box for each object, in the postprocess stage.
//!
//! Both kinds walk from the best candidate down. Hard suppression drops what overlaps it; weighted
//! suppression (BlazeFace's blending) averages what overlaps it, itself included, by score, and keeps
//! the best score. Overlap is measured with the best candidate's own box, class by class, and has to
//! exceed the threshold.

use ocelli_core::{BoundingBox, Point};

use crate::candidates::Candidate;

/// Marks every candidate after `best` that is the same object as taken, and calls `join` with it.
pub(crate) fn gather(
    best: &Candidate,
    after: &mut [Candidate],
    iou_threshold: u16,
    mut join: impl FnMut(&Candidate),
) {
    for other in after {
        if !other.is_taken
            && other.class_index == best.class_index
            && best.bounds.overlaps_more_than(&other.bounds, iou_threshold)
        {
            other.is_taken = true;
            join(other);
        }
    }
}

/// The mean of boxes and keypoints, weighted by score, rounded to nearest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blend<const KEYPOINTS: usize> {
    total: i64,
    // Coordinates are below 2^30, scores below 2^16: 2^16 candidates fit.
    edges: [i64; 4],
    keypoints: [[i64; 2]; KEYPOINTS],
}

impl<const KEYPOINTS: usize> Blend<KEYPOINTS> {
    pub(crate) fn new() -> Self {
        Blend { total: 0, edges: [0; 4], keypoints: [[0; 2]; KEYPOINTS] }
    }

    pub(crate) fn add(&mut self, score: u16, bounds: BoundingBox, keypoint: impl Fn(usize) -> Point) {
        // A score of 0, which a threshold of 0 lets in, still counts a little.
        let weight = i64::from(score.max(1));
        self.total += weight;
        let BoundingBox { left, top, right, bottom } = bounds;
        for (sum, edge) in self.edges.iter_mut().zip([left, top, right, bottom]) {
            *sum += weight * i64::from(edge);
        }
        for (index, [x, y]) in self.keypoints.iter_mut().enumerate() {
            let point = keypoint(index);
            *x += weight * i64::from(point.x);
            *y += weight * i64::from(point.y);
        }
    }

    pub(crate) fn bounds(&self) -> BoundingBox {
        let [left, top, right, bottom] = self.edges.map(|sum| self.mean(sum));
        BoundingBox { left, top, right, bottom }
    }

    pub(crate) fn keypoint(&self, index: usize) -> Point {
        let [x, y] = self.keypoints.get(index).copied().unwrap_or_default();
        Point { x: self.mean(x), y: self.mean(y) }
    }

    #[inline(never)]
    fn mean(&self, sum: i64) -> i32 {
        let total = self.total.max(1);
        (sum + total / 2).div_euclid(total) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(score: u16, class_index: u16, edges: [i32; 4]) -> Candidate {
        let [left, top, right, bottom] = edges;
        let bounds = BoundingBox { left, top, right, bottom };
        Candidate { score, class_index, bounds, ..Candidate::default() }
    }

    #[test]
    fn only_the_same_class_above_the_threshold_is_taken() {
        let best = candidate(9, 1, [0, 0, 10, 10]);
        let mut others = [
            candidate(8, 1, [0, 0, 10, 5]),
            candidate(7, 1, [0, 0, 10, 6]),
            candidate(6, 2, [0, 0, 10, 10]),
            candidate(5, 1, [20, 0, 30, 10]),
        ];
        let mut joined = 0;
        // IoU of the first is exactly a half: that is not above it.
        gather(&best, &mut others, 32_768, |_| joined += 1);
        assert_eq!(others.map(|other| other.is_taken), [false, true, false, false]);
        gather(&best, &mut others, 32_767, |_| joined += 1);
        assert_eq!(others.map(|other| other.is_taken), [true, true, false, false]);
        assert_eq!(joined, 2, "none is joined twice");
    }

    #[test]
    fn a_blend_is_the_weighted_mean() {
        let mut blend = Blend::<1>::new();
        let bounds = |edge: i32| BoundingBox { left: -edge, top: edge, right: 2 * edge, bottom: 3 * edge };
        blend.add(30_000, bounds(100), |_| Point { x: 10, y: -10 });
        blend.add(10_000, bounds(200), |_| Point { x: 20, y: -20 });
        assert_eq!(blend.bounds(), bounds(125));
        // 12.5 and -12.5: halves go up.
        assert_eq!(blend.keypoint(0), Point { x: 13, y: -12 });
    }

    #[test]
    fn many_far_boxes_do_not_overflow() {
        let mut blend = Blend::<0>::new();
        let bounds = BoundingBox { left: -(1 << 29), top: 0, right: 1 << 29, bottom: 1 << 29 };
        for _ in 0..65_536 {
            blend.add(u16::MAX, bounds, |_| Point::default());
        }
        assert_eq!(blend.bounds(), bounds);
        let mut worthless = Blend::<0>::new();
        worthless.add(0, bounds, |_| Point::default());
        assert_eq!(worthless.bounds(), bounds);
    }
}
