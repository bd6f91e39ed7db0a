//! Factors and offsets by channel that no layer takes in: a depthwise layer of one tap does both in one
//! requantization, with a scale of its own for every channel.

use super::{Uses, remove_nodes};
use crate::graph::{Activation, Data, Element, Graph, Op, Tensor, TensorId, Window};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut removed = vec![false; graph.nodes.len()];
    for index in 0..graph.nodes.len() {
        let Op::Mul { mut activation } = graph.nodes[index].op else { continue };
        let Some((value, factors)) = by_channel(graph, index) else { continue };
        let mut output = graph.nodes[index].outputs[0];
        let mut offsets = None;
        // The addition behind it comes along.
        let next = (index + 1..graph.nodes.len()).find(|&next| graph.nodes[next].inputs.contains(&output));
        if let Some(next) = next.filter(|_| uses.readers[output] == 1 && activation == Activation::Linear)
            && let Op::Add { activation: after } = graph.nodes[next].op
            && let Some((_, found)) = by_channel(graph, next)
        {
            offsets = Some(found);
            activation = after;
            output = graph.nodes[next].outputs[0];
            removed[next] = true;
        }
        let channels = factors.len();
        let weights = constant(graph, format!("{}/weights", graph.nodes[index].name), factors, true);
        let mut inputs = vec![value, weights];
        if let Some(offsets) = offsets {
            inputs.push(constant(graph, format!("{}/bias", graph.nodes[index].name), offsets, false));
        }
        debug_assert_eq!(graph.tensors[weights].shape, [1, 1, 1, channels]);
        let window =
            Window { filter: [1, 1], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] };
        let node = &mut graph.nodes[index];
        node.op = Op::DepthwiseConv2d { window, depth_multiplier: 1, activation };
        node.inputs = inputs;
        node.outputs = vec![output];
    }
    remove_nodes(graph, &removed)
}

/// The image that a node combines with one number a channel, and those numbers.
fn by_channel(graph: &Graph, node: usize) -> Option<(TensorId, Vec<f32>)> {
    let &[left, right] = &graph.nodes[node].inputs[..] else { return None };
    [(left, right), (right, left)].into_iter().find_map(|(value, constant)| {
        let (value_shape, tensor) = (&graph.tensors[value].shape, &graph.tensors[constant]);
        let channels = *value_shape.last().filter(|_| value_shape.len() == 4)?;
        let fits = tensor.elements() == channels && tensor.shape.last() == Some(&channels) && channels > 1;
        let same = graph.tensors[value].data.is_none()
            && graph.tensors[graph.nodes[node].outputs[0]].shape == *value_shape;
        (fits && same).then(|| Some((value, tensor.floats()?.to_vec())))?
    })
}

fn constant(graph: &mut Graph, name: String, values: Vec<f32>, weights: bool) -> TensorId {
    let shape = if weights { vec![1, 1, 1, values.len()] } else { vec![values.len()] };
    let data = Some(Data::F32(values));
    graph.tensors.push(Tensor { name, shape, quantization: None, element: Element::F32, data });
    graph.tensors.len() - 1
}
