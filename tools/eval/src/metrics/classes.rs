//! Top-1, top-5 and the area under the ROC curve.

use super::{Bootstrap, Metric};
use crate::Interval;

/// More classes than this have no ROC curves: one-vs-rest says little then.
const MOST_CURVES: usize = 20;

/// True classes and scores of pictures.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    classes: usize,
    top_1: u64,
    top_5: u64,
    truths: Vec<usize>,
    /// Of every picture, as long as there are few classes.
    scores: Vec<Vec<f32>>,
}

impl Classes {
    /// Adds a picture.
    pub(crate) fn add(&mut self, truth: usize, scores: Vec<f32>) {
        let rank = rank(&scores, truth);
        self.top_1 += u64::from(rank < 1);
        self.top_5 += u64::from(rank < 5);
        self.classes = scores.len();
        self.truths.push(truth);
        if scores.len() <= MOST_CURVES {
            self.scores.push(scores);
        }
    }

    pub(crate) fn metrics(&self, bootstrap: Bootstrap) -> Vec<Metric> {
        let pictures = self.truths.len();
        let proportion = |name: &str, hits: u64| Metric {
            name: name.to_owned(),
            value: hits as f64 / pictures.max(1) as f64,
            interval: Interval::wilson(hits, pictures as u64),
            pictures,
        };
        let mut metrics = vec![proportion("top-1", self.top_1)];
        if self.classes > 5 {
            metrics.push(proportion("top-5", self.top_5));
        }
        if self.scores.len() == pictures {
            // With two classes one curve is the other's mirror image.
            let curves: Vec<Curve> = match self.classes {
                2 => vec![Curve::new(&self.scores, &self.truths, 1)],
                classes => (0..classes).map(|class| Curve::new(&self.scores, &self.truths, class)).collect(),
            };
            let name = if self.classes == 2 { "ROC AUC" } else { "ROC AUC, one against the rest" };
            metrics.extend(bootstrap.metric(name, pictures, |weights| {
                let areas: Vec<f64> = curves.iter().filter_map(|curve| curve.area(weights)).collect();
                (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
            }));
        }
        metrics
    }
}

/// How many classes stand before `truth`: of equal scores the first class, as on the device.
fn rank(scores: &[f32], truth: usize) -> usize {
    let Some(&own) = scores.get(truth) else { return usize::MAX };
    let before = |(class, &score): (usize, &f32)| score > own || (score == own && class < truth);
    scores.iter().enumerate().filter(|&(class, score)| before((class, score))).count()
}

/// The ROC curve of one class.
struct Curve {
    /// Score, whether the picture shows the class, and its number; lowest first.
    points: Vec<(f32, bool, usize)>,
}

impl Curve {
    fn new(scores: &[Vec<f32>], truths: &[usize], class: usize) -> Curve {
        let mut points: Vec<(f32, bool, usize)> = scores
            .iter()
            .zip(truths)
            .enumerate()
            .map(|(picture, (scores, &truth))| (scores[class], truth == class, picture))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve { points }
    }

    /// The part of pairs, one picture with the class and one without, that the scores put in order; equal
    /// scores count half. `None` without pairs.
    fn area(&self, weights: &[u32]) -> Option<f64> {
        let (mut ordered, mut negatives, mut positives) = (0f64, 0f64, 0f64);
        for equal in self.points.chunk_by(|a, b| a.0 == b.0) {
            let weight = |wanted: bool| -> f64 {
                let wanted = equal.iter().filter(|point| point.1 == wanted);
                wanted.map(|point| f64::from(weights[point.2])).sum()
            };
            let (with, without) = (weight(true), weight(false));
            ordered += with * (negatives + without / 2.0);
            positives += with;
            negatives += without;
        }
        (positives > 0.0 && negatives > 0.0).then(|| ordered / (positives * negatives))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 200, seed: 1 };

    fn metrics(records: &[(usize, &[f32])]) -> Vec<Metric> {
        let mut classes = Classes::default();
        records.iter().for_each(|(truth, scores)| classes.add(*truth, scores.to_vec()));
        classes.metrics(BOOTSTRAP)
    }

    #[test]
    fn ranks_count_ties_as_the_device_does() {
        assert_eq!(rank(&[1.0, 3.0, 3.0], 1), 0);
        assert_eq!(rank(&[1.0, 3.0, 3.0], 2), 1);
        assert_eq!(rank(&[1.0, 3.0, 3.0], 0), 2);
    }

    #[test]
    fn top_1_and_top_5_are_counted() {
        let scores: [&[f32]; 3] = [
            &[9.0, 1.0, 2.0, 3.0, 4.0, 5.0],
            &[9.0, 1.0, 2.0, 3.0, 4.0, 5.0],
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        ];
        let found = metrics(&[(0, scores[0]), (1, scores[1]), (1, scores[2])]);
        assert_eq!((found[0].name.as_str(), found[0].value), ("top-1", 1.0 / 3.0));
        assert_eq!((found[1].name.as_str(), found[1].value), ("top-5", 2.0 / 3.0));
    }

    #[test]
    fn the_area_is_that_of_pairs_in_order() {
        // Pairs of a person (0.8, 0.4, 0.4) and none (0.4, 0.1): 2 ties of 6, the other 4 in order.
        let score = |person: f32| [1.0 - person, person];
        let found = metrics(&[
            (1, &score(0.8)),
            (1, &score(0.4)),
            (1, &score(0.4)),
            (0, &score(0.4)),
            (0, &score(0.1)),
        ]);
        let area = found.iter().find(|metric| metric.name == "ROC AUC").unwrap();
        assert!((area.value - 5.0 / 6.0).abs() < 1e-12, "{area:?}");
        assert!(area.interval.low <= area.value && area.value <= area.interval.high);
    }
}
