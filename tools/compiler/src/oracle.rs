//! The float oracle: a graph's real-valued function, run in tract. Calibration, layer-by-layer
//! comparison and the float side of every accuracy figure come from here.
//!
//! Quantized tensors count with the real values that they stand for, clamped to the range that their
//! type can hold and not rounded, so the same oracle answers for float and for quantized graphs.

use std::sync::Arc;

use tract_core::internal::{TValue, TVec, Tensor as TractTensor, TractResult, tvec};
use tract_core::model::{IntoRunnable, OutletId, TypedModel};
use tract_core::plan::SimplePlan;
use tract_core::prelude::{TypedFact, TypedOp};

use crate::check::check;
use crate::graph::{Graph, TensorId};

mod evaluate;
mod wire;

type Plan = Arc<SimplePlan<TypedFact, Box<dyn TypedOp>>>;

/// Why the oracle cannot answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// The graph breaks a rule of [`crate::check`].
    #[error("not a graph that can be run: {0}")]
    Graph(String),
    /// tract refuses a node or the whole model.
    #[error("tract cannot build {place}: {problem}")]
    Build {
        /// The node, or the step.
        place: String,
        /// What tract says.
        problem: String,
    },
    /// Other inputs than the graph has.
    #[error("input {index}: {expected} numbers expected, {found} given")]
    Input {
        /// Position in [`Graph::inputs`]; the number of inputs when their count is wrong.
        index: usize,
        /// How many numbers the input has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// tract fails while it runs.
    #[error("tract failed: {0}")]
    Run(String),
}

/// A graph made ready to run on floats.
pub struct Oracle {
    outputs: Plan,
    all: Plan,
    shapes: Vec<Vec<usize>>,
    /// Tensors in the order of the results of `all`.
    activations: Vec<TensorId>,
    tensors: usize,
}

impl Oracle {
    /// Translates the graph. Inputs and outputs are real numbers in row-major order, images `[N, H, W, C]`.
    pub fn new(graph: &Graph) -> Result<Self, OracleError> {
        check(graph).map_err(OracleError::Graph)?;
        let (model, outlets) = wire::build(graph)?;
        let activations: Vec<TensorId> = (0..graph.tensors.len())
            .filter(|&id| graph.tensors[id].data.is_none() && outlets[id].is_some())
            .collect();
        let choose =
            |ids: &[TensorId]| -> Vec<OutletId> { ids.iter().filter_map(|&id| outlets[id]).collect() };
        Ok(Self {
            outputs: plan(model.clone(), &choose(&graph.outputs))?,
            all: plan(model, &choose(&activations))?,
            shapes: graph.inputs.iter().map(|&id| graph.tensors[id].shape.clone()).collect(),
            activations,
            tensors: graph.tensors.len(),
        })
    }

    /// The outputs for these inputs, both in the graph's order.
    pub fn run(&self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, OracleError> {
        run(&self.outputs, self.pack(inputs)?)
    }

    /// Every activation, inputs and outputs among them, by tensor id; `None` for constants.
    pub fn run_all(&self, inputs: &[Vec<f32>]) -> Result<Vec<Option<Vec<f32>>>, OracleError> {
        let values = run(&self.all, self.pack(inputs)?)?;
        let mut by_tensor = vec![None; self.tensors];
        for (&id, values) in self.activations.iter().zip(values) {
            by_tensor[id] = Some(values);
        }
        Ok(by_tensor)
    }

    fn pack(&self, inputs: &[Vec<f32>]) -> Result<TVec<TValue>, OracleError> {
        if inputs.len() != self.shapes.len() {
            let (expected, found) = (self.shapes.len(), inputs.len());
            return Err(OracleError::Input { index: expected, expected, found });
        }
        inputs
            .iter()
            .zip(&self.shapes)
            .enumerate()
            .map(|(index, (values, shape))| {
                let expected = shape.iter().product();
                if values.len() != expected {
                    return Err(OracleError::Input { index, expected, found: values.len() });
                }
                TractTensor::from_shape(shape, values)
                    .map(TValue::from)
                    .map_err(|error| OracleError::Run(format!("{error:#}")))
            })
            .collect()
    }
}

fn plan(mut model: TypedModel, outlets: &[OutletId]) -> Result<Plan, OracleError> {
    let build = || -> TractResult<Plan> {
        model.select_output_outlets(outlets)?;
        model.into_optimized()?.into_runnable()
    };
    build().map_err(|error| OracleError::Build {
        place: "the whole graph".into(),
        problem: format!("{error:#}"),
    })
}

fn run(plan: &Plan, inputs: TVec<TValue>) -> Result<Vec<Vec<f32>>, OracleError> {
    let results = plan.run(inputs).map_err(|error| OracleError::Run(format!("{error:#}")))?;
    results
        .iter()
        .map(|value| {
            let view =
                value.to_plain_array_view::<f32>().map_err(|error| OracleError::Run(format!("{error:#}")))?;
            Ok(view.iter().copied().collect())
        })
        .collect()
}

/// A float constant as tract holds it.
fn constant(shape: &[usize], values: &[f32]) -> TractResult<Arc<TractTensor>> {
    TractTensor::from_shape(shape, values).map(Arc::new)
}

/// All ones, as many as a tensor has axes: the shape of a number that broadcasts to it.
fn ones(rank: usize) -> TVec<usize> {
    tvec![1; rank]
}
