//! Where a box is expected: a Kalman filter of constant speed, in fixed point.
//!
//! Centre and size are four numbers, each with a speed. The noise of a detection grows with its box, so
//! variances are kept in units of that noise: then they depend only on when the box was seen, and
//! three numbers serve all four coordinates, whatever their size. Per frame the place drifts by
//! half of what a detection is wrong by, and the speed by a sixteenth.

use ocelli_core::{BoundingBox, Frame, SUBPIXELS};

/// Coordinates are clamped to this far outside of any frame, in sub-pixels: overlaps then fit 64 bits.
const LIMIT: i32 = 2 * Frame::MAX_SIDE as i32 * SUBPIXELS;

/// Fractions of a sub-pixel that place and speed keep.
const FRACTIONS: i32 = 16;

/// A variance of 1: that of a detection.
const ONE: u32 = 1 << 16;

/// What a frame adds to the variance of the place and of the speed.
const DRIFT: [u32; 2] = [ONE / 4, ONE / 256];

/// Variances of a box that has been seen once: of its place, of both, of its speed.
const FIRST: [u32; 3] = [4 * ONE, 0, ONE + ONE / 2];

/// Variances beyond this change no gain by more than its rounding.
const MOST: u32 = 1 << 30;

/// A box that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Motion {
    /// Centre x, centre y, width, height, in `1 / FRACTIONS` sub-pixel.
    place: [i32; 4],
    /// What a frame adds to them.
    speed: [i32; 4],
    /// Of the place, of place and speed together, of the speed.
    variance: [u32; 3],
}

impl Motion {
    /// A box that has been seen once and stands still, as far as is known.
    pub(crate) fn begin(bounds: &BoundingBox) -> Motion {
        Motion { place: measured(bounds), speed: [0; 4], variance: FIRST }
    }

    /// A frame later. The size of a box that is out of sight stays as it was.
    pub(crate) fn predict(&mut self, is_seen: bool) {
        let moving = if is_seen { 4 } else { 2 };
        for (place, &speed) in self.place.iter_mut().zip(&self.speed).take(moving) {
            *place = clamp(i64::from(*place) + i64::from(speed));
        }
        let [place, both, speed] = self.variance;
        let grown = [place.saturating_add(2 * both).saturating_add(speed), both.saturating_add(speed), speed];
        let [place, both, speed] = grown;
        self.variance =
            [place.saturating_add(DRIFT[0]), both, speed.saturating_add(DRIFT[1])].map(|new| new.min(MOST));
    }

    /// Takes in where the box has been seen.
    pub(crate) fn correct(&mut self, bounds: &BoundingBox) {
        let [place, both, speed] = self.variance;
        // The place's variance is that of a frame's drift at least, so both gains are below 2^16.
        let total = u64::from(place) + u64::from(ONE);
        let gain = |variance: u32| (u64::from(variance) * u64::from(ONE) + total / 2) / total;
        let (place_gain, speed_gain) = (gain(place), gain(both));
        for ((at, moves), seen) in self.place.iter_mut().zip(&mut self.speed).zip(measured(bounds)) {
            let surprise = i64::from(seen) - i64::from(*at);
            *at = clamp(i64::from(*at) + scaled(surprise, place_gain));
            *moves = clamp(i64::from(*moves) + scaled(surprise, speed_gain));
        }
        let share = |variance: u32, gain: u64| ((u64::from(variance) * gain) >> 16) as u32;
        self.variance = [
            place.saturating_sub(share(place, place_gain)),
            both.saturating_sub(share(both, place_gain)),
            speed.saturating_sub(share(both, speed_gain)),
        ];
    }

    /// Where it is.
    pub(crate) fn bounds(&self) -> BoundingBox {
        let [x, y, width, height] = self.place.map(|value| value.div_euclid(FRACTIONS));
        let (width, height) = (width.max(0), height.max(0));
        let (left, top) = (x - width / 2, y - height / 2);
        BoundingBox { left, top, right: left + width, bottom: top + height }
    }
}

/// Intersection over union in `1 / 65536`, rounded down; 0 where boxes do not meet.
pub(crate) fn overlap(one: &BoundingBox, other: &BoundingBox) -> u16 {
    let (one, other) = (within_limit(one), within_limit(other));
    let shared = one.intersection(&other).area();
    if shared == 0 {
        return 0;
    }
    // Sides are below 2^24, so areas are below 2^48: both fit, the shift included.
    let union = one.area() + other.area() - shared;
    ((shared << 16) / union).min(u64::from(u16::MAX)) as u16
}

fn within_limit(bounds: &BoundingBox) -> BoundingBox {
    let [left, top, right, bottom] =
        [bounds.left, bounds.top, bounds.right, bounds.bottom].map(|edge| edge.clamp(-LIMIT, LIMIT));
    BoundingBox { left, top, right, bottom }
}

