//! The float side of a model that classifies or segments: its source in tract, on the pixels that the artefact
//! sees.

use std::path::Path;

use ocelli_core::Frame;
use ocelli_format::Artefact;
use ocelli_vision::{ImageInput, PreprocessError, Transform};

use crate::convert::{ConvertError, read_graph};
use crate::float_input::FloatInput;
use crate::oracle::{Oracle, OracleError};
use crate::quantize::InputScaling;

/// A model in tract behind an artefact's input contract.
pub struct FloatModel {
    oracle: Oracle,
    input: FloatInput,
    /// Name and axes of every output.
    outputs: Vec<(String, Vec<usize>)>,
}

/// Why a model cannot look at frames in float.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FloatModelError {
    /// The model cannot be imported.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// tract does not run it.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// The artefact does not say how a frame becomes its input.
    #[error(
        "the artefact does not say how a frame becomes its input; give it a contract with `ocelli convert --contract`"
    )]
    NoContract,
    /// Its input is another one than the artefact's.
    #[error(
        "its inputs have {found:?} numbers and the artefact's picture {expected}; give the artefact's source"
    )]
    Input {
        /// Numbers of the artefact's input.
        expected: usize,
        /// Numbers of each input of the model.
        found: Vec<usize>,
    },
    /// The frame cannot be brought to the model's input.
    #[error("{0}")]
    Preprocess(PreprocessError),
}

impl FloatModel {
    /// Imports a model and gives it the input contract of `artefact`.
    ///
    /// # Errors
    /// [`FloatModelError`].
    pub fn open(path: &Path, artefact: &Artefact<'_>) -> Result<FloatModel, FloatModelError> {
        let contract = artefact.input_contracts().next().ok_or(FloatModelError::NoContract)?;
        let image = ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape())
            .map_err(FloatModelError::Preprocess)?;
        let values = |bits: [u32; 3]| bits[..image.channels()].iter().copied().map(f32::from_bits).collect();
        let scaling =
            InputScaling { mean: values(contract.mean_bits), deviation: values(contract.deviation_bits) };
        let (graph, _) = read_graph(path)?;
        let found: Vec<usize> = graph.inputs.iter().map(|&id| graph.tensors[id].elements()).collect();
        if found != [image.elements()] {
            return Err(FloatModelError::Input { expected: image.elements(), found });
        }
        let output = |&id: &usize| (graph.tensors[id].name.clone(), graph.tensors[id].shape.clone());
        let outputs = graph.outputs.iter().map(output).collect();
        Ok(FloatModel { oracle: Oracle::new(&graph)?, input: FloatInput { image, scaling }, outputs })
    }

    /// Name and axes of every output.
    pub fn outputs(&self) -> &[(String, Vec<usize>)] {
        &self.outputs
    }

    /// The outputs for a frame, and where frame and input lie on each other.
    ///
    /// # Errors
    /// [`FloatModelError::Preprocess`] and [`FloatModelError::Oracle`].
    pub fn run(&self, frame: &Frame<'_>) -> Result<(Vec<Vec<f32>>, Transform), FloatModelError> {
        let (input, transform) = self.input.real(frame).map_err(FloatModelError::Preprocess)?;
        Ok((self.oracle.run(&[input])?, transform))
    }
}
