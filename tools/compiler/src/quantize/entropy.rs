//! Ranges by entropy: between observe and the choice of scales, for one tensor.
//!
//! Of all ranges the one whose 256 steps tell least less than the numbers themselves: the divergence of
//! Kullback and Leibler between their histogram, cut off at the range, and the same in steps.

use super::observe::Seen;
use super::ranges::least;

/// Most bins of the histogram; several for each step of the widest range.
const BINS: usize = 2048;

/// Numbers that a bin has on average, so that chance does not look like structure.
const NUMBERS_A_BIN: usize = 8;

/// Steps of int8.
const STEPS: usize = 256;

/// The range of least divergence that holds 0.
pub(super) fn range(seen: &Seen) -> (f32, f32) {
    let (lowest, highest) = (seen.min.min(0.0), seen.max.max(0.0));
    let bins = (seen.numbers.len() / NUMBERS_A_BIN).clamp(STEPS, BINS);
    let width = (highest - lowest) / bins as f32;
    if !width.is_normal() {
        return (lowest, highest);
    }
    let bin = |value: f32| (((value - lowest) / width) as usize).min(bins - 1);
    let mut histogram = vec![0f64; bins];
    for number in &seen.numbers {
        histogram[bin(number.value)] += f64::from(number.weight);
    }
    let (low, high) = least(lowest, highest, |low, high| {
        let (first, last) = (bin(low), bin(high));
        divergence(&histogram, first, last.max(first))
    });
    // Bins are kept whole.
    let edge = |bins: usize| lowest + bins as f32 * width;
    (edge(bin(low)), edge(bin(high) + 1).min(highest))
}

/// The divergence of a histogram cut off outside of two bins from itself in steps.
fn divergence(histogram: &[f64], first: usize, last: usize) -> f64 {
    let mut cut: Vec<f64> = histogram[first..=last].to_vec();
    let below: f64 = histogram[..first].iter().sum();
    let above: f64 = histogram[last + 1..].iter().sum();
    let inside: f64 = cut.iter().sum();
    let end = cut.len() - 1;
    cut[0] += below;
    cut[end] += above;
    let whole = inside + below + above;
    if inside <= 0.0 {
        return f64::INFINITY;
    }
    // In steps, without what was cut off: a step's numbers spread over those of its bins that have any.
    let bins_of = |step: usize| step * (end + 1) / STEPS..(step + 1) * (end + 1) / STEPS;
    let mut sum = 0.0;
    for step in 0..STEPS {
        let bins = bins_of(step);
        let own = &histogram[first + bins.start..first + bins.end];
        let filled = own.iter().filter(|&&count| count > 0.0).count();
        let spread = own.iter().sum::<f64>() / filled.max(1) as f64;
        for (&count, &original) in cut[bins].iter().zip(own) {
            if count > 0.0 {
                // Where nothing of a step is left, a small part stands for it.
                let stepped = if original > 0.0 { spread } else { 0.0 };
                let share = (stepped / inside).max(1e-9);
                sum += count / whole * (count / whole / share).ln();
            }
        }
    }
    sum
}
