//! Folding keeps the function of a graph: each small graph runs in the oracle before and after.

use ocelli_compiler::check::check;
use ocelli_compiler::fold::{fold, prepare};
use ocelli_compiler::graph::*;
use ocelli_compiler::oracle::Oracle;

/// A graph built a node at a time, with one input image of shape `[1, 6, 5, 4]`.
struct Builder {
    graph: Graph,
    state: u32,
}

const IMAGE: [usize; 4] = [1, 6, 5, 4];

impl Builder {
    fn new() -> Self {
        let mut builder = Self { graph: Graph::default(), state: 7 };
        let input = builder.tensor(&IMAGE, None);
        builder.graph.inputs = vec![input];
        builder
    }

    fn tensor(&mut self, shape: &[usize], data: Option<Vec<f32>>) -> TensorId {
        let name = format!("t{}", self.graph.tensors.len());
        let data = data.map(Data::F32);
        let shape = shape.to_vec();
        self.graph.tensors.push(Tensor { name, shape, quantization: None, element: Element::F32, data });
        self.graph.tensors.len() - 1
    }

    /// A constant of numbers in -1..1.
    fn constant(&mut self, shape: &[usize]) -> TensorId {
        let values = numbers(&mut self.state, shape.iter().product());
        self.tensor(shape, Some(values))
    }

    fn node(&mut self, op: Op, inputs: &[TensorId], shape: &[usize]) -> TensorId {
        let output = self.tensor(shape, None);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }

    fn conv(&mut self, input: TensorId, padding: usize) -> TensorId {
        let shape = self.graph.tensors[input].shape.clone();
        let weights = self.constant(&[4, 3, 3, shape[3]]);
        let result = [1, shape[1] + 2 * padding - 2, shape[2] + 2 * padding - 2, 4];
        let op = Op::Conv2d { window: window(3, padding), groups: 1, activation: Activation::Linear };
        self.node(op, &[input, weights], &result)
    }

    fn depthwise(&mut self, input: TensorId) -> TensorId {
        let (weights, bias) = (self.constant(&[1, 3, 3, 4]), self.constant(&[4]));
        let shape = self.graph.tensors[input].shape.clone();
        let (window, activation) = (window(3, 1), Activation::Linear);
        self.node(
            Op::DepthwiseConv2d { window, depth_multiplier: 1, activation },
            &[input, weights, bias],
            &shape,
        )
    }

    fn pad(&mut self, input: TensorId, amount: [usize; 4], value: f32) -> TensorId {
        let shape: Vec<usize> = self.graph.tensors[input]
            .shape
            .iter()
            .zip(amount)
            .map(|(extent, amount)| extent + 2 * amount)
            .collect();
        let (before, after) = (amount.to_vec(), amount.to_vec());
        self.node(Op::Pad { before, after, value }, &[input], &shape)
    }

    fn same(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        let shape = self.graph.tensors[inputs[0]].shape.clone();
        self.node(op, inputs, &shape)
    }

    /// Folds, compares both runs, and returns the folded operators by name.
    fn finish(self, outputs: &[TensorId]) -> (Graph, Vec<&'static str>) {
        self.finish_with(outputs, fold)
    }

    /// As [`Builder::finish`], and made ready for quantization.
    fn finish_prepared(self, outputs: &[TensorId]) -> (Graph, Vec<&'static str>) {
        self.finish_with(outputs, |graph| {
            fold(graph);
            prepare(graph);
        })
    }

    fn finish_with(mut self, outputs: &[TensorId], pass: impl Fn(&mut Graph)) -> (Graph, Vec<&'static str>) {
        self.graph.outputs = outputs.to_vec();
        check(&self.graph).unwrap();
        let mut folded = self.graph.clone();
        pass(&mut folded);
        check(&folded).unwrap();
        let image = numbers(&mut 99, IMAGE.iter().product());
        let before = Oracle::new(&self.graph).unwrap().run(std::slice::from_ref(&image)).unwrap();
        let after = Oracle::new(&folded).unwrap().run(&[image]).unwrap();
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(after) {
                assert!((before - after).abs() <= 1e-5 * before.abs().max(1.0), "{before} became {after}");
            }
        }
        let names = |graph: &Graph| -> Vec<String> {
            graph.outputs.iter().map(|&id| graph.tensors[id].name.clone()).collect()
        };
        assert_eq!(names(&folded), names(&self.graph));
        let operators = folded.nodes.iter().map(|node| node.op.name()).collect();
        (folded, operators)
    }
}

