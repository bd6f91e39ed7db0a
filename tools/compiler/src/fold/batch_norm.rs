//! Factors and offsets by channel move into the weights and bias before them (batch normalization, which importers state
//! as a multiplication and an addition of constants), into one another, and into the layer behind them.

mod ahead;

use super::{Uses, remove_nodes};
use crate::graph::{Activation, Binary, Data, Element, Graph, Op, Tensor, TensorId};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let changed = into_what_is_before(graph);
    ahead::fold(graph) | changed
}

fn into_what_is_before(graph: &mut Graph) -> bool {
    let mut changed = false;
    let uses = Uses::of(graph);
    let mut removed = vec![false; graph.nodes.len()];
    for index in 0..graph.nodes.len() {
        let (scales, after) = match graph.nodes[index].op {
            Op::Mul { activation } => (true, activation),
            Op::Add { activation } => (false, activation),
            _ => continue,
        };
        let &[left, right] = &graph.nodes[index].inputs[..] else { continue };
        let output = graph.nodes[index].outputs[0];
        for (value, constant) in [(left, right), (right, left)] {
            let Some(producer) = uses.sole_producer(value).filter(|&producer| !removed[producer]) else {
                continue;
            };
            // A node that an earlier step of this sweep re-pointed no longer computes `value`.
            if graph.nodes[producer].outputs != [value] || graph.tensors[value].quantization.is_some() {
                continue;
            }
            let channels = graph.tensors[value].shape.last().copied().unwrap_or(0);
            let Some(factors) = by_channel(&graph.tensors[constant], channels) else { continue };
            if graph.tensors[output].shape != graph.tensors[value].shape {
                continue;
            }
            if !is_linear(&graph.nodes[producer].op) {
                match merge(graph, producer, index, constant) {
                    Some(Merged::IntoOne) => removed[index] = true,
                    Some(Merged::Turned) => changed = true,
                    None => continue,
                }
                break;
            }
            let is_taken = if scales {
                scale_weights(graph, producer, &factors)
            } else {
                shift_bias(graph, producer, &factors)
            };
            if is_taken {
                graph.nodes[producer].outputs = vec![output];
                set_activation(&mut graph.nodes[producer].op, after);
                removed[index] = true;
                break;
            }
        }
    }
    remove_nodes(graph, &removed) | changed
}

/// What became of two neighbours.
enum Merged {
    /// The multiplication comes first now.
    Turned,
    /// The first one does both.
    IntoOne,
}

/// Makes one of two factors, one of two offsets, and of an offset before a factor a factor before an offset.
fn merge(graph: &mut Graph, first: usize, second: usize, constant: TensorId) -> Option<Merged> {
    const FACTOR: Op = Op::Mul { activation: Activation::Linear };
    const OFFSET: Op = Op::Add { activation: Activation::Linear };
    let (op, after) = graph.nodes[second].op.as_binary()?;
    let (value, inner) = constant_operand(graph, first)?;
    let between = graph.nodes[first].outputs[0];
    if graph.tensors[value].shape != graph.tensors[between].shape {
        return None;
    }
    let is_turned = match (&graph.nodes[first].op, op) {
        (&FACTOR, Binary::Mul) | (&OFFSET, Binary::Add) => false,
        (&OFFSET, Binary::Mul) => true,
        _ => return None,
    };
    let combine = |inner: f32, outer: f32| if op == Binary::Mul { inner * outer } else { inner + outer };
    let both = joined(graph, inner, constant, combine)?;
    if is_turned {
        graph.nodes[first].op = FACTOR;
        graph.nodes[first].inputs = vec![value, constant];
        graph.nodes[second].op = Op::Add { activation: after };
        graph.nodes[second].inputs = vec![between, both];
        return Some(Merged::Turned);
    }
    graph.nodes[first].op = graph.nodes[second].op.clone();
    graph.nodes[first].inputs = vec![value, both];
    graph.nodes[first].outputs = graph.nodes[second].outputs.clone();
    Some(Merged::IntoOne)
}

/// What a node computes on, and the float constant beside it.
fn constant_operand(graph: &Graph, node: usize) -> Option<(TensorId, TensorId)> {
    let &[left, right] = &graph.nodes[node].inputs[..] else { return None };
    let is_constant = |id: TensorId| graph.tensors[id].floats().is_some();
    [(left, right), (right, left)]
        .into_iter()
        .find(|&(value, constant)| graph.tensors[value].data.is_none() && is_constant(constant))
}

