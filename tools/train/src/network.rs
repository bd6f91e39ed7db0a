//! A network in training: the compiler's own float graph, with batch normalization beside it.
//!
//! Weights live in the graph, in the compiler's layout, as plain numbers. So a model comes from `ocelli convert`'s
//! importers and goes back without loss, pruning and clustering change the numbers where they stand, and a
//! checkpoint is their bytes. burn sees them as leaves of each step's graph ([`crate::pass`]).

use std::collections::BTreeMap;

use ocelli_compiler::fold::{drop_unused, fold};
use ocelli_compiler::graph::{Data, Element, Graph, Node, Op, TensorId};

use crate::error::TrainError;
use crate::random::Random;

mod norm;

pub(crate) use norm::EPSILON;
pub use norm::Norm;

/// A graph whose constants are trained.
#[derive(Clone, Debug)]
pub struct Network {
    /// The real-valued function. Its axes of images begin with 1; training puts the batch there.
    pub graph: Graph,
    /// Batch normalization behind convolutions, by node; folded into their weights before anything leaves here.
    pub norms: BTreeMap<usize, Norm>,
}

/// A group of numbers that an optimiser moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// For messages and the log.
    pub name: String,
    /// Where its numbers are.
    pub place: Place,
    /// What they do.
    pub role: Role,
    /// The node that reads it.
    pub node: usize,
}

/// Where numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a constant of the graph.
    Constant(TensorId),
    /// The gains of the normalization behind a node.
    Gain(usize),
    /// The offsets of the normalization behind a node.
    Offset(usize),
}

/// What numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Multiplied with what a layer reads; regularization, pruning and clustering are for these.
    Weights,
    /// Everything else: biases, gains, offsets, slopes.
    Other,
}

impl Network {
    /// Makes an imported or built graph trainable.
    ///
    /// # Errors
    /// [`TrainError::Model`] when it is quantized, has several inputs, or nothing to train.
    pub fn new(mut graph: Graph) -> Result<Network, TrainError> {
        fold(&mut graph);
        let refused = |model: &Graph, problem: &str| {
            Err(TrainError::Model { model: model.name.clone(), problem: problem.into() })
        };
        if graph.tensors.iter().any(|tensor| tensor.quantization.is_some()) {
            return refused(&graph, "it is quantized already; train its float form");
        }
        if graph.inputs.len() != 1 || graph.tensors[graph.inputs[0]].element != Element::F32 {
            return refused(&graph, "it has not one float input");
        }
        let network = Network { graph, norms: BTreeMap::new() };
        match network.parameters().is_empty() {
            true => refused(&network.graph, "no node of it has weights that are float constants"),
            false => Ok(network),
        }
    }