fn numbers(state: &mut u32, count: usize) -> Vec<f32> {
    (0..count)
        .map(|_| {
            *state ^= *state << 13;
            *state ^= *state >> 17;
            *state ^= *state << 5;
            f32::from(*state as u8 as i8) / 128.0
        })
        .collect()
}

fn window(filter: usize, padding: usize) -> Window {
    Window {
        filter: [filter; 2],
        stride: [1; 2],
        dilation: [1; 2],
        before: [padding; 2],
        after: [padding; 2],
    }
}

const ADD: Op = Op::Add { activation: Activation::Linear };
const MUL: Op = Op::Mul { activation: Activation::Linear };
const RELU: Op = Op::Unary(Unary::Relu);

#[test]
fn batch_norm_moves_into_weights_and_bias() {
    let mut builder = Builder::new();
    let (factor, offset) = (builder.constant(&[1, 1, 1, 4]), builder.constant(&[4]));
    let conv = builder.conv(0, 1);
    let scaled = builder.same(MUL, &[conv, factor]);
    let shifted = builder.same(ADD, &[scaled, offset]);
    let depthwise = builder.depthwise(shifted);
    let scaled = builder.same(MUL, &[depthwise, factor]);
    let half = builder.tensor(&[1], Some(vec![0.5]));
    let shifted = builder.same(ADD, &[scaled, half]);
    let active = builder.same(Op::Unary(Unary::Relu6), &[shifted]);
    let (graph, operators) = builder.finish(&[active]);
    assert_eq!(operators, ["Conv2d", "DepthwiseConv2d"]);
    assert!(matches!(graph.nodes[1].op, Op::DepthwiseConv2d { activation: Activation::Relu6, .. }));
    assert_eq!(graph.nodes[0].inputs.len(), 3);
}

#[test]
fn a_shared_convolution_keeps_its_weights() {
    let mut builder = Builder::new();
    let factor = builder.constant(&[4]);
    let conv = builder.conv(0, 1);
    let scaled = builder.same(MUL, &[conv, factor]);
    let both = builder.same(ADD, &[conv, scaled]);
    let (_, operators) = builder.finish(&[both]);
    assert_eq!(operators, ["Conv2d", "Mul", "Add"]);
}

#[test]
fn chains_of_constants_become_one_factor_and_one_offset() {
    let mut builder = Builder::new();
    let mut value = 0;
    for (op, shape) in
        [(ADD, vec![4]), (MUL, vec![1]), (MUL, vec![1, 1, 1, 4]), (ADD, vec![1]), (ADD, vec![4])]
    {
        let constant = builder.constant(&shape);
        value = builder.same(op, &[value, constant]);
    }
    let active = builder.same(RELU, &[value]);
    let (graph, operators) = builder.finish(&[active]);
    assert_eq!(operators, ["Mul", "Add"]);
    assert!(matches!(graph.nodes[1].op, Op::Add { activation: Activation::Relu }));

    // Single numbers stay single, so that a table can hold them.
    let mut builder = Builder::new();
    let (half, three) = (builder.tensor(&[1], Some(vec![0.5])), builder.tensor(&[], Some(vec![3.0])));
    let shifted = builder.node(ADD, &[three, 0], &IMAGE);
    let scaled = builder.node(MUL, &[half, shifted], &IMAGE);
    let (graph, operators) = builder.finish(&[scaled]);
    assert_eq!(operators, ["Mul", "Add"]);
    assert!(graph.nodes.iter().all(|node| graph.tensors[node.inputs[1]].elements() == 1));
}

