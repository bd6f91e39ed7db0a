//! Augmentation: what a picture might have looked like. Works on pixels, before anything else sees them.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// What may happen to a picture, each time anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Moved by up to so many pixels along each axis; the edge is repeated.
    pub shift: usize,
    /// Mirrored left to right, half of the time.
    pub flip: bool,
    /// Every pixel scaled around the middle of its range, by up to this part.
    pub contrast: f32,
    /// A square of up to so many pixels blackened, half of the time.
    pub erase: usize,
}

impl Augment {
    /// Whether nothing happens.
    pub fn is_nothing(&self) -> bool {
        *self == Augment::default()
    }

    /// Appends a changed picture of `[height, width, channels]`.
    pub fn apply(
        &self,
        pixels: &[u8],
        [height, width, channels]: [usize; 3],
        random: &mut Random,
        to: &mut Vec<u8>,
    ) {
        let mut within = |reach: usize| random.below(2 * reach + 1) as isize - reach as isize;
        let (down, right) = (within(self.shift), within(self.shift));
        let is_mirrored = self.flip && random.below(2) == 1;
        let factor = 1.0 + self.contrast * (2.0 * random.unit() - 1.0);
        let start = to.len();
        for y in 0..height {
            let from_y = (y as isize - down).clamp(0, height as isize - 1) as usize;
            for x in 0..width {
                let seen_x = if is_mirrored { width - 1 - x } else { x };
                let from_x = (seen_x as isize - right).clamp(0, width as isize - 1) as usize;
                let pixel = &pixels[(from_y * width + from_x) * channels..][..channels];
                to.extend_from_slice(pixel);
            }
        }
        if self.contrast != 0.0 {
            for pixel in &mut to[start..] {
                *pixel = ((f32::from(*pixel) - 127.5) * factor + 127.5).round().clamp(0.0, 255.0) as u8;
            }
        }
        if self.erase > 0 && random.below(2) == 1 {
            let side = 1 + random.below(self.erase.min(height).min(width));
            let (top, left) = (random.below(height - side + 1), random.below(width - side + 1));
            for y in top..top + side {
                let row = start + (y * width + left) * channels;
                to[row..row + side * channels].fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_and_mirrors_keep_size_and_pixels() {
        let picture: Vec<u8> = (0..24).collect();
        let augment = Augment { shift: 1, flip: true, ..Augment::default() };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut to = Vec::new();
            augment.apply(&picture, [3, 4, 2], &mut Random::of(seed, &[]), &mut to);
            assert_eq!(to.len(), 24);
            assert!(to.chunks_exact(2).all(|pixel| pixel[1] == pixel[0] + 1), "pixels stay whole: {to:?}");
            seen.insert(to);
        }
        assert_eq!(seen.len(), 18, "nine places, mirrored or not");
    }

    #[test]
    fn contrast_and_erasing_stay_inside_the_picture() {
        let augment = Augment { contrast: 0.9, erase: 9, ..Augment::default() };
        for seed in 0..50 {
            let mut to = vec![7];
            augment.apply(&[0, 255, 128, 3], [2, 2, 1], &mut Random::of(seed, &[]), &mut to);
            assert_eq!((to.len(), to[0]), (5, 7));
        }
    }
}