/// Two constants by channel as one; one number stays one.
fn joined(
    graph: &mut Graph,
    inner: TensorId,
    outer: TensorId,
    combine: impl Fn(f32, f32) -> f32,
) -> Option<TensorId> {
    let (inner, outer) = (&graph.tensors[inner], &graph.tensors[outer]);
    let wider = if inner.elements() >= outer.elements() { inner } else { outer };
    let count = wider.elements();
    let (left, right) = (by_channel(inner, count)?, by_channel(outer, count)?);
    let values: Vec<f32> = left.into_iter().zip(right).map(|(inner, outer)| combine(inner, outer)).collect();
    let joined = Tensor { data: Some(Data::F32(values)), ..wider.clone() };
    joined.floats().is_some_and(|values| values.iter().all(|value| value.is_finite())).then(|| {
        graph.tensors.push(joined);
        graph.tensors.len() - 1
    })
}

fn is_linear(op: &Op) -> bool {
    matches!(
        op,
        Op::Conv2d { activation: Activation::Linear, .. }
            | Op::DepthwiseConv2d { activation: Activation::Linear, .. }
            | Op::TransposeConv2d { activation: Activation::Linear, .. }
            | Op::FullyConnected { activation: Activation::Linear }
    )
}

fn set_activation(op: &mut Op, fused: Activation) {
    if let Op::Conv2d { activation, .. }
    | Op::DepthwiseConv2d { activation, .. }
    | Op::TransposeConv2d { activation, .. }
    | Op::FullyConnected { activation } = op
    {
        *activation = fused;
    }
}

/// One number a channel, from a float constant that varies along the innermost axis alone.
fn by_channel(constant: &Tensor, channels: usize) -> Option<Vec<f32>> {
    let values = constant.floats()?;
    match values {
        &[value] => Some(vec![value; channels]),
        values if values.len() == channels && constant.shape.last() == Some(&channels) => {
            Some(values.to_vec())
        }
        _ => None,
    }
}

fn scale_weights(graph: &mut Graph, node: usize, factors: &[f32]) -> bool {
    let weights = graph.nodes[node].inputs[1];
    let channels_last = matches!(graph.nodes[node].op, Op::DepthwiseConv2d { .. });
    // Weights that the source stores as integers keep them.
    let tensor = &graph.tensors[weights];
    let Some(values) = tensor.floats().filter(|_| tensor.quantization.is_none()) else { return false };
    let run = if channels_last { 1 } else { values.len() / factors.len() };
    let scaled: Vec<f32> = values
        .iter()
        .enumerate()
        .map(|(position, value)| value * factors[position / run % factors.len()])
        .collect();
    let bias = match graph.nodes[node].inputs.get(2).map(|&bias| graph.tensors[bias].floats()) {
        None => None,
        Some(None) => return false,
        Some(Some(bias)) => {
            Some(bias.iter().zip(factors).map(|(bias, factor)| bias * factor).collect::<Vec<_>>())
        }
    };
    if !scaled.iter().chain(bias.iter().flatten()).all(|value| value.is_finite()) {
        return false;
    }
    // Copies: other nodes may share the constants.
    graph.nodes[node].inputs[1] = replace(graph, weights, scaled);
    if let Some(bias) = bias {
        graph.nodes[node].inputs[2] = replace(graph, graph.nodes[node].inputs[2], bias);
    }
    true
}

fn shift_bias(graph: &mut Graph, node: usize, offsets: &[f32]) -> bool {
    if graph.tensors[graph.nodes[node].inputs[1]].element != Element::F32 {
        return false;
    }
    let Some(&bias) = graph.nodes[node].inputs.get(2) else {
        let name = format!("{}/bias", graph.nodes[node].name);
        graph.tensors.push(Tensor {
            name,
            shape: vec![offsets.len()],
            quantization: None,
            element: Element::F32,
            data: Some(Data::F32(offsets.to_vec())),
        });
        graph.nodes[node].inputs.push(graph.tensors.len() - 1);
        return true;
    };
    let Some(values) = graph.tensors[bias].floats() else { return false };
    let shifted = values.iter().zip(offsets).map(|(value, offset)| value + offset).collect();
    graph.nodes[node].inputs[2] = replace(graph, bias, shifted);
    true
}

fn replace(graph: &mut Graph, id: TensorId, values: Vec<f32>) -> TensorId {
    let tensor = Tensor { data: Some(Data::F32(values)), ..graph.tensors[id].clone() };
    graph.tensors.push(tensor);
    graph.tensors.len() - 1
}
