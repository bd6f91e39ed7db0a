//! What goes out comes back: the same nodes, the same bits.

use super::*;
use crate::fold::fold;
use crate::graph::{Activation, Element, Op, Tensor, Window};
use crate::import::import_bytes;

fn tensor(name: &str, shape: &[usize], data: Option<Vec<f32>>) -> Tensor {
    let data = data.map(Data::F32);
    Tensor { name: name.into(), shape: shape.into(), quantization: None, element: Element::F32, data }
}

fn window(filter: usize, stride: usize, before: usize, after: usize) -> Window {
    Window {
        filter: [filter; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        before: [before; 2],
        after: [after; 2],
    }
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|index| (index as f32 * 0.37).sin() / 3.0).collect()
}

/// A convolution padded by one on every side at stride 2, which is neither SAME nor VALID, a pool, a dense layer.
fn network() -> Graph {
    Graph {
        name: "written".into(),
        tensors: vec![
            tensor("in", &[1, 8, 8, 2], None),
            tensor("w", &[3, 3, 3, 2], Some(numbers(54))),
            tensor("b", &[3], Some(numbers(3))),
            tensor("conv", &[1, 4, 4, 3], None),
            tensor("pool", &[1, 2, 2, 3], None),
            tensor("flat", &[1, 12], None),
            tensor("dense/w", &[5, 12], Some(numbers(60))),
            tensor("dense", &[1, 5], None),
            tensor("out", &[1, 5], None),
        ],
        nodes: vec![
            node(
                "conv",
                Op::Conv2d { window: window(3, 2, 1, 1), groups: 1, activation: Activation::Relu },
                &[0, 1, 2],
                3,
            ),
            node(
                "pool",
                Op::MaxPool2d { window: window(2, 2, 0, 0), activation: Activation::Linear },
                &[3],
                4,
            ),
            node("flat", Op::Reshape, &[4], 5),
            node("dense", Op::FullyConnected { activation: Activation::Linear }, &[5, 6], 7),
            node("out", Op::Softmax { beta: 1.0 }, &[7], 8),
        ],
        inputs: vec![0],
        outputs: vec![8],
        ..Graph::default()
    }
}

fn node(name: &str, op: Op, inputs: &[usize], output: usize) -> Node {
    Node { name: name.into(), op, inputs: inputs.into(), outputs: vec![output] }
}

#[test]
fn a_graph_comes_back_with_every_bit() {
    let graph = network();
    let bytes = tflite(&graph).unwrap();
    let mut back = import_bytes("written.tflite", &bytes).unwrap();
    fold(&mut back);
    let ops = |graph: &Graph| graph.nodes.iter().map(|node| node.op.clone()).collect::<Vec<_>>();
    assert_eq!(ops(&back), ops(&graph));
    for (node, other) in back.nodes.iter().zip(&graph.nodes) {
        for (&id, &other_id) in node.inputs.iter().zip(&other.inputs) {
            assert_eq!(back.tensors[id].data, graph.tensors[other_id].data, "{}", node.name);
            assert_eq!(back.tensors[id].shape, graph.tensors[other_id].shape, "{}", node.name);
        }
    }
    let again = tflite(&back).unwrap();
    let mut second = import_bytes("written.tflite", &again).unwrap();
    fold(&mut second);
    assert_eq!(tflite(&second).unwrap(), again, "and from then on even the file is the same");
}

#[test]
fn what_tflite_lacks_is_named() {
    let mut graph = network();
    graph.nodes[1].op = Op::MaxPool2d { window: window(2, 2, 1, 0), activation: Activation::Linear };
    let error = tflite(&graph).unwrap_err().to_string();
    assert!(error.contains("\"pool\"") && error.contains("neither SAME nor VALID"), "{error}");
}
