//! The executor on tract, for Linux boards and computers: an artefact becomes a tract `TypedModel`, so that it may
//! stand among float operators and models of other origin.
//!
//! Everything integer in an artefact is one tract operator, which runs the engine over the same kernels as
//! on a microcontroller: outputs equal the engine's byte for byte, whatever tract does around it. The
//! infer stage of a pipeline takes an [`Executor`] where it takes a plan. [`Layers`] has an operator for each layer.
#![forbid(unsafe_code)]

mod error;

mod planned;

mod segment;

mod executor;

mod layers;

pub use error::TractError;
pub use executor::{Executor, typed_model};
pub use layers::Layers;
