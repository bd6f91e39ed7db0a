//! Why an artefact and a planned model do not make a pipeline.

use ocelli_vision::{PostprocessError, PreprocessError};

/// Why an artefact and a planned model do not make a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PipelineError {
    /// A pipeline has one camera: the artefact needs one input contract.
    InputContracts {
        /// How many it has.
        available: usize,
    },
    /// A pipeline has one outcome: the artefact needs one output contract, or none for raw tensors.
    OutputContracts {
        /// How many it has.
        available: usize,
    },
    /// The output contract speaks of something else than was asked for: boxes, or classes.
    OutcomeKind,
    /// An input of the model is not as long as the artefact says: it belongs to another.
    Input {
        /// Which input, from 0.
        index: usize,
        /// By the artefact.
        needed_elements: usize,
        /// The model's.
        available_elements: usize,
    },
    /// An output of the model is not as long as the artefact says: it belongs to another.
    Output {
        /// Which output, from 0.
        index: usize,
        /// By the artefact.
        needed_elements: usize,
        /// The model's.
        available_elements: usize,
    },
    /// The preprocess stage refused: too little scratch, or an input that is no image.
    Preprocess(PreprocessError),
    /// The postprocess stage refused: too little room for keypoints.
    Postprocess(PostprocessError),
}

impl core::fmt::Display for PipelineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            PipelineError::InputContracts { available } => {
                write!(f, "a pipeline needs one input contract, the artefact has {available}")
            }
            PipelineError::OutputContracts { available } => {
                write!(f, "a pipeline needs one output contract, the artefact has {available}")
            }
            PipelineError::OutcomeKind => {
                f.write_str("the output contract is about something else than was asked for")
            }
            PipelineError::Input { index, needed_elements, available_elements } => write!(
                f,
                "input {index} has {available_elements} elements, by the artefact {needed_elements}"
            ),
            PipelineError::Output { index, needed_elements, available_elements } => write!(
                f,
                "output {index} has {available_elements} elements, by the artefact {needed_elements}"
            ),
            PipelineError::Preprocess(error) => error.fmt(f),
            PipelineError::Postprocess(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PipelineError {}

impl From<PreprocessError> for PipelineError {
    fn from(error: PreprocessError) -> Self {
        PipelineError::Preprocess(error)
    }
}

impl From<PostprocessError> for PipelineError {
    fn from(error: PostprocessError) -> Self {
        PipelineError::Postprocess(error)
    }
}
