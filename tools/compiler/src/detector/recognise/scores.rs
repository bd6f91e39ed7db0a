//! What a tail makes of scores, and which of its sources' channels are classes and objectness.

use super::boxes::Arrangement;
use super::reading::{Level, Rows};
use super::{SAME, Seen, numbers};
use crate::detector::{Part, Scoring, logistic};

/// The parts of a level that are classes and objectness.
type Scores = (Part, Option<Part>);

/// What scores are, and the parts of every level that are classes and objectness.
pub(super) fn scoring(levels: &[Level], seen: &[Seen<'_>; 3]) -> Option<(Scoring, Vec<Scores>)> {
    let classes = seen[0].1.classes;
    let mut candidates = Vec::new();
    for level in levels {
        let first = level.scores[0];
        let behind = |part: Part| Part { first: part.first + 1, columns: part.columns - 1, ..part };
        let alone = |part: Part| Part { columns: 1, ..part };
        candidates.push(match level.scores[..] {
            // Which of them are classes shows where they are read.
            [whole] if whole.columns == classes => vec![(whole, None, false)],
            [whole] if whole.columns == classes + 1 => vec![(behind(whole), Some(alone(whole)), true)],
            [object, of_class] if object.columns + of_class.columns == classes => {
                vec![(of_class, Some(object), false)]
            }
            [one, other] if one.columns == 1 && other.columns == classes => vec![(other, Some(first), true)],
            [one, other] if other.columns == 1 && one.columns == classes => vec![(one, Some(other), true)],
            _ => return None,
        });
    }
    let is_product = candidates.iter().flatten().any(|(_, _, product)| *product);
    let rules: &[Scoring] = if is_product {
        &[Scoring::Product]
    } else {
        &[Scoring::Logistic, Scoring::Softmax, Scoring::Logits]
    };
    let parts: Vec<Scores> =
        candidates.iter().flatten().map(|&(scores, objectness, _)| (scores, objectness)).collect();
    let &rule = rules.iter().find(|&&rule| {
        [false, true].iter().any(|&anchor_first| {
            let arrangement = Arrangement::of_scores(anchor_first);
            seen.iter().all(|(asked, rows)| {
                levels
                    .iter()
                    .zip(&parts)
                    .all(|(level, parts)| scores_agree(level, parts, asked, rows, arrangement, rule))
            })
        })
    })?;
    Some((rule, parts))
}

fn scores_agree(
    level: &Level,
    &(scores, objectness): &Scores,
    asked: &[Vec<f32>],
    rows: &Rows,
    arrangement: Arrangement,
    rule: Scoring,
) -> bool {
    (0..level.rows * level.columns * level.anchors).all(|index| {
        let (cell, anchor) = (index / level.anchors, index % level.anchors);
        let of = |part: Part| {
            numbers(asked, part, level.anchors, cell, anchor).iter().map(|&number| f64::from(number))
        };
        let object: Vec<f64> = objectness.map_or(Vec::new(), |part| of(part).collect());
        let raw: Vec<f64> = match rule {
            Scoring::Product => of(scores).collect(),
            _ => object.iter().copied().chain(of(scores)).collect(),
        };
        let total: f64 = raw.iter().map(|number| number.exp()).sum();
        let row = arrangement.row(level, cell, anchor);
        let found = &rows.scores[row * rows.classes..][..rows.classes];
        found.len() == raw.len()
            && found.iter().zip(raw).all(|(found, raw)| {
                let wanted = match rule {
                    Scoring::Logits => raw,
                    Scoring::Logistic => logistic(raw),
                    Scoring::Softmax => raw.exp() / total,
                    Scoring::Product => logistic(raw) * logistic(object[0]),
                };
                (found - wanted).abs() <= SAME * wanted.abs().max(1.0)
            })
    })
}
