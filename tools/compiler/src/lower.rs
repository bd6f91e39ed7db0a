//! A quantized graph becomes an artefact's model: after `quantize` (or a TFLite int8 import), before `plan`.
//!
//! Everything that the device must not derive is worked out here: factors and shifts, clamp bounds,
//! tables of unary operators, zero biases. The numbers are those of TFLite Micro, bit for bit, so
//! that it stays an independent oracle. What could overflow an int32 accumulator is refused.

mod builder;
mod elementwise;
mod factor;
mod moving;
mod power;
mod reduce;
mod table;
mod weighted;

use std::collections::BTreeMap;

use ocelli_format::model::{Model, TensorId};

use crate::graph::{self, Binary, Graph, Op};
use builder::Builder;

/// A model without schedules and contracts, and where each tensor of the graph went.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The model; `plan` adds its schedule.
    pub model: Model,
    /// For every tensor of the graph its place in the model, if it has one there.
    pub tensors: Vec<Option<TensorId>>,
    /// Channels that stay of tensors that lose some, by the tensors' names.
    pub kept_channels: KeptChannels,
}

/// Channels, rising, by the name of their tensor.
pub type KeptChannels = BTreeMap<String, Vec<usize>>;

/// Why a graph has no form on the device.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LowerError {
    /// Nothing to compute.
    #[error(
        "model {model:?} has no operators; check that the file is the trained model and not only its weights"
    )]
    Empty {
        /// Name of the model.
        model: String,
    },
    /// More than the format can number.
    #[error("model {model:?} has {count} {what}; an artefact holds at most 65535")]
    TooMany {
        /// Name of the model.
        model: String,
        /// Tensors or operators.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// A float tensor reached `lower`.
    #[error(
        "tensor {tensor:?} of node {node:?} is not int8; quantize the model first (`--calibration <folder of images>`)"
    )]
    NotQuantized {
        /// Name of the node.
        node: String,
        /// Name of the tensor.
        tensor: String,
    },
    /// A scale or zero point that stands for nothing.
    #[error("tensor {tensor:?} of node {node:?}: {why}; quantize the model again from its float form")]
    Quantization {
        /// Name of the node.
        node: String,
        /// Name of the tensor.
        tensor: String,
        /// What is wrong.
        why: String,
    },
    /// The ratio of scales fits no factor.
    #[error("node {node:?}: the ratio of its scales fits no fixed-point factor; quantize the model again")]
    Factor {
        /// Name of the node.
        node: String,
    },
    /// A sum could leave 32 bits.
    #[error(
        "node {node:?}, output channel {channel}: sums may reach {bound}, more than its accumulator holds"
    )]
    Accumulator {
        /// Name of the node.
        node: String,
        /// Which output channel.
        channel: usize,
        /// Largest magnitude that may occur.
        bound: i64,
    },
    /// Operands or shapes do not fit the operator.
    #[error("node {node:?} ({operator}): {why}")]
    Operands {
        /// Name of the node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// What does not fit.
        why: String,
    },
}

/// Turns a quantized graph into a model.
///
/// # Errors
/// [`LowerError`], naming the node and the tensor.
pub fn lower(graph: &Graph) -> Result<Lowered, LowerError> {
    if graph.nodes.is_empty() {
        return Err(LowerError::Empty { model: graph.name.clone() });
    }
    let mut builder = Builder::new(graph);
    for &input in &graph.inputs {
        builder.activation("graph input", input)?;
    }
    for node in &graph.nodes {
        lower_node(&mut builder, node)?;
    }
    builder.finish()
}

fn lower_node(builder: &mut Builder<'_>, node: &graph::Node) -> Result<(), LowerError> {
    builder.check_arity(node)?;
    match &node.op {
        Op::Conv2d { window, groups, activation } => {
            weighted::conv_2d(builder, node, window, *groups, *activation)
        }
        Op::DepthwiseConv2d { window, depth_multiplier, activation } => {
            weighted::depthwise_conv_2d(builder, node, window, *depth_multiplier, *activation)
        }
        Op::TransposeConv2d { window, activation } => {
            weighted::transpose_conv_2d(builder, node, window, *activation)
        }
        Op::FullyConnected { activation } => weighted::fully_connected(builder, node, *activation),
        Op::AveragePool2d { window, activation } | Op::MaxPool2d { window, activation } => {
            moving::pool(builder, node, window, *activation)
        }
        Op::Mean => moving::mean(builder, node),
        Op::Add { activation } => elementwise::binary(builder, node, Binary::Add, *activation),
        Op::Mul { activation } => elementwise::binary(builder, node, Binary::Mul, *activation),
        Op::Binary { binary, activation } => elementwise::binary(builder, node, *binary, *activation),
        Op::Concatenate { axis } => moving::concatenate(builder, node, *axis),
        Op::Pad { before, after, value } => moving::pad(builder, node, before, after, *value),
        Op::Reshape | Op::Transpose { .. } | Op::Slice { .. } | Op::Expand => {
            moving::rearrange(builder, node)
        }
        Op::Gather { axis, indices } => moving::gather(builder, node, *axis, indices),
        Op::Interpolate { positions } => moving::interpolate(builder, node, positions),
        Op::ResizeNearest { .. } | Op::ResizeBilinear { .. } => moving::resize(builder, node),
        Op::Softmax { beta } => elementwise::softmax(builder, node, *beta),
        Op::Unary(unary) => elementwise::unary(builder, node, *unary),
        Op::Function(function) => elementwise::function(builder, node, function),
        Op::Prelu => elementwise::prelu(builder, node),
        Op::Reduce { reduction, axes } => reduce::reduce(builder, node, *reduction, axes),
        Op::BatchMatmul { right_transposed } => reduce::batch_matmul(builder, node, *right_transposed),
        &Op::LocalResponseNormalization { before, after, alpha, beta, bias } => {
            let parameters = reduce::LocalResponse { before, after, alpha, beta, bias };
            reduce::local_response_normalization(builder, node, &parameters)
        }
        &Op::Normalize { view, centered, mean, epsilon } => {
            let parameters = reduce::Normalization { view, centered, mean, epsilon };
            reduce::normalize(builder, node, &parameters)
        }
        Op::Select => Err(builder::operands(node, "of several activations has no form on the device".into())),
    }
}

#[cfg(test)]
mod tests;
