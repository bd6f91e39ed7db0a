//! Nodes that compute what another node has computed already: readers of the one read the other's result.
//!
//! Exporters repeat a resize, a transpose or a reshape for every reader; each would cost time and a tensor
//! on the device.

use std::collections::HashMap;

use super::remove_nodes;
use crate::graph::{Graph, Node, TensorId};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let mut removed = vec![false; graph.nodes.len()];
    // Where readers of a tensor find the same values.
    let mut instead: Vec<TensorId> = (0..graph.tensors.len()).collect();
    // Nodes that stay, by what they read first.
    let mut readers: HashMap<TensorId, Vec<usize>> = HashMap::new();
    for (index, removed) in removed.iter_mut().enumerate() {
        for id in &mut graph.nodes[index].inputs {
            *id = instead[*id];
        }
        let node = &graph.nodes[index];
        let (Some(&first), &[output]) = (node.inputs.first(), &node.outputs[..]) else { continue };
        let readers = readers.entry(first).or_default();
        let twin = readers.iter().find(|&&other| is_same(graph, &graph.nodes[other], node));
        match twin {
            // A graph output has to be computed by a node of its own.
            Some(&twin) if !graph.outputs.contains(&output) => {
                instead[output] = graph.nodes[twin].outputs[0];
                *removed = true;
            }
            _ => readers.push(index),
        }
    }
    remove_nodes(graph, &removed)
}

/// Whether two nodes compute the same numbers under the same scale.
fn is_same(graph: &Graph, left: &Node, right: &Node) -> bool {
    let same_constant = |left: TensorId, right: TensorId| {
        let (left, right) = (&graph.tensors[left], &graph.tensors[right]);
        left.data.is_some()
            && left.data == right.data
            && left.shape == right.shape
            && left.quantization == right.quantization
    };
    let same_result = |(&left, &right): (&TensorId, &TensorId)| {
        let (left, right) = (&graph.tensors[left], &graph.tensors[right]);
        left.shape == right.shape && left.element == right.element && left.quantization == right.quantization
    };
    let mut operands = left.inputs.iter().zip(&right.inputs);
    left.op == right.op
        && left.inputs.len() == right.inputs.len()
        && left.outputs.len() == right.outputs.len()
        && operands.all(|(&left, &right)| left == right || same_constant(left, right))
        && left.outputs.iter().zip(&right.outputs).all(same_result)
}
