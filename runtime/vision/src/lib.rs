//! Preprocessing and postprocessing in fixed point: from camera rows to a model's quantized input,
//! and from its quantized outputs to detections in the frame.
//!
//! No heap, no float, no panic; the same integers on every machine. Nothing here is made for one
//! model: what to do stands in the artefact's input and output contracts.
//!
//! ```text
//! frame rows -> SourceRow -> Preprocessor -> OutputRow -> the model's input
//!                                 |
//!                             Transform (the way back)
//!                                 |
//! detections <- BoxPostprocessor -+- the model's outputs -> top_classes
//!      |        points, masks, spots                     -> embeddings, numbers
//!   Tracker -> the same objects over frames
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod error;

pub mod colour;

mod transform;

mod source_row;

mod pixel_stream;

mod axis;

mod row_pass;

mod output_row;

mod preprocess;

mod ranking;

mod candidates;

mod anchor;

mod suppression;

mod boxes;

mod tracker;

mod classes;

mod points;

mod cells;

mod embedding;

mod numbers;

#[cfg(test)]
mod random;

pub use boxes::{BoxPostprocessor, Detections, Thresholds};
pub use cells::{Mask, spots};
pub use classes::top_classes;
pub use embedding::Embedding;
pub use error::{PostprocessError, PreprocessError};
pub use numbers::Numbers;
pub use output_row::OutputRow;
pub use points::Points;
pub use preprocess::{ImageInput, Preprocessor, channels, scratch_words};
pub use source_row::SourceRow;
pub use tracker::{Observation, Track, Tracker, TrackerOptions};
pub use transform::{INPUT_ONE, Region, Transform};
