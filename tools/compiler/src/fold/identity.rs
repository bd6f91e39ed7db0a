//! Nodes that hand on what they get: reshapes to the same shape, chains of reshapes, empty padding,
//! requantization between equal types.

use super::{Uses, remove_nodes};
use crate::graph::{Graph, Op, TensorId, Unary};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let joined = join_reshapes(graph);
    let uses = Uses::of(graph);
    let mut removed = vec![false; graph.nodes.len()];
    // Where readers of a tensor find the same values.
    let mut instead: Vec<TensorId> = (0..graph.tensors.len()).collect();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (&[input], &[output]) = (&node.inputs[..], &node.outputs[..]) else { continue };
        let (from, to) = (&graph.tensors[input], &graph.tensors[output]);
        let same =
            from.shape == to.shape && from.element == to.element && from.quantization == to.quantization;
        let passes_on = match &node.op {
            Op::Reshape | Op::Unary(Unary::Requantize) => same,
            Op::Pad { before, after, .. } => same && before.iter().chain(after).all(|&count| count == 0),
            _ => false,
        };
        if !passes_on {
            continue;
        }
        let input = instead[input];
        if !graph.outputs.contains(&output) {
            instead[output] = input;
            removed[index] = true;
        } else if let Some(producer) =
            uses.producer[input].filter(|&p| !removed[p] && uses.readers[input] == 1)
        {
            // The one who computed the input computes the graph's output instead.
            for id in &mut graph.nodes[producer].outputs {
                if *id == input {
                    *id = output;
                }
            }
            removed[index] = true;
        }
    }
    for id in graph.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
        *id = instead[*id];
    }
    remove_nodes(graph, &removed) | joined
}

/// A reshape of a reshape reads the first one's input.
fn join_reshapes(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        if graph.nodes[index].op != Op::Reshape {
            continue;
        }
        let input = graph.nodes[index].inputs[0];
        if let Some(producer) =
            uses.producer[input].filter(|&producer| graph.nodes[producer].op == Op::Reshape)
        {
            graph.nodes[index].inputs[0] = graph.nodes[producer].inputs[0];
            changed = true;
        }
    }
    changed
}
