//! What can go wrong in training, with where and with what to do next.

use std::path::PathBuf;

use ocelli_compiler::contract::ContractError;
use ocelli_compiler::convert::ConvertError;
use ocelli_compiler::execute::ExecuteError;
use ocelli_compiler::import::ImportError;
use ocelli_compiler::quantize::QuantizeError;
use ocelli_eval::DataError;

/// Why a recipe did not run to its end. The last checkpoint stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The recipe says something that makes no sense.
    #[error("{place}: {problem}")]
    Recipe {
        /// File, and the stage in it.
        place: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The model cannot be trained.
    #[error("model {model:?}: {problem}")]
    Model {
        /// Its name.
        model: String,
        /// What does not fit.
        problem: String,
    },
    /// An operator without a form here.
    #[error("node {node:?} ({operator}) cannot be trained: {problem}")]
    Node {
        /// Its name.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// What does not fit.
        problem: String,
    },
    /// The data cannot be trained on.
    #[error("data set {place}: {problem}")]
    Data {
        /// Where it is.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The data cannot be read.
    #[error(transparent)]
    Read(#[from] DataError),
    /// The loss is no number any more.
    #[error(
        "stage {stage:?} diverged: the loss was {loss} in step {step} of epoch {epoch}; the last good checkpoint is {}; lower `rate`, or set `clip`",
        checkpoint.display()
    )]
    Diverged {
        /// Name of the stage.
        stage: String,
        /// What the loss was.
        loss: f32,
        /// From 1.
        epoch: usize,
        /// From 1.
        step: usize,
        /// What stays.
        checkpoint: PathBuf,
    },
    /// A checkpoint that does not belong here.
    #[error("checkpoint {}: {problem}", path.display())]
    Checkpoint {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The model cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The contract does not serve.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The model cannot be quantized.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// The integers do not run.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// No artefact can be made.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

impl TrainError {
    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> TrainError {
        TrainError::File { path: path.to_owned(), source }
    }
}
