//! A choice between a value and the value times slopes, by its sign: PReLU, as tract states it.

use super::Uses;
use crate::graph::{Activation, Binary, Graph, Node, Op, Tensor, TensorId, Unary};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut parts: Vec<(usize, [Node; 3])> = Vec::new();
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        if graph.nodes[index].op != Op::Select {
            continue;
        }
        let Some([input, slopes]) = slopes(graph, &uses, &graph.nodes[index].inputs) else { continue };
        changed = true;
        if graph.tensors[slopes].data.is_some() {
            graph.nodes[index].op = Op::Prelu;
            graph.nodes[index].inputs = vec![input, slopes];
        } else {
            parts.push((index, in_parts(graph, index, input, slopes)));
        }
    }
    for (index, nodes) in parts.into_iter().rev() {
        graph.nodes.splice(index..index, nodes);
    }
    changed
}

/// With computed slopes, what is above zero and the bent rest are added; what computes these parts.
fn in_parts(graph: &mut Graph, index: usize, input: TensorId, slopes: TensorId) -> [Node; 3] {
    let name = graph.nodes[index].name.clone();
    let mut part = |part: &str, op: Op, inputs: Vec<TensorId>| {
        let tensor = &graph.tensors[graph.nodes[index].outputs[0]];
        let tensor = Tensor { name: format!("{name}/{part}"), ..tensor.clone() };
        graph.tensors.push(tensor);
        let outputs = vec![graph.tensors.len() - 1];
        Node { name: format!("{name}/{part}"), op, inputs, outputs }
    };
    let above = part("above", Op::Unary(Unary::Relu), vec![input]);
    let below = Unary::Clip { low: f32::NEG_INFINITY, high: 0.0 };
    let below = part("below", Op::Unary(below), vec![input]);
    let bent = part("bent", Op::Mul { activation: Activation::Linear }, vec![below.outputs[0], slopes]);
    graph.nodes[index].op = Op::Add { activation: Activation::Linear };
    graph.nodes[index].inputs = vec![above.outputs[0], bent.outputs[0]];
    [above, below, bent]
}

/// Input and slopes of `select(0 > x, x * slopes, x)`.
fn slopes(graph: &Graph, uses: &Uses, operands: &[TensorId]) -> Option<[TensorId; 2]> {
    let &[condition, product, input] = operands else { return None };
    let node = |id: TensorId| uses.producer[id].map(|node| &graph.nodes[node]);
    let &[zero, compared] = &node(condition)?.inputs[..] else { return None };
    let greater = Op::of_binary(Binary::Greater, Activation::Linear);
    let below = node(condition)?.op == greater && graph.tensors[zero].floats() == Some(&[0.0]);
    let product = node(product).filter(|node| node.op == Op::Mul { activation: Activation::Linear })?;
    let &[left, right] = &product.inputs[..] else { return None };
    let slopes = if left == input { right } else { left };
    // One slope for all is a function of one number.
    let several = graph.tensors[slopes].elements() > 1 || graph.tensors[slopes].data.is_none();
    let bends = (left == input || right == input) && compared == input;
    (below && bends && several).then_some([input, slopes])
}
