//! Metrics of tracking: boxes with identities over the frames of a video, found ones beside true ones.
//!
//! MOTA counts what is wrong frame by frame (Bernardin and Stiefelhagen, "Evaluating Multiple Object
//! Tracking Performance: The CLEAR MOT Metrics", 2008); IDF1 asks how much of each object's way one
//! identity explains (Ristani et al., "Performance Measures and a Data Set for Multi-Target,
//! Multi-Camera Tracking", 2016). Both accept a pair from an intersection over union of a half.

mod assignment;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::metrics::boxes;
use assignment::assign;

/// A box in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackedBox {
    /// Which object it is.
    pub identity: u32,
    /// Left, top, right, bottom, in pixels.
    pub bounds: [f32; 4],
}

/// What was found, beside the truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrackingScore {
    /// True boxes of all frames.
    pub truths: usize,
    /// Found boxes of all frames.
    pub found: usize,
    /// True boxes that nothing matches.
    pub misses: usize,
    /// Found boxes that match nothing.
    pub false_positives: usize,
    /// How often an object is matched by another identity than before.
    pub identity_switches: usize,
    /// 1 less the share of mistakes in the true boxes; below 0 when there are more mistakes.
    pub mota: f64,
    /// Of true and found boxes together, the share that one identity for each object explains.
    pub idf1: f64,
}

/// Takes frame after frame, then tells the score.
#[derive(Clone, Debug, Default)]
pub struct TrackingEvaluation {
    truths: usize,
    found: usize,
    matches: usize,
    identity_switches: usize,
    /// The identity that matched an object last.
    last: BTreeMap<u32, u32>,
    /// Frames in which an object and an identity lie on each other.
    together: BTreeMap<(u32, u32), i64>,
}

/// Least intersection over union of a match.
const LEAST_OVERLAP: f64 = 0.5;

/// The cost of a pair that may not match: more than all others together.
const FORBIDDEN: i64 = 1 << 40;

impl TrackingEvaluation {
    /// A frame: what is there, and what was found.
    pub fn add_frame(&mut self, truths: &[TrackedBox], found: &[TrackedBox]) {
        self.truths += truths.len();
        self.found += found.len();
        let overlap = |truth: &TrackedBox, found: &TrackedBox| {
            let overlap = boxes::overlap(&found.bounds, &truth.bounds, false);
            (overlap >= LEAST_OVERLAP).then_some(overlap)
        };
        for truth in truths {
            for found in found.iter().filter(|found| overlap(truth, found).is_some()) {
                *self.together.entry((truth.identity, found.identity)).or_default() += 1;
            }
        }
        // Who was together stays together.
        let mut pairs = Vec::new();
        for truth in truths {
            let last = self.last.get(&truth.identity);
            let same = found.iter().find(|found| Some(&found.identity) == last);
            if let Some(same) = same.filter(|same| overlap(truth, same).is_some()) {
                pairs.push((truth.identity, same.identity));
            }
        }
        let paired: (BTreeSet<u32>, BTreeSet<u32>) = pairs.iter().copied().unzip();
        let free_truths: Vec<_> = truths.iter().filter(|truth| !paired.0.contains(&truth.identity)).collect();
        let free_found: Vec<_> = found.iter().filter(|found| !paired.1.contains(&found.identity)).collect();
        let cost = |truth: &TrackedBox, found: &TrackedBox| {
            overlap(truth, found).map_or(FORBIDDEN, |overlap| ((1.0 - overlap) * 1e6) as i64)
        };
        let costs: Vec<Vec<i64>> = free_truths
            .iter()
            .map(|truth| free_found.iter().map(|found| cost(truth, found)).collect())
            .collect();
        for (row, column) in assign(&costs).into_iter().enumerate() {
            if let Some(column) = column.filter(|&column| costs[row][column] < FORBIDDEN) {
                pairs.push((free_truths[row].identity, free_found[column].identity));
            }
        }
        self.matches += pairs.len();
        for (truth, found) in pairs {
            let before = self.last.insert(truth, found);
            self.identity_switches += usize::from(before.is_some_and(|before| before != found));
        }
    }

    /// The score of all frames so far; `None` without a true box, which leaves nothing to compare with.
    pub fn score(&self) -> Option<TrackingScore> {
        if self.truths == 0 {
            return None;
        }
        let (misses, false_positives) = (self.truths - self.matches, self.found - self.matches);
        let mistakes = misses + false_positives + self.identity_switches;
        Some(TrackingScore {
            truths: self.truths,
            found: self.found,
            misses,
            false_positives,
            identity_switches: self.identity_switches,
            mota: 1.0 - mistakes as f64 / self.truths as f64,
            idf1: 2.0 * self.explained() as f64 / (self.truths + self.found) as f64,
        })
    }

    /// Frames in which objects lie on their own identity, when each object is given the best one.
    fn explained(&self) -> i64 {
        let objects: BTreeSet<u32> = self.together.keys().map(|&(object, _)| object).collect();
        let identities: BTreeSet<u32> = self.together.keys().map(|&(_, identity)| identity).collect();
        let frames = |object, identity| self.together.get(&(object, identity)).copied().unwrap_or(0);
        let costs: Vec<Vec<i64>> = objects
            .iter()
            .map(|&object| identities.iter().map(|&identity| -frames(object, identity)).collect())
            .collect();
        let rows = assign(&costs).into_iter().enumerate();
        rows.filter_map(|(row, column)| Some(-costs[row][column?])).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(identity: u32, left: f32) -> TrackedBox {
        TrackedBox { identity, bounds: [left, 0.0, left + 10.0, 10.0] }
    }

    #[test]
    fn mistakes_are_counted_as_by_hand() {
        let mut evaluation = TrackingEvaluation::default();
        evaluation.add_frame(&[at(1, 0.0), at(2, 50.0)], &[at(7, 1.0), at(8, 51.0)]);
        // Object 2 is missed, and something is found where nothing is.
        evaluation.add_frame(&[at(1, 0.0), at(2, 50.0)], &[at(7, 1.0), at(9, 90.0)]);
        // Both identities change hands: two switches.
        evaluation.add_frame(&[at(1, 0.0), at(2, 50.0)], &[at(8, 1.0), at(7, 51.0)]);
        let score = evaluation.score().unwrap();
        assert_eq!((score.misses, score.false_positives, score.identity_switches), (1, 1, 2));
        assert_eq!(score.mota, 1.0 - 4.0 / 6.0);
        // 1 with 7 explains two frames, 2 with 8 one; of 6 true and 6 found boxes.
        assert_eq!(score.idf1, 2.0 * 3.0 / 12.0);
    }

    #[test]
    fn who_was_together_stays_together() {
        let mut evaluation = TrackingEvaluation::default();
        evaluation.add_frame(&[at(1, 0.0)], &[at(7, 0.0)]);
        // 8 lies better, but 7 is still good enough.
        evaluation.add_frame(&[at(1, 0.0)], &[at(8, 0.0), at(7, 3.0)]);
        let score = evaluation.score().unwrap();
        assert_eq!((score.identity_switches, score.false_positives), (0, 1));
        assert_eq!(TrackingEvaluation::default().score(), None);
    }
}
