//! Layer by layer: what an artefact computes on one input beside what its source model means, and the first
//! layer that parts from it.
//!
//! Tensors are matched by name, because every step of the compiler keeps names. Errors add up from layer to
//! layer, so a layer is judged by its *own* error: the source's operators run in tract on the very numbers
//! that the artefact's layer read. Two things then show a fault, each where it is and not behind it:
//!
//! - A source that came quantized is converted anew: constants and numbers must be equal. Channels that no
//!   output depends on may be gone from the artefact; their numbers are those of the source's own conversion.
//! - A float source is held against the artefact's weights, channel by channel (`diff/weights.rs`), and own errors
//!   against what rounding explains (`diff/noise.rs`).

mod exact;
mod factor;
mod layer;
mod noise;
mod source;
mod values;
mod weights;

use ocelli_format::Artefact;
use ocelli_format::model::Model;
use serde::Serialize;

use crate::convert::ConvertError;
use crate::execute::ExecuteError;
use crate::oracle::{Observer, OracleError};

pub use source::Source;

use layer::Layers;
use values::Values;

/// An artefact beside its source, on one input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The source's file.
    pub source: String,
    /// Whether the source came quantized, so that every number must be equal.
    pub is_exact: bool,
    /// Every operator of the artefact, in its order.
    pub layers: Vec<LayerDifference>,
    /// Index of the first layer with a fault.
    pub first: Option<usize>,
}

/// A layer beside its source.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LayerDifference {
    /// Its name.
    pub name: String,
    /// Kind of operator.
    pub operator: String,
    /// The tensor that it computes, by which it was matched.
    pub tensor: String,
    /// Signal to noise against float from the model's input on, in decibels; `None` where nothing of the
    /// source could be matched, and where the two are equal.
    pub sqnr_db: Option<f64>,
    /// Largest error against float from the model's input on, in steps of the tensor's scale.
    pub max_error_steps: Option<f64>,
    /// Largest error of this layer alone, in steps.
    pub own_error_steps: Option<f64>,
    /// Root mean square of its own error over what rounding explains, in the channel where that is most.
    pub own_over_rounding: Option<f64>,
    /// Why nothing of the source could be matched.
    pub unmatched: Option<String>,
    /// What cannot be right.
    pub fault: Option<Fault>,
}

/// What cannot be right in a layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fault {
    /// A constant that is not what the source makes it.
    pub constant: Option<ConstantFault>,
    /// Numbers that are not what the source makes them.
    pub numbers: Option<NumberFault>,
}

/// A constant that is not what the source makes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConstantFault {
    /// Name of the tensor.
    pub tensor: String,
    /// Position of the worst value in row-major order.
    pub position: usize,
    /// What stands there.
    pub found: f64,
    /// What the source makes of it, in the same unit.
    pub expected: f64,
    /// How many values are wrong.
    pub count: usize,
}

/// Numbers that are not what the source makes them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumberFault {
    /// How many are wrong, or belong to a channel that is noisier than rounding explains.
    pub count: usize,
    /// How many there are.
    pub of: usize,
    /// Largest error in steps of the tensor's scale.
    pub steps: f64,
    /// The channel where it is worst.
    pub channel: usize,
}

/// Why two models cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// The source cannot be read or converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// The artefact does not run on the host.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// tract does not run the source.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// The inputs are others than the source's.
    #[error(
        "the artefact has inputs {found:?} and {source_file} has {expected:?}; give the file that the artefact was made of"
    )]
    Inputs {
        /// The source's file.
        source_file: String,
        /// Elements of each input of the source.
        expected: Vec<usize>,
        /// Elements of each input of the artefact.
        found: Vec<usize>,
    },
    /// No tensor has a name that the source knows.
    #[error(
        "no layer of the artefact bears a name of {source_file}; give the file that the artefact was made of, and an artefact that was not stripped of names"
    )]
    Unrelated {
        /// The source's file.
        source_file: String,
    },
}

/// Own errors up to so many times what rounding explains are rounding.
pub const ROUNDING_LIMIT: f64 = 3.0;

/// Compares an artefact with its source on `inputs`, the stored numbers of every input in order.
///
/// # Errors
/// [`DiffError`].
pub fn diff(source: &Source, artefact: &Artefact<'_>, inputs: &[Vec<i8>]) -> Result<Difference, DiffError> {
    let model = Model::from_artefact(artefact);
    let graph = &source.graph;
    let expected: Vec<usize> = graph.inputs.iter().map(|&id| graph.tensors[id].elements()).collect();
    let found: Vec<usize> = inputs.iter().map(Vec::len).collect();
    if expected != found {
        return Err(DiffError::Inputs { source_file: source.file.clone(), expected, found });
    }
    let values = Values::of(&model, inputs)?;
    let real_inputs: Vec<Vec<f32>> = (0..inputs.len())
        .map(|index| match source.is_exact() {
            true => values.real(&model, model.inputs[index]),
            false => values.real_input(&model, index),
        })
        .collect();
    let floats = Observer::new(graph)?.run_all(&real_inputs)?;
    let exact = match &source.converted {
        Some(converted) => Some(exact::Exact::of(converted, &model, inputs)?),
        None => None,
    };

    let mut layers = Layers::new(source, exact.as_ref(), &model, &values, real_inputs);
    let mut differences = Vec::with_capacity(model.operators.len());
    for operator in &model.operators {
        let mut difference = layers.compare(operator, &floats)?;
        if let Some(exact) = &exact {
            difference.fault = exact.fault(&model, operator, &values);
        }
        differences.push(difference);
    }
    if differences.iter().all(|layer| layer.unmatched.is_some()) {
        return Err(DiffError::Unrelated { source_file: source.file.clone() });
    }
    Ok(Difference {
        source: source.file.clone(),
        is_exact: source.is_exact(),
        first: differences.iter().position(|layer| layer.fault.is_some()),
        layers: differences,
    })
}
