//! From a trained model to an artefact: import, quantize, plan, write.
#![forbid(unsafe_code)]

pub mod check;
pub mod detector;
pub mod graph;

pub mod import;

pub mod coverage;

pub mod fold;

pub mod contract;

pub mod quantize;

pub mod lower;

pub mod eliminate;

pub mod compress;

pub mod plan;

pub mod provenance;

pub mod convert;
pub mod execute;
pub mod inspect;
pub mod report;

pub mod diff;

mod float_input;

pub mod float_detector;
pub mod float_model;
mod moves;
pub mod oracle;
mod resample;

pub mod export;

pub use resample::resize_matrix;
