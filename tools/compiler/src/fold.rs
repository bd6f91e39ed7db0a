//! Folding: what can be computed or merged before quantization, between import and quantize.
//!
//! Every pass keeps the real-valued function of the graph; on quantized tensors only those passes
//! apply that keep every integer as well.

use crate::graph::{Graph, Node, TensorId};

mod activation;
mod batch_norm;
mod common;
mod constants;
mod function;
mod identity;
mod moves;
mod normalize;
mod pad;
mod per_channel;
mod prelu;
mod squares;

pub use constants::dequantized;

/// Folds until nothing changes, then drops what nothing reads.
pub fn fold(graph: &mut Graph) {
    while [
        constants::fold,
        identity::fold,
        common::fold,
        moves::fold,
        batch_norm::fold,
        pad::fold,
        activation::fold,
        prelu::fold,
    ]
    .iter()
    // Every pass runs in every round.
    .fold(false, |changed, pass| pass(graph) | changed)
    {
        drop_unused(graph);
    }
    drop_unused(graph);
}

/// Merges operators into those before them, on float tensors whose scales the source states: what lies between
/// two stated scales becomes one operator.
pub(crate) fn fuse(graph: &mut Graph) {
    while [batch_norm::fold, pad::fold, activation::fold]
        .iter()
        .fold(false, |changed, pass| pass(graph) | changed)
    {
        drop_unused(graph);
    }
    drop_unused(graph);
}

/// Gives a float graph the form that serves integers best, once nobody looks for patterns in it any more:
/// before quantization. Tensors keep their numbers.
pub fn prepare(graph: &mut Graph) {
    if normalize::fold(graph) {
        drop_unread(graph);
    }
    per_channel::fold(graph);
    squares::fold(graph);
    function::fold(graph);
}

/// Removes nodes whose results nothing reads; every tensor stays.
fn drop_unread(graph: &mut Graph) {
    let mut wanted = vec![false; graph.tensors.len()];
    graph.outputs.iter().for_each(|&id| wanted[id] = true);
    let mut removed = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        removed[index] = !node.outputs.iter().any(|&id| wanted[id]);
        if !removed[index] {
            node.inputs.iter().for_each(|&id| wanted[id] = true);
        }
    }
    remove_nodes(graph, &removed);
}

/// Removes nodes whose results nothing reads and tensors that nothing names, and renumbers the rest.
pub fn drop_unused(graph: &mut Graph) {
    let mut wanted = vec![false; graph.tensors.len()];
    for &id in &graph.outputs {
        wanted[id] = true;
    }
    let mut kept: Vec<Node> = Vec::with_capacity(graph.nodes.len());
    for node in graph.nodes.drain(..).rev() {
        if node.outputs.iter().any(|&id| wanted[id]) {
            for &id in node.inputs.iter().chain(&node.outputs) {
                wanted[id] = true;
            }
            kept.push(node);
        }
    }
    kept.reverse();
    graph.nodes = kept;
    for &id in &graph.inputs {
        wanted[id] = true;
    }

    let mut renumbered: Vec<TensorId> = Vec::with_capacity(wanted.len());
    let mut next = 0;
    for &wanted in &wanted {
        renumbered.push(next);
        next += usize::from(wanted);
    }
    let mut position = 0;
    graph.tensors.retain(|_| {
        position += 1;
        wanted[position - 1]
    });
    let ends = graph.inputs.iter_mut().chain(&mut graph.outputs);
    let operands = graph.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().chain(&mut node.outputs));
    for id in ends.chain(operands) {
        *id = renumbered[*id];
    }
}

/// Who computes and who reads each tensor, as the passes need it.
struct Uses {
    /// Index of the node that computes a tensor.
    producer: Vec<Option<usize>>,
    /// How many operands name it; being a graph output counts too.
    readers: Vec<usize>,
}

impl Uses {
    fn of(graph: &Graph) -> Self {
        let mut uses =
            Self { producer: vec![None; graph.tensors.len()], readers: vec![0; graph.tensors.len()] };
        for (index, node) in graph.nodes.iter().enumerate() {
            for &id in &node.outputs {
                uses.producer[id] = Some(index);
            }
            for &id in &node.inputs {
                uses.readers[id] += 1;
            }
        }
        for &id in &graph.outputs {
            uses.readers[id] += 1;
        }
        uses
    }

    /// The node that computes `id` when nothing but one operand reads it.
    fn sole_producer(&self, id: TensorId) -> Option<usize> {
        self.producer[id].filter(|_| self.readers[id] == 1)
    }
}

/// Keeps the nodes whose place in `removed` is false.
fn remove_nodes(graph: &mut Graph, removed: &[bool]) -> bool {
    let mut position = 0;
    graph.nodes.retain(|_| {
        position += 1;
        !removed[position - 1]
    });
    removed.contains(&true)
}