    /// Everything that is trained, in a fixed order.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut seen = vec![false; self.graph.tensors.len()];
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let norm = self.norms.contains_key(&index);
            for (role, id) in trained(node) {
                let tensor = &self.graph.tensors[id];
                let is_taken_over = norm && role == Role::Other;
                if tensor.floats().is_none() || is_taken_over || std::mem::replace(&mut seen[id], true) {
                    continue;
                }
                parameters.push(Parameter {
                    name: tensor.name.clone(),
                    place: Place::Constant(id),
                    role,
                    node: index,
                });
            }
            if norm {
                for (what, place) in [("gain", Place::Gain(index)), ("offset", Place::Offset(index))] {
                    let name = format!("{}/{what}", node.name);
                    parameters.push(Parameter { name, place, role: Role::Other, node: index });
                }
            }
        }
        parameters
    }

    /// The numbers of a parameter.
    pub fn values(&self, place: Place) -> &[f32] {
        match place {
            Place::Constant(id) => self.graph.tensors[id].floats().unwrap_or_default(),
            Place::Gain(node) => &self.norms[&node].gain,
            Place::Offset(node) => &self.norms[&node].offset,
        }
    }

    /// As [`Network::values`], to change.
    pub fn values_mut(&mut self, place: Place) -> &mut [f32] {
        match place {
            Place::Constant(id) => match &mut self.graph.tensors[id].data {
                Some(Data::F32(values)) => values,
                _ => &mut [],
            },
            Place::Gain(node) => self.norms.get_mut(&node).map_or(&mut [], |norm| &mut norm.gain),
            Place::Offset(node) => self.norms.get_mut(&node).map_or(&mut [], |norm| &mut norm.offset),
        }
    }

    /// How many numbers are trained.
    pub fn count(&self) -> usize {
        self.parameters().iter().map(|parameter| self.values(parameter.place).len()).sum()
    }

    /// Forgets what was learned: weights drawn as for a family, normalization behind every convolution.
    pub fn draw(&mut self, seed: u64) {
        let mut random = Random::of(seed, &[REDRAWN]);
        for parameter in self.parameters() {
            let node = &self.graph.nodes[parameter.node];
            if !node.op.is_weighted() {
                continue;
            }
            let is_conv = matches!(node.op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. });
            let channels = self.graph.tensors[node.outputs[0]].shape.last().copied().unwrap_or(1);
            let is_weights = parameter.role == Role::Weights;
            let values = self.values_mut(parameter.place);
            let deviation = (2.0 * channels as f32 / values.len().max(1) as f32).sqrt();
            let mut draw = || if is_weights { deviation * random.normal() } else { 0.0 };
            values.iter_mut().for_each(|value| *value = draw());
            if is_weights && is_conv {
                self.norms.insert(parameter.node, Norm::identity(channels));
            }
        }
    }

    /// How many neighbours in memory share a place of a layer's filter: the input channels that it reads.
    pub fn channels_read(&self, node: usize) -> usize {
        let weights = &self.graph.tensors[self.graph.nodes[node].inputs[1]];
        match self.graph.nodes[node].op {
            // One input channel for each output, which are the neighbours.
            Op::DepthwiseConv2d { .. } => 1,
            _ => weights.shape.last().copied().unwrap_or(1),
        }
    }

    /// The plain graph: normalization folded into the weights that it follows.
    pub fn folded(&self) -> Graph {
        let mut graph = self.graph.clone();
        for (&node, norm) in &self.norms {
            norm.fold_into(&mut graph, node);
        }
        drop_unused(&mut graph);
        graph
    }

    /// Folds the normalization away, for good.
    pub fn fold_norms(&mut self) {
        for (node, norm) in std::mem::take(&mut self.norms) {
            norm.fold_into(&mut self.graph, node);
        }
    }

    /// The tensor whose numbers are logits: the output, or what a last softmax reads.
    pub fn logits(&self) -> TensorId {
        let output = self.graph.outputs[0];
        let producer = self.graph.nodes.iter().find(|node| node.outputs.contains(&output));
        match producer {
            Some(Node { op: Op::Softmax { .. }, inputs, .. }) => inputs[0],
            _ => output,
        }
    }

    /// Height, width and channels of the picture that it looks at.
    ///
    /// # Errors
    /// [`TrainError::Model`] when its input is no picture.
    pub fn picture(&self) -> Result<[usize; 3], TrainError> {
        let tensor = &self.graph.tensors[self.graph.inputs[0]];
        match tensor.shape[..] {
            [1, height, width, channels] => Ok([height, width, channels]),
            _ => Err(TrainError::Model {
                model: self.graph.name.clone(),
                problem: format!(
                    "its input {:?} of shape {:?} is no picture [1, H, W, C]",
                    tensor.name, tensor.shape
                ),
            }),
        }
    }
}

/// What weights are drawn for, apart from those of families.
const REDRAWN: u64 = 6;

/// The operands of a node that training moves.
fn trained(node: &Node) -> impl Iterator<Item = (Role, TensorId)> {
    let is_weighted = matches!(
        node.op,
        Op::Conv2d { .. }
            | Op::DepthwiseConv2d { .. }
            | Op::TransposeConv2d { .. }
            | Op::FullyConnected { .. }
    );
    let others = matches!(
        node.op,
        Op::Add { .. } | Op::Mul { .. } | Op::Binary { .. } | Op::Prelu | Op::Normalize { .. }
    );
    node.inputs.iter().enumerate().filter_map(move |(position, &id)| match position {
        1 if is_weighted => Some((Role::Weights, id)),
        2 if is_weighted => Some((Role::Other, id)),
        _ if others => Some((Role::Other, id)),
        _ => None,
    })
}
