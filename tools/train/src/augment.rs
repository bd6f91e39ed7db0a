//! Augmentation: what a picture might have looked like. Works on pixels, before anything else sees them; objects in
//! a picture move with it.

use serde::{Deserialize, Serialize};

use crate::detect::Object;
use crate::random::Random;

/// What may happen to a picture, each time anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Moved by up to so many pixels along each axis; the edge is repeated.
    pub shift: usize,
    /// Mirrored left to right, half of the time.
    pub flip: bool,
    /// Mirrored top to bottom, half of the time.
    pub flip_down: bool,
    /// Made larger or smaller around its middle, by up to this part; the edge is repeated.
    pub zoom: f32,
    /// Each channel made brighter or darker, by up to this part.
    pub colour: f32,
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

    /// Appends a changed picture of `[height, width, channels]`, and tells how it moved.
    pub fn apply(
        &self,
        pixels: &[u8],
        [height, width, channels]: [usize; 3],
        random: &mut Random,
        to: &mut Vec<u8>,
    ) -> Motion {
        let mut within = |reach: usize| random.below(2 * reach + 1) as isize - reach as isize;
        let (down, right) = (within(self.shift), within(self.shift));
        let is_mirrored = self.flip && random.below(2) == 1;
        let mut around_one = |part: f32| 1.0 + part * (2.0 * random.unit() - 1.0);
        let factor = around_one(self.contrast);
        let zoom = if self.zoom > 0.0 { around_one(self.zoom) } else { 1.0 };
        let colours: Vec<f32> = match self.colour > 0.0 {
            true => (0..channels).map(|_| around_one(self.colour)).collect(),
            false => Vec::new(),
        };
        let is_upside_down = self.flip_down && random.below(2) == 1;
        let start = to.len();
        let motion = Motion {
            mirrored: [is_mirrored, is_upside_down],
            shift: [right as f32 / width as f32, down as f32 / height as f32],
            zoom,
        };
        let columns = motion.samples(0, width);
        for (above, below, part_below) in motion.samples(1, height) {
            for &(left, right, part_right) in &columns {
                for channel in 0..channels {
                    let at = |y: usize, x: usize| f32::from(pixels[(y * width + x) * channels + channel]);
                    let along = |y: usize| at(y, left) + part_right * (at(y, right) - at(y, left));
                    let value = along(above) + part_below * (along(below) - along(above));
                    to.push(value.round() as u8);
                }
            }
        }
        for (index, pixel) in to[start..].iter_mut().enumerate().filter(|_| !colours.is_empty()) {
            *pixel = (f32::from(*pixel) * colours[index % channels]).round().min(255.0) as u8;
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
        motion
    }
}

/// How a picture moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Left to right, top to bottom; last of all.
    mirrored: [bool; 2],
    /// To the right and down, where 1 is the picture's width and height; after zooming.
    shift: [f32; 2],
    /// Around the middle.
    zoom: f32,
}

/// What part of an object has to be in sight for it to count.
const IN_SIGHT: f32 = 0.3;

impl Motion {
    /// For each place along an axis of the changed picture, its neighbours in the old one and the second's part.
    fn samples(&self, axis: usize, length: usize) -> Vec<(usize, usize, f32)> {
        let (last, half) = (length as f32 - 1.0, length as f32 / 2.0);
        let sample = |index: usize| {
            let seen = if self.mirrored[axis] { length - 1 - index } else { index };
            let moved = seen as f32 + 0.5 - (self.shift[axis] * length as f32).round();
            let place = ((moved - half) / self.zoom + half - 0.5).clamp(0.0, last);
            (place.floor() as usize, place.ceil() as usize, place.fract())
        };
        (0..length).map(sample).collect()
    }

    /// Moves objects along and cuts them at the edge. Of what is hardly in sight nobody can say where it ends: it is
    /// ignored.
    pub fn apply(&self, objects: &mut Vec<Object>) {
        for object in objects.iter_mut() {
            let [left, top, right, bottom] = object.bounds;
            let whole = (right - left) * (bottom - top) * self.zoom * self.zoom;
            let ends = [[left, right], [top, bottom]];
            let [[left, right], [top, bottom]] = [0, 1].map(|axis| {
                let [low, high] = ends[axis].map(|end| (end - 0.5) * self.zoom + 0.5 + self.shift[axis]);
                let [low, high] = if self.mirrored[axis] { [1.0 - high, 1.0 - low] } else { [low, high] };
                [low, high].map(|end| end.clamp(0.0, 1.0))
            });
            object.bounds = [left, top, right, bottom];
            object.is_ignored |= (right - left) * (bottom - top) < IN_SIGHT * whole;
        }
        objects.retain(Object::has_area);
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
    fn objects_stay_on_what_they_are() {
        // A bright block in a dark picture: wherever it goes, its box goes with it.
        let [height, width] = [48, 64];
        let is_block = |x: usize, y: usize| (16..32).contains(&x) && (12..20).contains(&y);
        let picture: Vec<u8> =
            (0..height * width).map(|at| if is_block(at % width, at / width) { 200 } else { 0 }).collect();
        let block = Object { class: 0, bounds: [0.25, 0.25, 0.5, 20.0 / 48.0], is_ignored: false };
        let augment = Augment { shift: 8, flip: true, flip_down: true, zoom: 0.3, ..Augment::default() };
        for seed in 0..100 {
            let mut to = Vec::new();
            let motion = augment.apply(&picture, [height, width, 1], &mut Random::of(seed, &[]), &mut to);
            let mut objects = vec![block];
            motion.apply(&mut objects);
            let bright: Vec<usize> = (0..to.len()).filter(|&at| to[at] >= 100).collect();
            let columns = bright.iter().map(|at| at % width);
            let (left, right) = (columns.clone().min().unwrap(), columns.max().unwrap() + 1);
            let (top, bottom) = (bright[0] / width, bright[bright.len() - 1] / width + 1);
            let sides = [(left, width), (top, height), (right, width), (bottom, height)];
            for (end, (pixel, length)) in objects[0].bounds.into_iter().zip(sides) {
                assert!((end * length as f32 - pixel as f32).abs() <= 1.0, "{motion:?}: {objects:?}");
            }
        }
    }

    #[test]
    fn what_is_hardly_in_sight_is_ignored_and_what_is_gone_goes() {
        let object = |left, right| Object { class: 0, bounds: [left, 0.4, right, 0.6], is_ignored: false };
        let motion = Motion { mirrored: [false; 2], shift: [0.3, 0.0], zoom: 1.0 };
        let mut objects = vec![object(0.1, 0.3), object(0.6, 0.8), object(0.66, 0.96), object(0.8, 0.9)];
        motion.apply(&mut objects);
        let ignored: Vec<bool> = objects.iter().map(|object| object.is_ignored).collect();
        assert_eq!(ignored, [false, false, true]);
        assert_eq!(objects[2].bounds[2], 1.0);
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
