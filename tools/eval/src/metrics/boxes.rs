//! Mean average precision as COCO counts it: 101 points of recall, at most 100 boxes a picture, IoU from 0.50 to
//! 0.95 in steps of 0.05.

use super::{Bootstrap, Metric};
use crate::{FoundBox, TrueBox};

/// Overlaps from which a box counts as found.
const THRESHOLDS: [f64; 10] = [0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95];

/// Boxes of a picture and class that count, best first.
const MOST_BOXES: usize = 100;

/// Points of recall at which precision is read.
const RECALLS: usize = 101;

/// Matched boxes of pictures.
#[derive(Debug, Default)]
pub struct Boxes {
    pictures: usize,
    /// By class of the model.
    classes: Vec<Class>,
}

#[derive(Debug, Default)]
struct Class {
    found: Vec<Record>,
    /// Picture and true boxes that count.
    truths: Vec<(usize, u32)>,
}

/// A found box, and for every threshold what it is.
#[derive(Clone, Copy, Debug)]
struct Record {
    score: f32,
    picture: usize,
    is_true: [bool; THRESHOLDS.len()],
    is_ignored: [bool; THRESHOLDS.len()],
}

impl Boxes {
    /// Adds a picture; classes of both sides are the model's.
    pub fn add(&mut self, truths: &[TrueBox], found: &[FoundBox]) {
        let classes = truths.iter().map(|truth| truth.class).chain(found.iter().map(|found| found.class));
        let count = classes.max().map_or(0, |class| class + 1);
        if self.classes.len() < count {
            self.classes.resize_with(count, Class::default);
        }
        for (class, records) in self.classes.iter_mut().enumerate() {
            let mut truths: Vec<&TrueBox> = truths.iter().filter(|truth| truth.class == class).collect();
            let mut found: Vec<&FoundBox> = found.iter().filter(|found| found.class == class).collect();
            // Those that count first, so that a box prefers them.
            truths.sort_by_key(|truth| truth.is_ignored);
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(MOST_BOXES);
            records.add(self.pictures, &truths, &found);
        }
        self.pictures += 1;
    }

    /// Mean precision at an IoU of 0.50 and over all thresholds; at 0.50 also by class, where there are several.
    pub fn metrics(&mut self, labels: &[String], bootstrap: Bootstrap) -> Vec<Metric> {
        self.sort();
        let mean = |thresholds: std::ops::Range<usize>| {
            let classes = &self.classes;
            move |weights: &[u32]| {
                let of_class = |class: &Class| class.average_precision(thresholds.clone(), weights);
                let values: Vec<f64> = classes.iter().filter_map(of_class).collect();
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            }
        };
        let all = 0..THRESHOLDS.len();
        let mut metrics: Vec<Metric> = [("mAP@50", 0..1), ("mAP@50:95", all)]
            .into_iter()
            .filter_map(|(name, range)| bootstrap.metric(name, self.pictures, mean(range)))
            .collect();
        if self.classes.len() > 1 {
            let of_class = |(index, class): (usize, &Class)| {
                let name = labels.get(index).cloned().unwrap_or_else(|| index.to_string());
                let of = |weights: &[u32]| class.average_precision(0..1, weights);
                bootstrap.metric(&format!("AP@50 {name}"), self.pictures, of)
            };
            metrics.extend(self.classes.iter().enumerate().filter_map(of_class));
        }
        metrics
    }