/// Centre x, centre y, width, height of a detection.
fn measured(bounds: &BoundingBox) -> [i32; 4] {
    let BoundingBox { left, top, right, bottom } = within_limit(bounds);
    let half = FRACTIONS / 2;
    [(left + right) * half, (top + bottom) * half, (right - left) * FRACTIONS, (bottom - top) * FRACTIONS]
}

/// `value` times `gain / 65536`, rounded to nearest.
fn scaled(value: i64, gain: u64) -> i64 {
    (value * gain as i64 + (1 << 15)) >> 16
}

fn clamp(value: i64) -> i32 {
    let limit = 2 * i64::from(LIMIT) * i64::from(FRACTIONS);
    value.clamp(-limit, limit) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn square(x: i32, y: i32, side: i32) -> BoundingBox {
        BoundingBox { left: x, top: y, right: x + side, bottom: y + side }
    }

    /// The same filter in floating point, as the textbook has it.
    struct Oracle {
        place: f64,
        speed: f64,
        variance: [f64; 3],
    }

    impl Oracle {
        fn predict(&mut self) {
            let [place, both, speed] = self.variance;
            self.place += self.speed;
            self.variance = [place + 2.0 * both + speed + 0.25, both + speed, speed + 1.0 / 256.0];
        }

        fn correct(&mut self, seen: f64) {
            let [place, both, speed] = self.variance;
            let (place_gain, speed_gain) = (place / (place + 1.0), both / (place + 1.0));
            let surprise = seen - self.place;
            self.place += place_gain * surprise;
            self.speed += speed_gain * surprise;
            self.variance =
                [place * (1.0 - place_gain), both * (1.0 - place_gain), speed - speed_gain * both];
        }
    }

    #[test]
    fn it_follows_the_textbook() {
        let mut random = crate::random::Random::new(11);
        let mut motion = Motion::begin(&square(10_000, 5_000, 4_000));
        let mut oracle = Oracle { place: 12_000.0, speed: 0.0, variance: [4.0, 0.0, 1.5] };
        for frame in 1..400 {
            motion.predict(true);
            oracle.predict();
            // Long gaps among the frames that are seen.
            if frame % 50 < 40 && random.below(4) > 0 {
                let x = 10_000 + 700 * frame + random.below(900) as i32;
                motion.correct(&square(x, 5_000, 4_000));
                oracle.correct(f64::from(x + 2_000));
            }
            let [place, ..] = motion.place;
            let apart = (f64::from(place) / f64::from(FRACTIONS) - oracle.place).abs();
            assert!(apart < 8.0, "frame {frame}: {apart} sub-pixels apart");
        }
    }

    #[test]
    fn steady_movement_is_expected_where_it_will_be() {
        let at = |frame: i32| square(3_000 * frame, -900 * frame, 20_000);
        let mut motion = Motion::begin(&at(0));
        for frame in 1..40 {
            motion.predict(true);
            motion.correct(&at(frame));
        }
        for _ in 0..10 {
            motion.predict(false);
        }
        let (expected, found) = (at(49), motion.bounds());
        assert!(expected.left.abs_diff(found.left) < SUBPIXELS as u32, "{expected:?} {found:?}");
        assert!(expected.bottom.abs_diff(found.bottom) < SUBPIXELS as u32, "{expected:?} {found:?}");
    }

    #[test]
    fn boxes_without_end_neither_wrap_nor_divide_by_zero() {
        let far: Vec<BoundingBox> = [i32::MIN, i32::MAX, 0]
            .iter()
            .flat_map(|&left| [i32::MIN, i32::MAX, 1].map(|right| (left, right)))
            .map(|(left, right)| BoundingBox { left, top: left, right, bottom: right })
            .collect();
        let mut motion = Motion::begin(&far[0]);
        for round in 0..2_000 {
            motion.predict(round % 3 != 0);
            motion.correct(&far[round % far.len()]);
            for bounds in &far {
                overlap(&motion.bounds(), bounds);
            }
        }
        for _ in 0..100_000 {
            motion.predict(true);
        }
        assert_eq!(motion.variance[0], MOST);
        motion.correct(&square(0, 0, 100));
        assert!(motion.bounds().left.abs() < 4 * SUBPIXELS, "after a long gap only what is seen counts");
    }

    #[test]
    fn overlaps_are_known_fractions() {
        let whole = square(0, 0, 1_000);
        assert_eq!(overlap(&whole, &BoundingBox { right: 500, ..whole }), 32_768);
        assert_eq!(overlap(&whole, &whole), u16::MAX);
        assert_eq!(overlap(&whole, &square(1_000, 0, 1_000)), 0);
        let everything = BoundingBox { left: i32::MIN, top: i32::MIN, right: i32::MAX, bottom: i32::MAX };
        assert_eq!(overlap(&everything, &everything), u16::MAX);
    }
}
