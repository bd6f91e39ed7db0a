//! Operators that move values: transposes of transposes become one, and what changes no byte or only cuts
//! becomes the plainest operator that does the same.

use super::Uses;
use crate::graph::{Graph, Op};
use crate::moves::{Walk, progression};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let joined = join_transposes(graph);
    simplify(graph) | joined
}

/// A transpose of a transpose reads the first one's input.
fn join_transposes(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Op::Transpose { order } = &graph.nodes[index].op else { continue };
        let Some(before) = uses.producer[graph.nodes[index].inputs[0]] else { continue };
        let Op::Transpose { order: first } = &graph.nodes[before].op else { continue };
        let order = order.iter().map(|&axis| first[axis]).collect();
        let node = (Op::Transpose { order }, graph.nodes[before].inputs.clone());
        (graph.nodes[index].op, graph.nodes[index].inputs) = node;
        changed = true;
    }
    changed
}

/// Transposes that only move axes of extent 1 are reshapes; even lists of places are slices.
fn simplify(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in &mut graph.nodes {
        let (Some(&input), Some(&output)) = (node.inputs.first(), node.outputs.first()) else { continue };
        let (from, to) = (&graph.tensors[input], &graph.tensors[output]);
        let simpler = match &node.op {
            Op::Transpose { .. } | Op::Slice { .. } | Op::Expand
                if from.quantization == to.quantization
                    && from.elements() == to.elements()
                    && Walk::of(&node.op, &from.shape, &to.shape).is_some_and(|walk| walk.stays()) =>
            {
                Op::Reshape
            }
            Op::Gather { axis, indices } => {
                let Some((first, step)) = progression(indices) else { continue };
                let (mut begin, mut steps) = (vec![0; from.shape.len()], vec![1; from.shape.len()]);
                (begin[*axis], steps[*axis]) = (first, step);
                Op::Slice { begin, steps }
            }
            _ => continue,
        };
        node.op = simpler;
        changed = true;
    }
    changed
}

#[cfg(test)]
mod tests {
    use crate::fold::fold;
    use crate::graph::{Element, Graph, Node, Op, Tensor, Unary};

    fn chain(shape: &[usize], ops: Vec<(Op, Vec<usize>)>) -> Graph {
        let tensor = |shape: &[usize]| Tensor {
            name: String::new(),
            shape: shape.into(),
            quantization: None,
            element: Element::F32,
            data: None,
        };
        let mut graph = Graph { tensors: vec![tensor(shape)], inputs: vec![0], ..Graph::default() };
        for (op, shape) in ops {
            let input = graph.tensors.len() - 1;
            graph.tensors.push(tensor(&shape));
            graph.nodes.push(Node { name: String::new(), op, inputs: vec![input], outputs: vec![input + 1] });
        }
        graph.outputs = vec![graph.tensors.len() - 1];
        graph
    }

    #[test]
    fn there_and_back_again_is_nothing() {
        let relu = |shape: &[usize]| (Op::Unary(Unary::Relu), shape.to_vec());
        let mut graph = chain(
            &[1, 3, 4, 2],
            vec![
                relu(&[1, 3, 4, 2]),
                (Op::Transpose { order: vec![0, 3, 1, 2] }, vec![1, 2, 3, 4]),
                (Op::Transpose { order: vec![0, 2, 3, 1] }, vec![1, 3, 4, 2]),
                relu(&[1, 3, 4, 2]),
            ],
        );
        fold(&mut graph);
        crate::check::check(&graph).unwrap();
        assert!(graph.nodes.iter().all(|node| node.op == Op::Unary(Unary::Relu)), "{:?}", graph.nodes);
    }

    #[test]
    fn moves_become_as_plain_as_they_can() {
        let mut graph = chain(
            &[1, 6],
            vec![
                (Op::Gather { axis: 1, indices: vec![4, 2, 0] }, vec![1, 3]),
                (Op::Transpose { order: vec![1, 0] }, vec![3, 1]),
            ],
        );
        fold(&mut graph);
        crate::check::check(&graph).unwrap();
        let ops: Vec<&Op> = graph.nodes.iter().map(|node| &node.op).collect();
        assert_eq!(ops, [&Op::Slice { begin: vec![0, 4], steps: vec![1, -2] }, &Op::Reshape]);
    }
}