#[test]
fn preprocessing_moves_into_the_layer_behind() {
    // A window over the border reads zeros, which have the factor and not the offset.
    for (padding, expected) in [(0, vec!["Conv2d"]), (1, vec!["Mul", "Add", "Conv2d"])] {
        let mut builder = Builder::new();
        let (factor, offset) = (builder.tensor(&[1], Some(vec![1.0 / 127.5])), builder.constant(&[4]));
        let scaled = builder.same(MUL, &[0, factor]);
        let shifted = builder.same(ADD, &[scaled, offset]);
        let conv = builder.conv(shifted, padding);
        let (_, operators) = builder.finish(&[conv]);
        assert_eq!(operators, expected);
    }
    let mut builder = Builder::new();
    let factor = builder.tensor(&[4], Some(vec![0.5, -1.0, 0.7, 2.0]));
    let scaled = builder.same(MUL, &[0, factor]);
    let depthwise = builder.depthwise(scaled);
    let (_, operators) = builder.finish(&[depthwise]);
    assert_eq!(operators, ["DepthwiseConv2d"]);
}

#[test]
fn every_layer_takes_factors_in_by_its_own_inputs() {
    let factors = |builder: &mut Builder| builder.tensor(&[4], Some(vec![0.5, -1.0, 0.7, 2.0]));
    let (none, whole) = (window(3, 0), [1, 120]);
    let mut builder = Builder::new();
    let (factor, offset) = (factors(&mut builder), builder.constant(&[4]));
    let conv = builder.conv(0, 1);
    let active = builder.same(RELU, &[conv]);
    let scaled = builder.same(MUL, &[active, factor]);
    let shifted = builder.same(ADD, &[scaled, offset]);
    let weights = builder.constant(&[6, 3, 3, 2]);
    let groups = Op::Conv2d { window: none, groups: 2, activation: Activation::Relu };
    let grouped = builder.node(groups, &[shifted, weights], &[1, 4, 3, 6]);
    let (_, operators) = builder.finish(&[grouped]);
    assert_eq!(operators, ["Conv2d", "Conv2d"]);

    let mut builder = Builder::new();
    let (factor, offset) = (factors(&mut builder), builder.constant(&[4]));
    let active = builder.same(RELU, &[0]);
    let scaled = builder.same(MUL, &[active, factor]);
    let shifted = builder.same(ADD, &[scaled, offset]);
    let (weights, bias) = (builder.constant(&[3, whole[1]]), builder.constant(&[3]));
    let dense = Op::FullyConnected { activation: Activation::Linear };
    let rows = builder.node(dense, &[shifted, weights, bias], &[1, 3]);
    let (_, operators) = builder.finish(&[rows]);
    assert_eq!(operators, ["Relu", "FullyConnected"]);
}

#[test]
fn factors_that_would_cost_weights_their_bits_stay() {
    for (factor, expected) in [(4.0, vec!["Relu", "Conv2d"]), (5.0, vec!["Relu", "Mul", "Conv2d"])] {
        let mut builder = Builder::new();
        let factors = builder.tensor(&[4], Some(vec![1.0, 1.0, factor, 1.0]));
        let active = builder.same(RELU, &[0]);
        let scaled = builder.same(MUL, &[active, factors]);
        let conv = builder.conv(scaled, 1);
        let (_, operators) = builder.finish(&[conv]);
        assert_eq!(operators, expected);
    }
}

#[test]
fn constants_that_vary_over_the_image_stay() {
    let mut builder = Builder::new();
    let conv = builder.conv(0, 1);
    let factor = builder.constant(&[1, 6, 5, 4]);
    let scaled = builder.same(MUL, &[conv, factor]);
    let (_, operators) = builder.finish(&[scaled]);
    assert_eq!(operators, ["Conv2d", "Mul"]);
}

#[test]
fn zeros_around_an_image_become_padding_of_the_window() {
    let mut builder = Builder::new();
    let padded = builder.pad(0, [0, 1, 1, 0], 0.0);
    let (left, right) = (builder.conv(padded, 0), builder.conv(padded, 0));
    let sum = builder.same(ADD, &[left, right]);
    let (graph, operators) = builder.finish(&[sum]);
    assert_eq!(operators, ["Conv2d", "Conv2d", "Add"]);
    assert!(matches!(graph.nodes[0].op, Op::Conv2d { window: found, .. } if found == window(3, 1)));
}

#[test]
fn other_padding_stays() {
    for (amount, value) in [([0, 1, 1, 0], 0.5), ([0, 0, 0, 1], 0.0)] {
        let mut builder = Builder::new();
        let padded = builder.pad(0, amount, value);
        let conv = builder.conv(padded, 0);
        let (_, operators) = builder.finish(&[conv]);
        assert_eq!(operators, ["Pad", "Conv2d"]);
    }
}

