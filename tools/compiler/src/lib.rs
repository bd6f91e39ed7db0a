//! From a trained model to an artefact: import, quantize, plan, write.
#![forbid(unsafe_code)]

pub mod check;
pub mod fold;
pub mod graph;
pub mod import;
pub mod lower;
pub mod oracle;
pub mod plan;
mod resample;
