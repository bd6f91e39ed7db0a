//! What stands between a channel of the artefact and the source's: one factor, read off numbers where no weights tell it.

/// The source's channel over the artefact's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Factor {
    pub(super) value: f32,
    /// Whether weights tell it; otherwise it fits this input best.
    pub(super) is_known: bool,
}

impl Factor {
    pub(super) const ONE: Factor = Factor { value: 1.0, is_known: true };
}

/// The factor with the least squares between pairs of the source's and the artefact's numbers.
pub(super) fn fitted(pairs: &[(f32, f32)]) -> Factor {
    let (product, square) = pairs.iter().fold((0f64, 0f64), |(product, square), &(own, real)| {
        (product + f64::from(own) * f64::from(real), square + f64::from(real) * f64::from(real))
    });
    let slope = (product / square) as f32;
    let is_slope = slope.is_normal() && slope > 0.0;
    Factor { value: if is_slope { slope } else { 1.0 }, is_known: false }
}

/// Of the operands' factors and 1 the one that fits best. A channel that is 0 on this input has those of its
/// operands.
pub(super) fn nearest(pairs: &[(f32, f32)], inherited: impl Iterator<Item = Factor>) -> Factor {
    let error = |factor: Factor| -> f64 {
        pairs.iter().map(|&(own, real)| f64::from(own - real * factor.value).powi(2)).sum()
    };
    let mut inherited: Vec<Factor> = inherited.collect();
    inherited.sort_by_key(|factor| !factor.is_known);
    let of_an_operand = |best: Option<(f64, Factor)>, factor: Factor| match best {
        Some(best) if best.0 <= error(factor) => Some(best),
        _ => Some((error(factor), factor)),
    };
    let one = Factor { is_known: false, ..Factor::ONE };
    match inherited.into_iter().fold(None, of_an_operand) {
        // A factor read off rounded weights fits a little worse than the true one, never much.
        Some((least, factor)) if least <= 4.0 * error(one) => factor,
        _ => one,
    }
}

/// The middle one of all differences; 0 when there are few.
pub(super) fn middle(pairs: &[(f32, f32)], factor: f32) -> f32 {
    const ENOUGH: usize = 8;
    let mut differences: Vec<f32> = pairs.iter().map(|&(own, real)| own - real * factor).collect();
    if differences.len() < ENOUGH {
        return 0.0;
    }
    let middle = differences.len() / 2;
    *differences.select_nth_unstable_by(middle, f32::total_cmp).1
}