#[test]
fn zeros_before_a_max_pool_count_only_above_negative_numbers() {
    for (relu, expected) in [(false, vec!["Conv2d", "Pad", "MaxPool2d"]), (true, vec!["Conv2d", "MaxPool2d"])]
    {
        let mut builder = Builder::new();
        let mut value = builder.conv(0, 1);
        if relu {
            value = builder.same(RELU, &[value]);
        }
        let padded = builder.pad(value, [0, 1, 1, 0], 0.0);
        let pool = Op::MaxPool2d { window: window(3, 0), activation: Activation::Linear };
        let pooled = builder.node(pool, &[padded], &IMAGE);
        let (_, operators) = builder.finish(&[pooled]);
        assert_eq!(operators, expected);
    }
}

#[test]
fn an_activation_with_another_reader_of_its_operand_stays() {
    let mut builder = Builder::new();
    let conv = builder.conv(0, 1);
    let active = builder.same(RELU, &[conv]);
    let (_, operators) = builder.finish(&[active, conv]);
    assert_eq!(operators, ["Conv2d", "Relu"]);
}

#[test]
fn reshapes_that_change_nothing_vanish() {
    let mut builder = Builder::new();
    let conv = builder.conv(0, 1);
    let flat = builder.node(Op::Reshape, &[conv], &[1, 120]);
    let back = builder.node(Op::Reshape, &[flat], &IMAGE);
    let active = builder.same(RELU, &[back]);
    let same = builder.node(Op::Reshape, &[active], &IMAGE);
    let (_, operators) = builder.finish(&[same]);
    assert_eq!(operators, ["Conv2d"]);

    // A graph output that is the input reshaped has to be computed by something.
    let mut builder = Builder::new();
    let same = builder.node(Op::Reshape, &[0], &IMAGE);
    let (_, operators) = builder.finish(&[same]);
    assert_eq!(operators, ["Reshape"]);
}

#[test]
fn what_nothing_reads_is_dropped_and_the_rest_renumbered() {
    let mut builder = Builder::new();
    let unread = builder.conv(0, 1);
    builder.same(RELU, &[unread]);
    let active = builder.same(RELU, &[0]);
    let (graph, operators) = builder.finish(&[active]);
    assert_eq!(operators, ["Relu"]);
    assert_eq!(graph.tensors.len(), 2);
    assert_eq!((&graph.inputs[..], &graph.outputs[..]), (&[0][..], &[1][..]));
}

#[test]
fn slopes_that_arrive_as_halves_are_constants() {
    let mut builder = Builder::new();
    let halves = builder.constant(&[1, 1, 4]);
    let slopes = builder.same(Op::Unary(Unary::Requantize), &[halves]);
    let bent = builder.same(Op::Prelu, &[0, slopes]);
    let (graph, operators) = builder.finish(&[bent]);
    assert_eq!(operators, ["Prelu"]);
    assert!(graph.tensors[graph.nodes[0].inputs[1]].data.is_some());
}

#[test]
fn operators_of_one_tensor_become_one_function() {
    let mut builder = Builder::new();
    let conv = builder.conv(0, 1);
    let (three, six) = (builder.tensor(&[1], Some(vec![3.0])), builder.tensor(&[1], Some(vec![1.0 / 6.0])));
    let shifted = builder.same(ADD, &[conv, three]);
    let gate = builder.same(Op::Unary(Unary::Relu6), &[shifted]);
    let gated = builder.same(MUL, &[conv, gate]);
    let swish = builder.same(MUL, &[gated, six]);
    // What is read twice stays a tensor of its own.
    let root = builder.same(Op::Unary(Unary::Abs), &[swish]);
    let (_, operators) = builder.finish_prepared(&[root, swish]);
    assert_eq!(operators, ["Conv2d", "Function", "Abs"]);
}

