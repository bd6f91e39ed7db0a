//! A choice between a value and the value times slopes, by its sign: PReLU, as tract states it.

use super::Uses;
use crate::graph::{Activation, Binary, Graph, Op, TensorId};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        if graph.nodes[index].op == Op::Select
            && let Some(operands) = slopes(graph, &uses, &graph.nodes[index].inputs)
        {
            graph.nodes[index].op = Op::Prelu;
            graph.nodes[index].inputs = operands;
            changed = true;
        }
    }
    changed
}

/// Input and slopes of `select(0 > x, x * slopes, x)`.
fn slopes(graph: &Graph, uses: &Uses, operands: &[TensorId]) -> Option<Vec<TensorId>> {
    let &[condition, product, input] = operands else { return None };
    let node = |id: TensorId| uses.producer[id].map(|node| &graph.nodes[node]);
    let &[zero, compared] = &node(condition)?.inputs[..] else { return None };
    let greater = Op::of_binary(Binary::Greater, Activation::Linear);
    let below = node(condition)?.op == greater && graph.tensors[zero].floats() == Some(&[0.0]);
    let product = node(product).filter(|node| node.op == Op::Mul { activation: Activation::Linear })?;
    let &[left, right] = &product.inputs[..] else { return None };
    let slopes = if left == input { right } else { left };
    let multiplies = (left == input || right == input) && graph.tensors[slopes].data.is_some();
    // One slope for all is a function of one number.
    let several = graph.tensors[slopes].elements() > 1;
    (below && compared == input && multiplies && several).then(|| vec![input, slopes])
}
