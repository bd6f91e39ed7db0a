//! Resizing as two products with constant matrices, one over rows and one over columns.
//!
//! The matrices follow the TFLite reference's float arithmetic, step by step.

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

    /// `[to, from]`, a single 1 in each row.
    pub(crate) fn nearest(self, from: usize, to: usize) -> Vec<f32> {
        let scale = self.scale(from, to);
        let mut matrix = vec![0.0; from * to];
        for (index, row) in matrix.chunks_exact_mut(from).enumerate() {
            let offset = if self.half_pixel_centers { 0.5 } else { 0.0 };
            let place = (index as f32 + offset) * scale;
            let place = if self.align_corners { place.round() } else { place.floor() };
            row[(place as usize).min(from - 1)] = 1.0;
        }
        matrix
    }

    /// `[to, from]`, two neighbours in each row.
    pub(crate) fn bilinear(self, from: usize, to: usize) -> Vec<f32> {
        let scale = self.scale(from, to);
        let mut matrix = vec![0.0; from * to];
        for (index, row) in matrix.chunks_exact_mut(from).enumerate() {
            let place = if self.half_pixel_centers {
                (index as f32 + 0.5) * scale - 0.5
            } else {
                index as f32 * scale
            };
            let lower = place.floor().max(0.0);
            let upper = (place.ceil().max(0.0) as usize).min(from - 1);
            let share = place - lower;
            row[(lower as usize).min(from - 1)] += 1.0 - share;
            row[upper] += share;
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::Sampling;

    const PLAIN: Sampling = Sampling { align_corners: false, half_pixel_centers: false };
    const CORNERS: Sampling = Sampling { align_corners: true, half_pixel_centers: false };
    const CENTERS: Sampling = Sampling { align_corners: false, half_pixel_centers: true };

    #[test]
    fn nearest_repeats_pixels() {
        assert_eq!(PLAIN.nearest(2, 4), [1., 0., 1., 0., 0., 1., 0., 1.]);
        assert_eq!(CENTERS.nearest(3, 1), [0., 1., 0.]);
        assert_eq!(CORNERS.nearest(2, 3), [1., 0., 0., 1., 0., 1.]);
    }

    #[test]
    fn bilinear_rows_sum_to_one() {
        for sampling in [PLAIN, CORNERS, CENTERS] {
            for (from, to) in [(1, 4), (2, 4), (3, 5), (5, 3), (7, 1)] {
                for row in sampling.bilinear(from, to).chunks_exact(from) {
                    assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{from} to {to}: {row:?}");
                }
            }
        }
        assert_eq!(PLAIN.bilinear(2, 4), [1., 0., 0.5, 0.5, 0., 1., 0., 1.]);
        assert_eq!(CENTERS.bilinear(2, 4), [1., 0., 0.75, 0.25, 0.25, 0.75, 0., 1.]);
    }
}