    /// Mean precision at an IoU of 0.50; 0 where there is nothing to find.
    pub fn mean_precision(&mut self) -> f64 {
        self.sort();
        let weights = vec![1; self.pictures];
        let of_class = |class: &Class| class.average_precision(0..1, &weights);
        let values: Vec<f64> = self.classes.iter().filter_map(of_class).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    /// Best first, over all pictures.
    fn sort(&mut self) {
        for class in &mut self.classes {
            class.found.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
    }
}

impl Class {
    /// Matches the boxes of one picture: each takes the free true box that it overlaps most.
    fn add(&mut self, picture: usize, truths: &[&TrueBox], found: &[&FoundBox]) {
        let counted = truths.iter().filter(|truth| !truth.is_ignored).count();
        if counted > 0 {
            self.truths.push((picture, counted as u32));
        }
        let unmatched = |found: &&FoundBox| Record {
            score: found.score,
            picture,
            is_true: [false; THRESHOLDS.len()],
            is_ignored: [false; THRESHOLDS.len()],
        };
        let mut records: Vec<Record> = found.iter().map(unmatched).collect();
        for (index, threshold) in THRESHOLDS.into_iter().enumerate() {
            let mut taken = vec![false; truths.len()];
            for (found, record) in found.iter().zip(&mut records) {
                let mut best: Option<usize> = None;
                let mut most = threshold;
                for (place, truth) in truths.iter().enumerate() {
                    if taken[place] && !truth.is_crowd {
                        continue;
                    }
                    // A true box that counts is not given up for one that does not.
                    if truth.is_ignored && best.is_some_and(|best| !truths[best].is_ignored) {
                        break;
                    }
                    let overlap = overlap(&found.bounds, &truth.bounds, truth.is_crowd);
                    if overlap >= most {
                        (best, most) = (Some(place), overlap);
                    }
                }
                if let Some(best) = best {
                    taken[best] = true;
                    record.is_ignored[index] = truths[best].is_ignored;
                    record.is_true[index] = !truths[best].is_ignored;
                }
            }
        }
        self.found.extend(records);
    }

    /// The mean over thresholds of the precision at 101 points of recall; `None` where there is nothing to find.
    fn average_precision(&self, thresholds: std::ops::Range<usize>, weights: &[u32]) -> Option<f64> {
        let wanted: u64 =
            self.truths.iter().map(|&(picture, count)| u64::from(count * weights[picture])).sum();
        if wanted == 0 {
            return None;
        }
        let count = thresholds.len();
        let sum: f64 = thresholds.map(|threshold| self.area(threshold, wanted, weights)).sum();
        Some(sum / count as f64)
    }

    fn area(&self, threshold: usize, wanted: u64, weights: &[u32]) -> f64 {
        let (mut right, mut wrong) = (0u64, 0u64);
        // Recall and precision after each box, best first.
        let mut curve: Vec<(f64, f64)> = Vec::with_capacity(self.found.len());
        for record in &self.found {
            let weight = u64::from(weights[record.picture]);
            if weight == 0 || record.is_ignored[threshold] {
                continue;
            }
            match record.is_true[threshold] {
                true => right += weight,
                false => wrong += weight,
            }
            curve.push((right as f64 / wanted as f64, right as f64 / (right + wrong) as f64));
        }
        // Precision never rises with recall.
        let mut highest = 0f64;
        for (_, precision) in curve.iter_mut().rev() {
            highest = highest.max(*precision);
            *precision = highest;
        }
        let mut at = 0;
        let mut sum = 0.0;
        for point in 0..RECALLS {
            let recall = point as f64 / (RECALLS - 1) as f64;
            while at < curve.len() && curve[at].0 < recall {
                at += 1;
            }
            sum += curve.get(at).map_or(0.0, |point| point.1);
        }
        sum / RECALLS as f64
    }
}

/// Intersection over union; over the found box alone where the other is a crowd.
pub(crate) fn overlap(found: &[f32; 4], truth: &[f32; 4], is_crowd: bool) -> f64 {
    let [found, truth] = [found, truth].map(|bounds| bounds.map(f64::from));
    let area = |bounds: &[f64; 4]| (bounds[2] - bounds[0]).max(0.0) * (bounds[3] - bounds[1]).max(0.0);
    let common = area(&[
        found[0].max(truth[0]),
        found[1].max(truth[1]),
        found[2].min(truth[2]),
        found[3].min(truth[3]),
    ]);
    let whole = if is_crowd { area(&found) } else { area(&found) + area(&truth) - common };
    if whole > 0.0 { common / whole } else { 0.0 }
}

#[cfg(test)]
mod tests;
