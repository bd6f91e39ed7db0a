//! From a trained model to an artefact: import, quantize, plan, write.
#![forbid(unsafe_code)]

pub mod graph;
