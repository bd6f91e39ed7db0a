//! One pass through a network in burn: the forward computation of a batch, from which burn derives the gradients.
//!
//! Every activation is a `Tensor<4>` of `[N, C, H, W]`, as burn's convolutions want it, whatever its rank in the
//! graph: `[N, F]` is `[N, F, 1, 1]`, `[N, A, K]` is `[N, K, 1, A]`. The graph's first axis, 1, becomes the batch.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_compiler::graph::{Activation, Graph, Node, Op, TensorId, Unary};

use crate::error::TrainError;
use crate::network::{Network, Parameter, Place};
use crate::random::Random;

mod axes;
mod elementwise;
mod moves;
mod windows;

pub(crate) use axes::{from_rows, to_rows};

/// Numbers of the network as burn's leaves, flat and in the order of [`Network::parameters`].
pub struct Leaves {
    places: Vec<Place>,
    /// The leaves.
    pub tensors: Vec<Tensor<1>>,
}

/// What a pass does besides computing.
#[derive(Default)]
pub struct Options<'a> {
    /// Normalization takes the batch's statistics, not the running ones.
    pub batch_statistics: bool,
    /// Part of what a fully connected layer reads that is left out, and what chance draws it from.
    pub dropout: Option<(f32, Random)>,
    /// What activations really are, where integers have been computed: those numbers go on, and gradients pass as
    /// if rounding were not there.
    pub exact: Option<&'a dyn Fn(TensorId) -> Option<Exact>>,
}

/// Integers of an activation as real numbers.
pub struct Exact {
    /// In rows of the graph's own layout, the whole batch.
    pub values: Vec<f32>,
    /// The least and the largest number that the tensor can hold.
    pub range: [f32; 2],
}

/// What a pass computed.
pub struct Outcome {
    activations: Vec<Option<Tensor<4>>>,
    /// Mean and variance of the batch, by node with normalization.
    pub statistics: Vec<(usize, Tensor<1>, Tensor<1>)>,
}

impl Leaves {
    /// The network's numbers on a device that records gradients.
    pub fn new(network: &Network, parameters: &[Parameter], device: &Device) -> Leaves {
        let mut leaves = Leaves::fixed(network, parameters, device);
        leaves.tensors = leaves.tensors.into_iter().map(Tensor::require_grad).collect();
        leaves
    }

    /// The network's numbers, without gradients.
    pub fn fixed(network: &Network, parameters: &[Parameter], device: &Device) -> Leaves {
        let leaf = |parameter: &Parameter| {
            let values = network.values(parameter.place).to_vec();
            let length = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [length]), device)
        };
        Leaves {
            places: parameters.iter().map(|parameter| parameter.place).collect(),
            tensors: parameters.iter().map(leaf).collect(),
        }
    }

    fn find(&self, place: Place) -> Option<Tensor<1>> {
        self.places.iter().position(|&other| other == place).map(|index| self.tensors[index].clone())
    }
}

impl Outcome {
    /// An activation; `None` for tensors that nothing computed.
    pub fn activation(&self, id: TensorId) -> Option<Tensor<4>> {
        self.activations[id].clone()
    }
}

/// A pass under way.
struct Pass<'a> {
    network: &'a Network,
    leaves: &'a Leaves,
    options: &'a mut Options<'a>,
    device: Device,
    batch: usize,
    activations: Vec<Option<Tensor<4>>>,
    statistics: Vec<(usize, Tensor<1>, Tensor<1>)>,
}

/// Computes the activations of a batch. `input` is `[N, C, H, W]`.
///
/// # Errors
/// [`TrainError::Node`] for an operator without a form here.
pub fn forward<'a>(
    network: &'a Network,
    leaves: &'a Leaves,
    input: Tensor<4>,
    options: &'a mut Options<'a>,
) -> Result<Outcome, TrainError> {
    let device = input.device();
    let mut activations = vec![None; network.graph.tensors.len()];
    let batch = input.dims()[0];
    activations[network.graph.inputs[0]] = Some(input);
    let mut pass = Pass { network, leaves, options, device, batch, activations, statistics: Vec::new() };
    for (index, node) in network.graph.nodes.iter().enumerate() {
        let result = pass.node(index, node)?;
        let result = pass.as_integers(node.outputs[0], result);
        pass.activations[node.outputs[0]] = Some(result);
    }
    Ok(Outcome { activations: pass.activations, statistics: pass.statistics })
}

