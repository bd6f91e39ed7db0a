//! Factors and offsets by channel move into the weights and bias before them: batch normalization,
//! which importers state as a multiplication and an addition of constants.

use super::{Uses, remove_nodes};
use crate::graph::{Activation, Data, Element, Graph, Op, Tensor, TensorId};

pub(super) fn fold(graph: &mut Graph) -> bool {
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
            if graph.nodes[producer].outputs != [value]
                || !is_linear(&graph.nodes[producer].op)
                || graph.tensors[value].quantization.is_some()
            {
                continue;
            }
            let channels = graph.tensors[value].shape.last().copied().unwrap_or(0);
            let Some(factors) = by_channel(&graph.tensors[constant], channels) else { continue };
            if graph.tensors[output].shape != graph.tensors[value].shape {
                continue;
            }
            let changed = if scales {
                scale_weights(graph, producer, &factors)
            } else {
                shift_bias(graph, producer, &factors)
            };
            if changed {
                graph.nodes[producer].outputs = vec![output];
                set_activation(&mut graph.nodes[producer].op, after);
                removed[index] = true;
                break;
            }
        }
    }
    remove_nodes(graph, &removed)
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
