//! One axis of a resize: which source pixels make a target pixel, with which weights.
//!
//! Positions are ratios of integers that advance by addition, so they are exact, cost no division a
//! pixel, and are the same on every machine. Target pixel `t` of `target` stands at
//! `(t + 1/2) * source / target - 1/2` of `source` (pixel centres).
//!
//! - Up to a factor of two downwards: linear interpolation of the two nearest source pixels. Every
//!   source pixel still has a share in some target pixel. At exactly two it is their mean.
//! - Beyond two: the mean of the source pixels under the target pixel, each weighted with the exact
//!   part that is covered. Linear interpolation would skip pixels there, and a small object would
//!   flicker as it moves.

/// Sizes of one axis, both 1 to 8192.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub source: u32,
    pub target: u32,
}

impl Axis {
    /// Whether target pixels are means of areas rather than interpolated.
    pub(crate) fn averages(self) -> bool {
        self.source > 2 * self.target
    }
}

/// The two source pixels of a target pixel; `weight`, 0 to 256, is the share of `second`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taps {
    pub first: u32,
    pub second: u32,
    pub weight: u32,
}

/// Linear interpolation, one target pixel after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    /// Source pixel left of the position; -1 before the first.
    index: i32,
    /// Distance to it, in steps of `1 / period` pixel.
    remainder: u32,
    period: u32,
    whole_step: i32,
    part_step: u32,
    last: i32,
    reciprocal: u32,
}

impl Linear {
    pub(crate) fn new(axis: Axis) -> Linear {
        let Axis { source, target } = axis;
        let period = (2 * target).max(2);
        // The first centre stands at (source - target) / (2 target), above -1/2.
        let (index, remainder) = match source.checked_sub(target) {
            Some(ahead) => ((ahead / period) as i32, ahead % period),
            None => (-1, (period + source).saturating_sub(target)),
        };
        Linear {
            index,
            remainder,
            period,
            whole_step: (2 * source / period) as i32,
            part_step: 2 * source % period,
            last: source as i32 - 1,
            reciprocal: (1 << 31) / period,
        }
    }

    /// The weight is the distance in 1/256, rounded: `(remainder * (2^31 / period) + 2^22) >> 23`.
    #[inline]
    pub(crate) fn taps(&self) -> Taps {
        let first = self.index.min(self.last).max(0) as u32;
        let second = (self.index + 1).min(self.last).max(0) as u32;
        let weight = if first == second { 256 } else { (self.remainder * self.reciprocal + (1 << 22)) >> 23 };
        Taps { first, second, weight }
    }

    #[inline]
    pub(crate) fn advance(&mut self) {
        self.index += self.whole_step;
        self.remainder += self.part_step;
        if self.remainder >= self.period {
            self.remainder -= self.period;
            self.index += 1;
        }
    }
}

/// Division by a number that stays the same, as multiplication: exact for dividends below `2^30`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Divider {
    multiplier: u32,
    shift: u32,
    half: u32,
}

impl Divider {
    /// `divisor` is 1 to `2^30`.
    pub(crate) fn new(divisor: u32) -> Divider {
        let divisor = divisor.max(1);
        // With 2^shift >= 2^30 * divisor, rounding the reciprocal up errs by less than 1 / divisor.
        let shift = 30 + divisor.next_power_of_two().trailing_zeros();
        let multiplier = (1u64 << shift).div_ceil(u64::from(divisor)) as u32;
        Divider { multiplier, shift, half: divisor / 2 }
    }

    /// `dividend / divisor`, rounded to nearest, halves up. The dividend, plus half the divisor,
    /// is below `2^30`.
    #[inline]
    pub(crate) fn divide(self, dividend: u32) -> u32 {
        ((u64::from(dividend + self.half) * u64::from(self.multiplier)) >> self.shift) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn positions_are_pixel_centres() {
        let mut random = Random::new(11);
        for _ in 0..2000 {
            let axis = Axis { source: random.side(8192) as u32, target: random.side(512) as u32 };
            let mut linear = Linear::new(axis);
            for target in 0..axis.target {
                let centre =
                    (f64::from(target) + 0.5) * f64::from(axis.source) / f64::from(axis.target) - 0.5;
                let centre = centre.clamp(0.0, f64::from(axis.source) - 1.0);
                let Taps { first, second, weight } = linear.taps();
                assert!(second < axis.source && second - first <= 1);
                let position = if first == second {
                    assert_eq!(weight, 256);
                    f64::from(second)
                } else {
                    f64::from(first) + f64::from(weight) / 256.0
                };
                assert!((position - centre).abs() <= 0.51 / 256.0, "{axis:?} {target}: {position} {centre}");
                linear.advance();
            }
        }
    }

    #[test]
    fn the_same_size_copies() {
        let mut linear = Linear::new(Axis { source: 3, target: 3 });
        for index in 0..2 {
            assert_eq!(linear.taps(), Taps { first: index, second: index + 1, weight: 0 });
            linear.advance();
        }
        assert_eq!(linear.taps(), Taps { first: 2, second: 2, weight: 256 });
    }

    #[test]
    fn half_the_size_is_the_mean_of_two() {
        let mut linear = Linear::new(Axis { source: 8, target: 4 });
        for index in 0..4 {
            assert_eq!(linear.taps(), Taps { first: 2 * index, second: 2 * index + 1, weight: 128 });
            linear.advance();
        }
    }

    #[test]
    fn division_is_exact() {
        let mut random = Random::new(3);
        for divisor in (1..=300).chain([8191, 8192, 256 * 8191, 256 * 8192, 1 << 29]) {
            let divider = Divider::new(divisor);
            let most = (1 << 30) - 1 - divisor / 2;
            let check = |dividend: u32| {
                assert_eq!(
                    divider.divide(dividend),
                    (dividend + divisor / 2) / divisor,
                    "{dividend}/{divisor}"
                );
            };
            check(0);
            check(most);
            for _ in 0..500 {
                let multiple = random.below(most / divisor + 1) * divisor;
                check(multiple.min(most));
                check(multiple.saturating_sub(1).min(most));
                check(random.below(most));
            }
        }
    }
}
