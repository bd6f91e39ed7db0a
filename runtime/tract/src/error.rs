//! Why an artefact does not become a model in tract.

use ocelli_engine::PlanError;
use ocelli_format::ParseError;

/// Why an artefact does not become a model in tract.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TractError {
    /// The bytes are no artefact.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The engine cannot run it here.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A tensor that crosses from or to tract holds no int8 numbers.
    #[error("tensor `{name}` is no int8 tensor, and only those come and go")]
    Element {
        /// The tensor's name in the artefact.
        name: String,
    },
    /// A layer by itself has no state that stays from run to run.
    #[error("it keeps states from run to run, and layers by themselves keep none")]
    State,
    /// tract refuses the model.
    #[error("tract cannot build the model: {0}")]
    Build(String),
}
