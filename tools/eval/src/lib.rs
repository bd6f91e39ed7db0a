//! Accuracy on labelled data: data sets in, predictions of any model beside them, metrics with a 95 % interval
//! out.
//!
//! Knows no model: whoever calls gives a function from a frame to a [`Prediction`], so int8 on the host and
//! float in tract are measured by the same code on the same pictures.
#![forbid(unsafe_code)]

mod data;

mod labels;

mod overlap;

mod predict;

mod evaluate;

mod metrics;

mod interval;

mod tracking;

pub use data::{DataError, DataSet, Kind, Sample, Selection, TrueBox, Truth};
pub use evaluate::{EvalError, Evaluation, Measured, Model, Options, Predict, evaluate};
pub use interval::Interval;
pub use labels::{LabelError, LabelMap};
pub use metrics::boxes::Boxes;
pub use metrics::{Bootstrap, Metric};
pub use overlap::overlapping;
pub use predict::{FoundBox, Mask, Prediction};
pub use tracking::{TrackedBox, TrackingEvaluation, TrackingScore};
