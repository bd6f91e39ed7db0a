//! How good a network is on pictures: right answers of a classifier, precision of a detector.

use std::fmt;

use ocelli_eval::{Bootstrap, Boxes, Interval};
use serde::{Deserialize, Serialize};

/// How good a network was on pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Score {
    /// Of a classifier.
    Right {
        /// Right answers.
        right: usize,
        /// Of how many.
        pictures: usize,
    },
    /// Of a detector: COCO's mean average precision at an IoU of 0.50, by 101 points of recall.
    Precision {
        /// The mean over classes.
        mean: f32,
        /// Where it lies with 95 % confidence, where that was asked for.
        interval: Option<[f32; 2]>,
        /// By class, where that was asked for.
        classes: Vec<(String, f32)>,
        /// Of how many.
        pictures: usize,
    },
}

/// How often an interval of a precision is drawn, and from which seed.
const BOOTSTRAP: Bootstrap = Bootstrap { resamples: 1000, seed: 1 };

impl Score {
    /// The precision of found boxes, without anything that takes time.
    pub(crate) fn of_boxes(boxes: &mut Boxes, pictures: usize) -> Score {
        Score::Precision {
            mean: boxes.mean_precision() as f32,
            interval: None,
            classes: Vec::new(),
            pictures,
        }
    }

    /// The precision of found boxes, with its interval and by class.
    pub(crate) fn of_boxes_in_detail(boxes: &mut Boxes, labels: &[String], pictures: usize) -> Score {
        let metrics = boxes.metrics(labels, BOOTSTRAP);
        let whole = metrics.iter().find(|metric| metric.name == "mAP@50");
        let of_class = |label: &String| {
            let found = metrics.iter().find(|metric| metric.name == format!("AP@50 {label}"));
            found.map(|metric| (label.clone(), metric.value as f32))
        };
        Score::Precision {
            mean: whole.map_or(0.0, |metric| metric.value as f32),
            interval: whole.map(|metric| [metric.interval.low as f32, metric.interval.high as f32]),
            classes: labels.iter().filter_map(of_class).collect(),
            pictures,
        }
    }

    /// What is measured, for headings.
    pub fn measure(&self) -> &'static str {
        match self {
            Score::Right { .. } => "right answers",
            Score::Precision { .. } => "mAP@50",
        }
    }

    /// How intervals are made.
    pub fn method(&self) -> String {
        match self {
            Score::Right { .. } => "Intervals: Wilson's, 95 %.".to_owned(),
            Score::Precision { .. } => format!(
                "mAP@50 as COCO counts it, 101 points of recall, scores from {} on; intervals: 95 %, percentile bootstrap over pictures, {} draws, seed {}.",
                crate::measure::LEAST_SCORE,
                BOOTSTRAP.resamples,
                BOOTSTRAP.seed
            ),
        }
    }

    /// Right answers of several parts of the data together; `None` where one is a detector's.
    pub fn pooled(scores: &[Score]) -> Option<Score> {
        let mut all = [0; 2];
        for score in scores {
            let Score::Right { right, pictures } = *score else { return None };
            all = [all[0] + right, all[1] + pictures];
        }
        Some(Score::Right { right: all[0], pictures: all[1] })
    }

    /// Where the part lies with 95 % confidence, where that is known.
    pub fn interval(&self) -> Option<Interval> {
        match *self {
            Score::Right { right, pictures } => Some(Interval::wilson(right as u64, pictures as u64)),
            Score::Precision { .. } => None,
        }
    }

    /// From 0 to 1.
    pub fn part(&self) -> f64 {
        match *self {
            Score::Right { right, pictures } => right as f64 / pictures.max(1) as f64,
            Score::Precision { mean, .. } => f64::from(mean),
        }
    }

    /// Right answers; `None` for a detector.
    pub fn right(&self) -> Option<usize> {
        match *self {
            Score::Right { right, .. } => Some(right),
            Score::Precision { .. } => None,
        }
    }

    /// As an epoch tells it.
    pub fn short(&self) -> String {
        match *self {
            Score::Right { right, pictures } => {
                format!("{right} of {pictures} ({})", percent(self.part()))
            }
            Score::Precision { pictures, .. } => format!("mAP@50 {} of {pictures}", percent(self.part())),
        }
    }
}

/// With its interval.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Score::Right { right, pictures } => {
                let interval = Interval::wilson(*right as u64, *pictures as u64);
                let (low, high) = (percent(interval.low), percent(interval.high));
                write!(f, "{right} of {pictures} ({}, {low} to {high})", percent(self.part()))
            }
            Score::Precision { mean, interval, classes, pictures } => {
                write!(f, "mAP@50 {}", percent(f64::from(*mean)))?;
                if let Some([low, high]) = interval.map(|ends| ends.map(|end| percent(f64::from(end)))) {
                    write!(f, " ({low} to {high})")?;
                }
                for (index, (label, precision)) in classes.iter().enumerate() {
                    let before = if index == 0 { ": " } else { ", " };
                    write!(f, "{before}{label} {}", percent(f64::from(*precision)))?;
                }
                write!(f, "; {pictures} pictures")
            }
        }
    }
}

fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}
