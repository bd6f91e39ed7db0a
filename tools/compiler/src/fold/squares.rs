//! Sums of squares become products of a tensor with itself: the device adds such products up exactly and rounds once,
//! where a table would round every square.

use super::{Uses, remove_nodes};
use crate::check::reduced_view;
use crate::graph::{Graph, Node, Op, Reduction, Tensor, TensorId, Unary};

/// Squares that fit a sum of 31 bits.
const MOST: usize = 1 << 15;

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut removed = vec![false; graph.nodes.len()];
    let mut made: Vec<(usize, Vec<Node>)> = Vec::new();
    for index in 0..graph.nodes.len() {
        let Op::Reduce { reduction: Reduction::Sum, ref axes } = graph.nodes[index].op else { continue };
        let squares = graph.nodes[index].inputs[0];
        let Some(producer) = uses.sole_producer(squares) else { continue };
        let value = graph.nodes[producer].inputs[0];
        let is_square = graph.nodes[producer].op == Op::Unary(Unary::Square);
        if !is_square || graph.tensors[value].data.is_some() {
            continue;
        }
        let Some([outer, count, inner]) = reduced_view(&graph.tensors[squares].shape, axes) else { continue };
        if count > MOST {
            continue;
        }
        let name = graph.nodes[index].name.clone();
        let mut nodes = Vec::new();
        let mut then = |what: &str, op: Op, inputs: &[TensorId], shape: [usize; 3]| {
            let like = &graph.tensors[squares];
            let result = Tensor { name: format!("{name}/{what}"), shape: shape.to_vec(), ..like.clone() };
            graph.tensors.push(result);
            let (inputs, outputs) = (inputs.to_vec(), vec![graph.tensors.len() - 1]);
            nodes.push(Node { name: format!("{name}/{what}"), op, inputs, outputs });
            graph.tensors.len() - 1
        };
        let mut from = value;
        if inner > 1 {
            from = then("view", Op::Reshape, &[from], [outer, count, inner]);
            from = then("turned", Op::Transpose { order: vec![0, 2, 1] }, &[from], [outer, inner, count]);
        }
        let rows = then("rows", Op::Reshape, &[from], [outer * inner, 1, count]);
        let product = Op::BatchMatmul { right_transposed: true };
        let sums = then("sums", product, &[rows, rows], [outer * inner, 1, 1]);
        removed[producer] = true;
        graph.nodes[index].op = Op::Reshape;
        graph.nodes[index].inputs = vec![sums];
        made.push((index, nodes));
    }
    let changed = !made.is_empty();
    for (index, nodes) in made.into_iter().rev() {
        graph.nodes.splice(index..index, nodes.iter().cloned());
        removed.splice(index..index, nodes.iter().map(|_| false));
    }
    remove_nodes(graph, &removed) | changed
}
