//! 95 % intervals: Wilson's for proportions, Student's for what few runs agree on, the percentile bootstrap for
//! everything else.
//!
//! Wilson's interval stays inside 0 to 1 and is honest near its ends and for few pictures. Student's is that of a mean
//! of few numbers that scatter like a normal distribution, such as differences between paired runs. The bootstrap draws
//! as many pictures as there are, with repetition, from a generator with a stated seed.

use serde::Serialize;

/// Where a measured value lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// `wilson`, `student` or `bootstrap`.
    pub method: &'static str,
}

/// The normal distribution's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

impl Interval {
    /// Wilson's interval of `hits` in `count` trials.
    pub fn wilson(hits: u64, count: u64) -> Interval {
        let method = "wilson";
        if count == 0 {
            return Interval { low: 0.0, high: 1.0, method };
        }
        let n = count as f64;
        let p = hits as f64 / n;
        let denominator = 1.0 + Z * Z / n;
        let centre = (p + Z * Z / (2.0 * n)) / denominator;
        let half = Z / denominator * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        // At the ends the formula is exact and its rounding is not.
        let low = if hits == 0 { 0.0 } else { centre - half };
        let high = if hits == count { 1.0 } else { centre + half };
        Interval { low, high, method }
    }

    /// Student's interval of the mean of `values`; `None` for fewer than two, of which nobody knows how they scatter.
    pub fn student(values: &[f64]) -> Option<Interval> {
        let freedom = values.len().checked_sub(1).filter(|&freedom| freedom > 0)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / freedom as f64 / values.len() as f64).sqrt();
        let half = student_quantile(freedom) * error;
        Some(Interval { low: mean - half, high: mean + half, method: "student" })
    }

    /// The middle 95 % of what `metric` says of resampled sets; it gets how often each of `count` pictures
    /// was drawn. Samples for which it says nothing do not count.
    pub fn bootstrap(
        count: usize,
        resamples: usize,
        seed: u64,
        metric: impl Fn(&[u32]) -> Option<f64>,
    ) -> Interval {
        let mut random = SplitMix(seed);
        let mut values = Vec::with_capacity(resamples);
        let mut weights = vec![0u32; count];
        for _ in 0..resamples {
            weights.fill(0);
            for _ in 0..count {
                weights[random.below(count)] += 1;
            }
            values.extend(metric(&weights));
        }
        values.sort_by(f64::total_cmp);
        let at = |part: f64| match values.len() {
            0 => f64::NAN,
            length => values[((length - 1) as f64 * part).round() as usize],
        };
        Interval { low: at(0.025), high: at(0.975), method: "bootstrap" }
    }
}

/// The 97.5 % quantile of Student's distribution: tabulated for few degrees of freedom, then Cornish and Fisher's
/// expansion about the normal distribution's.
fn student_quantile(freedom: usize) -> f64 {
    const FEW: [f64; 9] = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622];
    let n = freedom as f64;
    let expanded = Z
        + (Z.powi(3) + Z) / (4.0 * n)
        + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * n.powi(2))
        + (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / (384.0 * n.powi(3));
    FEW.get(freedom - 1).copied().unwrap_or(expanded)
}

/// Steele, Lea and Flood's SplitMix64.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 5e-5
    }

    #[test]
    fn wilson_gives_the_textbook_s_numbers() {
        // Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (hits, count, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (29, 29, 0.8830, 1.0),
        ] {
            let interval = Interval::wilson(hits, count);
            assert!(near(interval.low, low) && near(interval.high, high), "{hits} of {count}: {interval:?}");
        }
    }

    #[test]
    fn student_gives_the_textbook_s_numbers() {
        // Student 1908, table of hours of sleep gained: mean 1.58, deviation 1.23, ten patients, t = 2.2622.
        let gained = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let interval = Interval::student(&gained).unwrap();
        assert!(
            (interval.low - 0.7001).abs() < 1e-4 && (interval.high - 2.4599).abs() < 1e-4,
            "{interval:?}"
        );
        assert_eq!(Interval::student(&[1.0]), None);
        for (freedom, quantile) in [(4, 2.7764), (10, 2.2281), (30, 2.0423), (120, 1.9799)] {
            assert!((student_quantile(freedom) - quantile).abs() < 1e-3, "{freedom}");
        }
    }

    #[test]
    fn the_bootstrap_of_a_mean_is_as_wide_as_theory_says() {
        // 400 coins, half of them heads: a standard error of 0.025.
        let mean = |weights: &[u32]| {
            let hits: u32 =
                weights.iter().enumerate().filter(|(index, _)| index % 2 == 0).map(|(_, w)| w).sum();
            Some(f64::from(hits) / 400.0)
        };
        let interval = Interval::bootstrap(400, 2000, 1, mean);
        assert!(
            (interval.low - 0.451).abs() < 0.006 && (interval.high - 0.549).abs() < 0.006,
            "{interval:?}"
        );
        assert_eq!(interval, Interval::bootstrap(400, 2000, 1, mean), "a seed gives one answer");
        assert_ne!(interval, Interval::bootstrap(400, 2000, 2, mean));
    }
}
