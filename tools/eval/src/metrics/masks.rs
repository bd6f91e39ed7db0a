//! Mean IoU: pixels counted over all pictures, each class the same weight.

use super::{Bootstrap, Metric};
use crate::Mask;

/// Counted pixels of pictures.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    /// For every picture and class: pixels that are both, that are true, that were found.
    pictures: Vec<Vec<[u64; 3]>>,
}

impl Masks {
    /// Adds a picture; both masks have one size. Pixels with the true value `void` do not count.
    pub(crate) fn add(&mut self, truth: &Mask, found: &Mask, void: u8) {
        let mut counts = vec![[0u64; 3]; 256];
        for (&truth, &found) in truth.classes.iter().zip(&found.classes).filter(|(truth, _)| **truth != void)
        {
            counts[usize::from(truth)][1] += 1;
            counts[usize::from(found)][2] += 1;
            if truth == found {
                counts[usize::from(truth)][0] += 1;
            }
        }
        let used = counts.iter().rposition(|count| *count != [0; 3]).map_or(0, |last| last + 1);
        counts.truncate(used);
        self.pictures.push(counts);
    }

    pub(crate) fn metrics(&self, bootstrap: Bootstrap) -> Vec<Metric> {
        let mean = |weights: &[u32]| {
            let mut totals = vec![[0u64; 3]; 256];
            for (counts, &weight) in self.pictures.iter().zip(weights) {
                for (total, count) in totals.iter_mut().zip(counts) {
                    total
                        .iter_mut()
                        .zip(count)
                        .for_each(|(total, count)| *total += count * u64::from(weight));
                }
            }
            let iou = |&[both, truth, found]: &[u64; 3]| {
                let either = truth + found - both;
                (either > 0).then(|| both as f64 / either as f64)
            };
            let values: Vec<f64> = totals.iter().filter_map(iou).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        bootstrap.metric("mean IoU", self.pictures.len(), mean).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(classes: &[u8]) -> Mask {
        Mask { width: classes.len(), height: 1, classes: classes.to_vec() }
    }

    #[test]
    fn classes_weigh_the_same_and_void_pixels_nothing() {
        let mut masks = Masks::default();
        masks.add(&mask(&[0, 0, 0, 1, 1, 255]), &mask(&[0, 0, 1, 1, 1, 0]), 255);
        masks.add(&mask(&[2, 0]), &mask(&[0, 0]), 255);
        // Class 0: 3 of 5. Class 1: 2 of 3. Class 2: 0 of 1.
        let found = masks.metrics(Bootstrap { resamples: 50, seed: 1 });
        assert_eq!(found.len(), 1);
        assert!((found[0].value - (3.0 / 5.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12, "{found:?}");
    }
}
