//! Small graphs whose lowered form is known by hand, and those that must be refused.

use ocelli_format::model::Element as ModelElement;
use ocelli_format::{Factor, Operator};

use super::*;
use crate::graph::{Activation, Data, Element, Node, Quantization, Tensor, Unary, Window};

const ONE_BY_ONE: Window =
    Window { filter: [1, 1], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] };

fn affine(scale: f32, zero_point: i32) -> Option<Quantization> {
    Some(Quantization { scales: vec![scale], zero_points: vec![zero_point], axis: 0 })
}

fn activation(name: &str, shape: &[usize], scale: f32, zero_point: i32) -> Tensor {
    let quantization = affine(scale, zero_point);
    Tensor { name: name.into(), shape: shape.into(), quantization, element: Element::I8, data: None }
}

fn constant(name: &str, shape: &[usize], scales: &[f32], data: Data) -> Tensor {
    let quantization = Quantization { scales: scales.into(), zero_points: vec![0; scales.len()], axis: 0 };
    let element = data.element();
    Tensor {
        name: name.into(),
        shape: shape.into(),
        quantization: Some(quantization),
        element,
        data: Some(data),
    }
}

fn graph(tensors: Vec<Tensor>, nodes: Vec<(Op, Vec<usize>, usize)>) -> Graph {
    let nodes: Vec<Node> = nodes
        .into_iter()
        .map(|(op, inputs, output)| Node {
            name: format!("node {output}"),
            op,
            inputs,
            outputs: vec![output],
        })
        .collect();
    let outputs = nodes.last().map_or(Vec::new(), |node| node.outputs.clone());
    Graph { name: "test".into(), tensors, nodes, inputs: vec![0], outputs, ..Graph::default() }
}

fn conv(groups: usize) -> Op {
    Op::Conv2d { window: ONE_BY_ONE, groups, activation: Activation::Relu6 }
}

#[test]
fn a_convolution_gets_factors_zeros_for_its_bias_and_a_clamp() {
    let graph = graph(
        vec![
            activation("in", &[1, 1, 1, 2], 0.5, 3),
            constant("weights", &[2, 1, 1, 2], &[0.25, 0.5], Data::I8(vec![1, 2, 3, 4])),
            activation("out", &[1, 1, 1, 2], 0.5, -128),
        ],
        vec![(conv(1), vec![0, 1], 2)],
    );
    let lowered = lower(&graph).unwrap();
    let model = &lowered.model;
    let node = &model.operators[0];
    let data = |operand: usize| model.tensors[usize::from(node.inputs[operand])].data.clone().unwrap();
    assert_eq!(data(1), [1, 2, 3, 4]);
    assert_eq!(data(2), [0; 8]);
    // 0.5 * 0.25 / 0.5 and 0.5 * 0.5 / 0.5.
    assert_eq!(data(3), [0, 0, 0, 64, 0, 0, 0, 64]);
    assert_eq!(data(4), [255, 0]);
    let Operator::Conv2d { clamp, .. } = node.operator else { panic!("{:?}", node.operator) };
    assert_eq!((clamp.min, clamp.max), (-128, -116));
    assert_eq!(lowered.tensors, [Some(0), None, Some(5)]);
    assert_eq!((model.inputs.clone(), model.outputs.clone()), (vec![0], vec![5]));
    assert_eq!(model.tensors[0].element, ModelElement::I8);
}

#[test]
fn groups_keep_their_weights() {
    let graph = graph(
        vec![
            activation("in", &[1, 1, 1, 4], 1.0, 0),
            constant("weights", &[2, 1, 1, 2], &[1.0], Data::I8(vec![1, 2, 3, 4])),
            activation("out", &[1, 1, 1, 2], 1.0, 0),
        ],
        vec![(conv(2), vec![0, 1], 2)],
    );
    let model = lower(&graph).unwrap().model;
    let weights = &model.tensors[usize::from(model.operators[0].inputs[1])];
    assert_eq!(weights.shape, [2, 1, 1, 2]);
    assert_eq!(weights.data.clone().unwrap(), [1, 2, 3, 4]);
}

