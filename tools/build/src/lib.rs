//! Build-script helper: what an application knows about its model at compile time, from the artefact.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), ocelli_build::Error> {
//!     ocelli_build::Artefact::from_path("models/face.ocelli").generate()
//! }
//! ```
//!
//! ```ignore
//! // main.rs
//! mod face {
//!     include!(concat!(env!("OUT_DIR"), "/face.rs"));
//! }
//! let artefact = Artefact::parse_built(face::ARTEFACT, face::CHECKSUM)?;
//! let mut arena = Aligned([0; face::ARENA_BYTES]);
//! let model = Plan::new(&artefact, face::PROFILE, face::OPERATORS, &mut arena.0)?;
//! ```
//!
//! The module holds the aligned bytes, the operators that the model uses (and only those get linked),
//! the sizes of arena, scratch and results, and an enum each for inputs, outputs, classes and
//! keypoints, so that a model exchanged for another kind does not compile rather than misbehave.
#![forbid(unsafe_code)]

mod artefact;

mod facts;

mod names;

mod source;

mod error;

pub use artefact::Artefact;
pub use error::Error;