#[test]
fn factors_by_channel_without_a_layer_become_one() {
    let mut builder = Builder::new();
    let (factor, offset) = (builder.constant(&[4]), builder.constant(&[1, 1, 1, 4]));
    let scaled = builder.same(MUL, &[0, factor]);
    let shifted = builder.same(ADD, &[scaled, offset]);
    let active = builder.same(RELU, &[shifted]);
    let (graph, operators) = builder.finish_prepared(&[active]);
    assert_eq!(operators, ["DepthwiseConv2d"]);
    assert_eq!(graph.nodes[0].inputs.len(), 3);
}

#[test]
fn normalization_is_recognised_by_its_parts() {
    let sub = Op::Binary { binary: Binary::Sub, activation: Activation::Linear };
    let div = Op::Binary { binary: Binary::Div, activation: Activation::Linear };
    for axes in [vec![1, 2], vec![3]] {
        let mut builder = Builder::new();
        let kept: Vec<usize> =
            (0..4).map(|axis| if axes.contains(&axis) { 1 } else { IMAGE[axis] }).collect();
        let mean = || Op::Reduce { reduction: Reduction::Mean, axes: axes.clone() };
        let middle = builder.node(mean(), &[0], &kept);
        let apart = builder.same(sub.clone(), &[0, middle]);
        let squares = builder.same(Op::Unary(Unary::Square), &[apart]);
        let variance = builder.node(mean(), &[squares], &kept);
        let epsilon = builder.tensor(&[1], Some(vec![1e-3]));
        let raised = builder.same(ADD, &[variance, epsilon]);
        let deviation = builder.same(Op::Unary(Unary::Sqrt), &[raised]);
        let normal = builder.same(div.clone(), &[apart, deviation]);
        let (gains, offsets) = (builder.constant(&[4]), builder.constant(&[1, 1, 1, 4]));
        let scaled = builder.same(MUL, &[normal, gains]);
        let shifted = builder.same(ADD, &[scaled, offsets]);
        let (_, operators) = builder.finish_prepared(&[shifted]);
        assert_eq!(operators, ["Normalize"], "{axes:?}");
    }
}

#[test]
fn sums_of_squares_become_products() {
    for (axes, expected) in [
        (vec![3], vec!["Reshape", "BatchMatmul", "Reshape"]),
        (vec![1, 2], vec!["Reshape", "Transpose", "Reshape", "BatchMatmul", "Reshape"]),
    ] {
        let mut builder = Builder::new();
        let shape: Vec<usize> =
            (0..4).map(|axis| if axes.contains(&axis) { 1 } else { IMAGE[axis] }).collect();
        let squares = builder.same(Op::Unary(Unary::Square), &[0]);
        let sum = builder.node(Op::Reduce { reduction: Reduction::Sum, axes }, &[squares], &shape);
        let root = builder.node(Op::Unary(Unary::Abs), &[sum], &shape);
        let (_, operators) = builder.finish_prepared(&[root]);
        assert_eq!(operators, [&expected[..], &["Abs"]].concat());
    }
}

#[test]
fn what_was_computed_before_is_read_again() {
    let mut builder = Builder::new();
    let weights = [(); 2].map(|()| builder.tensor(&[4, 3, 3, 4], Some(numbers(&mut 5, 144))));
    let conv = Op::Conv2d { window: window(3, 1), groups: 1, activation: Activation::Linear };
    let [left, right] = weights.map(|weights| builder.node(conv.clone(), &[0, weights], &IMAGE));
    let other = builder.conv(0, 1);
    let [left, right] = [left, right].map(|value| builder.same(Op::Unary(Unary::Tanh), &[value]));
    let sum = builder.same(ADD, &[left, right]);
    let all = builder.same(ADD, &[sum, other]);
    let (graph, operators) = builder.finish(&[all]);
    assert_eq!(operators, ["Conv2d", "Conv2d", "Tanh", "Add", "Add"]);
    assert_eq!(graph.nodes[3].inputs[0], graph.nodes[3].inputs[1]);

    // A graph output keeps a node of its own, and so does another operator on the same operand.
    let mut builder = Builder::new();
    let ups = [(); 2].map(|()| builder.same(Op::Unary(Unary::Tanh), &[0]));
    let root = builder.same(Op::Unary(Unary::Abs), &[0]);
    let (_, operators) = builder.finish(&[ups[0], ups[1], root]);
    assert_eq!(operators, ["Tanh", "Tanh", "Abs"]);
}
