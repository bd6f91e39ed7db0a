//! Resizing as two products with constant matrices, one over rows and one over columns.
//!
//! The matrices follow the TFLite reference's float arithmetic, step by step.

use crate::graph::Op;

/// The constant matrix `[to, from]` with which an operator that resizes multiplies rows (`axis` 0) or columns (1).
pub fn resize_matrix(op: &Op, axis: usize, from: usize, to: usize) -> Vec<f32> {
    match *op {
        Op::Interpolate { ref positions } => matrix(from, &positions[axis]),
        Op::ResizeNearest { align_corners, half_pixel_centers } => {
            matrix(from, &Sampling { align_corners, half_pixel_centers }.nearest(from, to))
        }
        Op::ResizeBilinear { align_corners, half_pixel_centers } => {
            matrix(from, &Sampling { align_corners, half_pixel_centers }.bilinear(from, to))
        }
        _ => Vec::new(),
    }
}

/// How output pixels find their places in the input.
#[derive(Clone, Copy)]
pub(crate) struct Sampling {
    pub(crate) align_corners: bool,
    pub(crate) half_pixel_centers: bool,
}

impl Sampling {
    fn scale(self, from: usize, to: usize) -> f32 {
        if self.align_corners && to > 1 {
            (from - 1) as f32 / (to - 1) as f32
        } else {
            from as f32 / to as f32
        }
    }

    /// Where the nearest neighbour of each output is, in pixels.
    pub(crate) fn nearest(self, from: usize, to: usize) -> Vec<f32> {
        let scale = self.scale(from, to);
        let offset = if self.half_pixel_centers { 0.5 } else { 0.0 };
        let place = |index: usize| {
            let place = (index as f32 + offset) * scale;
            if self.align_corners { place.round() } else { place.floor() }
        };
        (0..to).map(|index| place(index).min((from - 1) as f32)).collect()
    }

    /// Where bilinear interpolation looks for each output, in pixels from 0 to the last.
    pub(crate) fn bilinear(self, from: usize, to: usize) -> Vec<f32> {
        let scale = self.scale(from, to);
        let place = |index: usize| match self.half_pixel_centers {
            true => (index as f32 + 0.5) * scale - 0.5,
            false => index as f32 * scale,
        };
        (0..to).map(|index| place(index).clamp(0.0, (from - 1) as f32)).collect()
    }
}

/// `[positions, from]`, the two neighbours of each position.
fn matrix(from: usize, positions: &[f32]) -> Vec<f32> {
    let mut matrix = vec![0.0; from * positions.len()];
    for (row, position) in matrix.chunks_exact_mut(from).zip(positions) {
        let (lower, share) = (position.floor() as usize, position.fract());
        row[lower.min(from - 1)] += 1.0 - share;
        row[(lower + 1).min(from - 1)] += share;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::{Sampling, matrix};

    const PLAIN: Sampling = Sampling { align_corners: false, half_pixel_centers: false };
    const CORNERS: Sampling = Sampling { align_corners: true, half_pixel_centers: false };
    const CENTERS: Sampling = Sampling { align_corners: false, half_pixel_centers: true };

    #[test]
    fn nearest_repeats_pixels() {
        assert_eq!(PLAIN.nearest(2, 4), [0., 0., 1., 1.]);
        assert_eq!(CENTERS.nearest(3, 1), [1.]);
        assert_eq!(CORNERS.nearest(2, 3), [0., 1., 1.]);
    }

    #[test]
    fn bilinear_rows_sum_to_one() {
        for sampling in [PLAIN, CORNERS, CENTERS] {
            for (from, to) in [(1, 4), (2, 4), (3, 5), (5, 3), (7, 1)] {
                for row in matrix(from, &sampling.bilinear(from, to)).chunks_exact(from) {
                    assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{from} to {to}: {row:?}");
                }
            }
        }
        assert_eq!(matrix(2, &PLAIN.bilinear(2, 4)), [1., 0., 0.5, 0.5, 0., 1., 0., 1.]);
        assert_eq!(matrix(2, &CENTERS.bilinear(2, 4)), [1., 0., 0.75, 0.25, 0.25, 0.75, 0., 1.]);
    }
}
