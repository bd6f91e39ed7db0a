//! The float oracle: a graph's real-valued function, run in tract. Calibration, layer-by-layer
//! comparison and the float side of every accuracy figure come from here.
//!
//! Quantized tensors count with the real values that they stand for, clamped to the range that their
//! type can hold and not rounded, so the same oracle answers for float and for quantized graphs.

use std::collections::BTreeSet;
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

/// A graph made ready to run on floats. Its constants are held once more, packed for tract's kernels.
pub struct Oracle {
    plan: Plan,
    shapes: Vec<Vec<usize>>,
}

/// A graph made ready to run on floats with everything that lies between input and output.
pub struct Observer {
    oracle: Oracle,
    /// Tensors in the order of the plan's results.
    activations: Vec<TensorId>,
    outputs: Vec<TensorId>,
    tensors: usize,
    /// Of all activations together.
    numbers: usize,
}

impl Observer {
    /// Translates the graph, as [`Oracle::new`].
    pub fn new(graph: &Graph) -> Result<Self, OracleError> {
        let computed = graph.nodes.iter().flat_map(|node| &node.outputs).chain(&graph.inputs);
        let activations: Vec<TensorId> = computed.copied().collect::<BTreeSet<_>>().into_iter().collect();
        let oracle = Oracle::of(graph, &activations)?;
        let numbers = activations.iter().map(|&id| graph.tensors[id].elements()).sum();
        Ok(Self {
            oracle,
            activations,
            outputs: graph.outputs.clone(),
            tensors: graph.tensors.len(),
            numbers,
        })
    }

    /// How many runs may go side by side, so that what they hold does not outgrow a model's size by much: so many
    /// numbers for each of an activation.
    pub(crate) fn threads(&self, copies: usize) -> usize {
        const HELD: usize = 96 << 20;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        cores.min(HELD / (size_of::<f32>() * copies * self.numbers).max(1)).max(1)
    }

    /// The outputs for these inputs, both in the graph's order.
    pub fn run(&self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, OracleError> {
        let all = self.run_all(inputs)?;
        Ok(self.outputs.iter().map(|&id| all[id].clone().unwrap_or_default()).collect())
    }

    /// Every activation, inputs and outputs among them, by tensor id; `None` for constants.
    pub fn run_all(&self, inputs: &[Vec<f32>]) -> Result<Vec<Option<Vec<f32>>>, OracleError> {
        let mut by_tensor = vec![None; self.tensors];
        for (&id, values) in self.activations.iter().zip(self.oracle.run(inputs)?) {
            by_tensor[id] = Some(values);
        }
        Ok(by_tensor)
    }
}

impl Oracle {
    /// Translates the graph. Inputs and outputs are real numbers in row-major order, images `[N, H, W, C]`.
    pub fn new(graph: &Graph) -> Result<Self, OracleError> {
        Self::of(graph, &graph.outputs)
    }

    /// With these tensors as outputs.
    fn of(graph: &Graph, wanted: &[TensorId]) -> Result<Self, OracleError> {
        check(graph).map_err(OracleError::Graph)?;
        let (model, outlets) = wire::build(graph)?;
        let chosen: Vec<OutletId> = wanted.iter().filter_map(|&id| outlets[id]).collect();
        let shapes = graph.inputs.iter().map(|&id| graph.tensors[id].shape.clone()).collect();
        Ok(Self { plan: plan(model, &chosen)?, shapes })
    }

    /// The outputs for these inputs, both in the graph's order.
    pub fn run(&self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, OracleError> {
        run(&self.plan, self.pack(inputs)?)
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
    // One by one, so that all activations of a large model are not held twice.
    results
        .into_iter()
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