#[test]
fn sums_that_may_overflow_are_refused() {
    let with_bias = |bias: i32| {
        graph(
            vec![
                activation("in", &[1, 1, 1, 1], 1.0, 0),
                constant("weights", &[1, 1, 1, 1], &[0.5], Data::I8(vec![127])),
                constant("bias", &[1], &[0.5], Data::I32(vec![bias])),
                activation("out", &[1, 1, 1, 1], 1.0, 0),
            ],
            vec![(conv(1), vec![0, 1, 2], 3)],
        )
    };
    assert!(lower(&with_bias(i32::MAX - 127 * 127)).is_ok());
    let error = lower(&with_bias(i32::MAX - 127 * 127 + 1)).unwrap_err();
    let bound = i64::from(i32::MAX) + 1;
    assert_eq!(error, LowerError::Accumulator { node: "node 3".into(), channel: 0, bound });
    assert!(lower(&with_bias(i32::MIN)).is_err());
}

#[test]
fn operands_of_another_scale_are_requantized_before_they_are_joined() {
    let graph = graph(
        vec![
            activation("in", &[1, 2], 1.0, 0),
            activation("double", &[1, 2], 2.0, 0),
            activation("joined", &[1, 4], 1.0, 0),
        ],
        vec![(Op::Unary(Unary::Requantize), vec![0], 1), (Op::Concatenate { axis: 1 }, vec![0, 1], 2)],
    );
    let model = lower(&graph).unwrap().model;
    let kinds: Vec<&Operator> = model.operators.iter().map(|node| &node.operator).collect();
    assert_eq!(kinds, [&Operator::Lookup, &Operator::Lookup, &Operator::Concatenate { axis: 1 }]);
    assert_eq!(model.operators[2].inputs[0], 0);
    let table = model.tensors[usize::from(model.operators[1].inputs[1])].data.clone().unwrap();
    assert_eq!((table[3], table[100]), (6, 127));
}

#[test]
fn constants_that_broadcast_stay_as_they_are() {
    let graph = graph(
        vec![
            activation("in", &[1, 1, 2, 2], 1.0, 0),
            constant("each", &[2], &[1.0], Data::I8(vec![5, 6])),
            activation("sum", &[1, 1, 2, 2], 1.0, 0),
        ],
        vec![(Op::Add { activation: Activation::Linear }, vec![0, 1], 2)],
    );
    let model = lower(&graph).unwrap().model;
    let each = &model.tensors[usize::from(model.operators[0].inputs[1])];
    assert_eq!((&each.shape[..], each.data.as_deref().unwrap()), (&[2][..], &[5, 6][..]));
    let half = Factor { multiplier: 1 << 30, shift: 0 };
    let Operator::Add { inputs, .. } = model.operators[0].operator else { panic!("no addition") };
    assert_eq!(inputs, [half, half]);
}

#[test]
fn what_has_no_form_on_the_device_is_named() {
    assert!(matches!(lower(&graph(vec![], vec![])), Err(LowerError::Empty { .. })));

    let mut float = graph(
        vec![activation("in", &[1, 2], 1.0, 0), activation("out", &[2], 1.0, 0)],
        vec![(Op::Reshape, vec![0], 1)],
    );
    float.tensors[0].quantization = None;
    let error = lower(&float).unwrap_err();
    assert_eq!(error, LowerError::NotQuantized { node: "graph input".into(), tensor: "in".into() });

    float.tensors[0].quantization = affine(0.0, 0);
    assert!(matches!(lower(&float), Err(LowerError::Quantization { .. })));
    float.tensors[0].quantization = affine(f32::NAN, 0);
    assert!(matches!(lower(&float), Err(LowerError::Quantization { .. })));
    float.tensors[0].quantization = affine(1.0, 128);
    assert!(matches!(lower(&float), Err(LowerError::Quantization { .. })));

    let pad = Op::Pad { before: vec![0, 1], after: vec![0, 0], value: 2.5 };
    let padded = graph(
        vec![activation("in", &[1, 2], 1.0, 0), activation("out", &[1, 3], 1.0, 0)],
        vec![(pad, vec![0], 1)],
    );
    // The border is stored as the nearest int8.
    let Operator::Pad { value, .. } = lower(&padded).unwrap().model.operators[0].operator else { panic!() };
    assert_eq!(value, 3);

    let deep = [1, 1, 2, 1, 1, 1, 3];
    let moved = Op::Transpose { order: vec![0, 1, 6, 3, 4, 5, 2] };
    let moved = graph(
        vec![activation("in", &deep, 1.0, 0), activation("out", &[1, 1, 3, 1, 1, 1, 2], 1.0, 0)],
        vec![(moved, vec![0], 1)],
    );
    let error = lower(&moved).unwrap_err().to_string();
    assert!(error.contains("7 axes"), "{error}");
}
