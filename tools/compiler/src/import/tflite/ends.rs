//! Models that are quantized inside and float outside: QUANTIZE behind an input and DEQUANTIZE before an output go.
//!
//! A device sees pixels and reads scores as integers, so the integers inside are the model's true ends, and the
//! floats around them only how TensorFlow likes to be called.

use crate::graph::{Graph, Op, TensorId, Unary};

/// Makes the quantized tensors next to float inputs and outputs the graph's own.
pub fn quantized_ends(graph: &mut Graph) {
    let conversions: Vec<(TensorId, TensorId)> = graph
        .nodes
        .iter()
        .filter(|node| node.op == Op::Unary(Unary::Requantize))
        .filter_map(|node| Some((*node.inputs.first()?, *node.outputs.first()?)))
        .collect();
    for (from, to) in conversions {
        let is_quantized = |id: TensorId| graph.tensors[id].quantization.is_some();
        let readers = graph.nodes.iter().filter(|node| node.inputs.contains(&from)).count();
        let is_start = graph.inputs.contains(&from) && readers == 1 && !graph.outputs.contains(&from);
        let is_end = graph.outputs.contains(&to) && !graph.nodes.iter().any(|node| node.inputs.contains(&to));
        if is_start && !is_quantized(from) && is_quantized(to) {
            replace(&mut graph.inputs, from, to);
        } else if is_end && is_quantized(from) && !is_quantized(to) && !graph.outputs.contains(&from) {
            replace(&mut graph.outputs, to, from);
        } else {
            continue;
        }
        graph.nodes.retain(|node| (node.inputs.first(), node.outputs.first()) != (Some(&from), Some(&to)));
    }
}

fn replace(ends: &mut [TensorId], old: TensorId, new: TensorId) {
    ends.iter_mut().filter(|end| **end == old).for_each(|end| *end = new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Element, Node, Quantization, Tensor};

    /// Float, int8, int8, float in a row: QUANTIZE, a table, DEQUANTIZE.
    fn model() -> Graph {
        let tensor = |name: &str, element| Tensor {
            name: name.to_owned(),
            shape: vec![1, 4],
            quantization: (element == Element::I8).then(|| Quantization {
                scales: vec![0.5],
                zero_points: vec![-1],
                axis: 0,
            }),
            element,
            data: None,
        };
        let node = |unary, from, to| Node {
            name: format!("{from}-{to}"),
            op: Op::Unary(unary),
            inputs: vec![from],
            outputs: vec![to],
        };
        Graph {
            tensors: vec![
                tensor("pixels", Element::F32),
                tensor("input", Element::I8),
                tensor("output", Element::I8),
                tensor("scores", Element::F32),
            ],
            nodes: vec![
                node(Unary::Requantize, 0, 1),
                node(Unary::Tanh, 1, 2),
                node(Unary::Requantize, 2, 3),
            ],
            inputs: vec![0],
            outputs: vec![3],
            ..Graph::default()
        }
    }

    #[test]
    fn floats_around_a_quantized_model_go() {
        let mut graph = model();
        quantized_ends(&mut graph);
        assert_eq!((graph.inputs, graph.outputs, graph.nodes.len()), (vec![1], vec![2], 1));
    }

    #[test]
    fn what_others_read_stays() {
        // The float input feeds a second node, and the integer output is an output as well.
        let mut graph = model();
        graph.nodes.push(Node { inputs: vec![0], outputs: vec![3], ..graph.nodes[1].clone() });
        graph.outputs = vec![2, 3];
        quantized_ends(&mut graph);
        assert_eq!((graph.inputs, graph.outputs, graph.nodes.len()), (vec![0], vec![2, 3], 4));
    }
}