impl Pass<'_> {
    fn graph(&self) -> &Graph {
        &self.network.graph
    }

    fn refused(node: &Node, problem: impl Into<String>) -> TrainError {
        TrainError::Node { node: node.name.clone(), operator: node.op.name(), problem: problem.into() }
    }

    /// The flat numbers of a constant, as a leaf where it is trained.
    fn constant(&self, id: TensorId) -> Option<Tensor<1>> {
        self.leaves.find(Place::Constant(id)).or_else(|| {
            let values = self.graph().tensors[id].floats()?.to_vec();
            let length = values.len();
            Some(Tensor::from_data(TensorData::new(values, [length]), &self.device))
        })
    }

    /// An operand: an activation, or a constant that broadcasts to one.
    fn operand(&self, node: &Node, id: TensorId) -> Result<Tensor<4>, TrainError> {
        if let Some(activation) = &self.activations[id] {
            return Ok(activation.clone());
        }
        let shape = &self.graph().tensors[id].shape;
        let values = self.constant(id).ok_or_else(|| Pass::refused(node, "an operand is no float"))?;
        let padded = axes::constant_shape(shape).ok_or_else(|| {
            Pass::refused(node, format!("a constant has shape {shape:?}; at most 4 axes serve"))
        })?;
        Ok(values.reshape(padded).permute([0, 3, 1, 2]))
    }

    fn first(&self, node: &Node) -> Result<Tensor<4>, TrainError> {
        self.operand(node, node.inputs[0])
    }

    /// Replaces what burn computed by what the integers are; gradients pass where they did not saturate.
    fn as_integers(&self, id: TensorId, computed: Tensor<4>) -> Tensor<4> {
        let Some(exact) = self.options.exact.and_then(|exact| exact(id)) else { return computed };
        let [low, high] = exact.range;
        let held = computed.clamp(low, high);
        let rows = TensorData::new(exact.values, axes::batched(&self.graph().tensors[id].shape, self.batch));
        let exact = Tensor::<4>::from_data(rows, &self.device).permute([0, 3, 1, 2]);
        let rounding = exact - held.clone().detach();
        held + rounding.detach()
    }

    fn node(&mut self, index: usize, node: &Node) -> Result<Tensor<4>, TrainError> {
        match &node.op {
            Op::Conv2d { window, groups, activation } => {
                self.conv_2d(index, node, window, *groups, false).map(|result| activate(result, *activation))
            }
            Op::DepthwiseConv2d { window, activation, .. } => {
                let groups = self.first(node)?.dims()[1];
                self.conv_2d(index, node, window, groups, true).map(|result| activate(result, *activation))
            }
            Op::TransposeConv2d { window, activation } => {
                self.transpose_conv_2d(node, window).map(|result| activate(result, *activation))
            }
            Op::FullyConnected { activation } => {
                self.fully_connected(node).map(|result| activate(result, *activation))
            }
            Op::AveragePool2d { window, activation } => {
                self.pool(node, window, false).map(|result| activate(result, *activation))
            }
            Op::MaxPool2d { window, activation } => {
                self.pool(node, window, true).map(|result| activate(result, *activation))
            }
            Op::Mean => {
                let mean = self.first(node)?.mean_dims(&[2, 3]);
                self.reshaped(node, mean)
            }
            Op::Softmax { beta } => {
                let logits = self.first(node)?.mul_scalar(*beta);
                Ok(burn::tensor::activation::softmax(logits, 1))
            }
            Op::Unary(unary) => elementwise::unary(*unary, self.first(node)?)
                .ok_or_else(|| Pass::refused(node, "burn has no gradient of it")),
            Op::Function(function) => elementwise::function(function, &self.first(node)?)
                .ok_or_else(|| Pass::refused(node, "burn has no gradient of it")),
            Op::Prelu => self.prelu(node),
            op => match op.as_binary() {
                Some((binary, activation)) => {
                    let (left, right) =
                        (self.operand(node, node.inputs[0])?, self.operand(node, node.inputs[1])?);
                    elementwise::binary(binary, left, right)
                        .map(|result| activate(result, activation))
                        .ok_or_else(|| Pass::refused(node, "burn has no gradient of it"))
                }
                None => self.moved(node),
            },
        }
    }

    fn prelu(&self, node: &Node) -> Result<Tensor<4>, TrainError> {
        let input = self.first(node)?;
        let slopes = self.operand(node, node.inputs[1])?;
        Ok(input.clone().clamp_min(0.0) + input.clamp_max(0.0) * slopes)
    }
}

/// A fused activation.
fn activate(result: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation.as_unary() {
        None => result,
        Some(Unary::Relu) => burn::tensor::activation::relu(result),
        Some(Unary::Relu6) => result.clamp(0.0, 6.0),
        Some(_) => result.clamp(-1.0, 1.0),
    }
}
