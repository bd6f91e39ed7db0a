//! The postprocess stage of a classifier: the best classes of a row of scores.

use heapless::Vec;
use ocelli_core::{Classification, Score};
use ocelli_format::ClassesView;

use crate::{candidates::entry, ranking};

/// The `K` best classes of `output`, which is the tensor that `contract` names, best first; of equal
/// scores the first class. With labels, as many scores are read as there are labels.
pub fn top_classes<const K: usize>(contract: &ClassesView<'_>, output: &[i8]) -> Vec<Classification, K> {
    let classes = if contract.labels.is_empty() { usize::from(u16::MAX) } else { contract.labels.len() };
    best_scores(contract.scores, output.get(..classes).unwrap_or(output))
}

fn best_scores<const K: usize>(table: &[u16; 256], scores: &[i8]) -> Vec<Classification, K> {
    let mut best: Vec<(i8, u16), K> = Vec::new();
    for (class_index, &score) in scores.iter().enumerate() {
        ranking::insert(&mut best, (score, class_index as u16), |first, second| first.0 > second.0);
    }
    let mut classes = Vec::new();
    for (score, class_index) in best {
        // As many as there were.
        let _ = classes.push(Classification { class_index, score: Score(entry(table, score)) });
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_best_come_first_and_ties_keep_their_order() {
        let table: [u16; 256] = core::array::from_fn(|index| index as u16);
        let mut random = Random::new(17);
        for classes in [0, 1, 2, 3, 50] {
            let scores: std::vec::Vec<i8> = (0..classes).map(|_| random.below(5) as i8 - 2).collect();
            let mut order: std::vec::Vec<usize> = (0..classes).collect();
            order.sort_by_key(|&class| core::cmp::Reverse(scores[class]));
            let best: Vec<Classification, 3> = best_scores(&table, &scores);
            assert_eq!(best.len(), classes.min(3));
            for (found, &class) in best.iter().zip(&order) {
                assert_eq!(usize::from(found.class_index), class);
                assert_eq!(found.score, Score((i16::from(scores[class]) + 128) as u16));
            }
        }
    }
}
