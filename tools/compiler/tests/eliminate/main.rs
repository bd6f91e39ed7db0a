//! Dead channels go where they may and stay where they must, and never a byte of an output changes.

mod generated;
mod network;

use network::{Alive, Clamped, Constant, Network};
use ocelli_compiler::eliminate::Eliminated;
use ocelli_compiler::graph::{Activation, Op, Unary};

const IMAGE: [usize; 4] = [1, 6, 5, 3];

const RELU6: Op = Op::Unary(Unary::Relu6);

/// A pointwise layer with one channel of each kind: alive, the zero point, another constant, clamped.
fn stem(network: &mut Network) -> usize {
    network.conv(0, 1, false, &[Alive, Constant(0), Constant(9), Clamped])
}

#[test]
fn constants_go_where_no_border_tells_them_from_zero() {
    // A padded window sees the border: only constants of the zero point go.
    for (filter, same, left) in [(3, true, 2), (3, false, 1), (1, false, 1)] {
        let mut network = Network::new(1, &IMAGE);
        let dead = stem(&mut network);
        let output = network.conv(dead, filter, same, &[Alive; 4]);
        let pair = network.finish(&[output]);
        pair.agree(30);
        assert_eq!(pair.left(dead), left, "filter {filter}, same {same}");
        assert_eq!(pair.eliminated.channels, 4 - left as u64);
        assert_eq!(pair.left(output), 4);
    }
}

#[test]
fn depthwise_layers_hand_constants_on_unless_a_border_shows_them() {
    for (same, middle) in [(true, 2), (false, 1)] {
        let mut network = Network::new(2, &IMAGE);
        let dead = stem(&mut network);
        let depthwise = network.depthwise(dead, same, &[Alive; 4]);
        let output = network.conv(depthwise, 1, false, &[Alive; 4]);
        let pair = network.finish(&[output]);
        pair.agree(30);
        assert_eq!((pair.left(dead), pair.left(depthwise)), (middle, middle), "same {same}");
    }
}

#[test]
fn an_input_of_several_depthwise_outputs_goes_with_the_last_of_them() {
    let mut network = Network::new(3, &IMAGE);
    let first = network.conv(0, 1, false, &[Alive; 3]);
    let kinds = [Alive, Constant(4), Constant(0), Constant(-5), Constant(7), Constant(7)];
    let depthwise = network.depthwise(first, true, &kinds);
    let output = network.conv(depthwise, 1, false, &[Alive; 2]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    // The first input has an output that lives, and keeps the other one with it.
    assert_eq!((pair.left(first), pair.left(depthwise)), (1, 2));
}

#[test]
fn a_channel_that_nobody_reads_goes_whatever_it_holds() {
    let mut network = Network::new(4, &IMAGE);
    let first = network.conv(0, 3, true, &[Alive; 4]);
    let output = network.conv(first, 3, true, &[Alive; 2]);
    network.ignore(output, &[0, 3]);
    let other = network.conv(first, 1, false, &[Alive; 2]);
    network.ignore(other, &[0, 1]);
    let joined = network.join(&[output, other]);
    let pair = network.finish(&[joined]);
    pair.agree(30);
    assert_eq!(pair.left(first), 3);
}

#[test]
fn a_sum_is_constant_only_where_both_operands_are() {
    let mut network = Network::new(5, &IMAGE);
    let left = network.conv(0, 1, false, &[Constant(5), Constant(3), Alive, Alive]);
    let right = network.conv(0, 1, false, &[Constant(-9), Alive, Constant(0), Alive]);
    let sum = network.add(left, right);
    let output = network.conv(sum, 1, false, &[Alive; 3]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    assert_eq!([left, right, sum].map(|id| pair.left(id)), [3; 3]);
}

#[test]
fn a_residual_connection_keeps_a_channel_as_long_as_either_end_needs_it() {
    let mut network = Network::new(6, &IMAGE);
    let first = network.conv(0, 1, false, &[Alive, Alive, Constant(0), Constant(0)]);
    let branch = network.conv(first, 3, true, &[Constant(0), Alive, Alive, Constant(0)]);
    let sum = network.add(first, branch);
    let output = network.conv(sum, 3, true, &[Alive; 2]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    // Zero plus zero need not be the zero point of a sum, but here it is.
    assert_eq!([first, branch, sum].map(|id| pair.left(id)), [3; 3]);
}

#[test]
fn a_joined_operand_goes_by_channels_or_whole() {
    let mut network = Network::new(7, &IMAGE);
    let some = network.conv(0, 1, false, &[Alive, Constant(2)]);
    let zero_point = network.zero_point(some);
    let none = network.conv(0, 1, false, &[Constant(1), Constant(2), Constant(3)]);
    network.graph.tensors[none].quantization = network.graph.tensors[some].quantization.clone();
    assert_eq!(network.zero_point(none), zero_point);
    let joined = network.join(&[none, some]);
    let output = network.conv(joined, 3, false, &[Alive; 2]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    assert_eq!([some, none, joined].map(|id| pair.left(id)), [1, 0, 1]);
    let names: Vec<String> = pair.small.model.operators.iter().map(|node| node.name.clone()).collect();
    assert!(!names.contains(&none.to_string()), "{names:?}");
}

#[test]
fn constants_pass_pools_means_and_tables() {
    for padded in [false, true] {
        let mut network = Network::new(8, &IMAGE);
        let dead = stem(&mut network);
        let most = network.pool(true, padded, dead);
        let average = network.pool(false, true, most);
        let table = network.same_shape(RELU6, &[average]);
        let mean = network.mean(table);
        let output = network.fully_connected(mean, &[Alive; 4]);
        let pair = network.finish(&[output]);
        pair.agree(30);
        assert_eq!([dead, most, average, table, mean].map(|id| pair.left(id)), [1; 5]);
    }
}

#[test]
fn a_table_can_pin_a_channel_that_lives() {
    let mut network = Network::new(9, &IMAGE);
    let first = network.conv(0, 1, false, &[Alive; 2]);
    // All of it below zero once the zero point is at the top.
    let zero_point = network.zero_point(first);
    let negative = network.activation(&[1, 6, 5, 2], 127);
    network.node(Op::Unary(Unary::Requantize), &[first], negative);
    assert!(zero_point < 0);
    let pinned = network.same_shape(RELU6, &[negative]);
    let alive = network.conv(0, 1, false, &[Alive; 2]);
    network.graph.tensors[alive].quantization = network.graph.tensors[pinned].quantization.clone();
    let joined = network.join(&[pinned, alive]);
    let output = network.conv(joined, 1, false, &[Alive; 2]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    let gone = pair.left(pinned) == 0;
    // Requantizing to a zero point of 127 saturates what is positive, so that ReLU6 leaves nothing.
    assert!(gone && pair.left(first) == 0, "{} and {}", pair.left(pinned), pair.left(first));
}

#[test]
fn a_row_of_a_matrix_keeps_the_channels_of_the_image_that_it_was() {
    let mut network = Network::new(10, &IMAGE);
    let dead = stem(&mut network);
    let flat = network.moving(Op::Reshape, &[dead], &[1, 120]);
    let output = network.fully_connected(flat, &[Alive; 3]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    assert_eq!((pair.left(dead), pair.left(flat)), (1, 30));
}

#[test]
fn groups_shrink_alike() {
    let mut network = Network::new(11, &IMAGE);
    let dead = network.conv(0, 1, false, &[Alive, Constant(3), Constant(0), Constant(2)]);
    let op = Op::Conv2d { window: network::window(3, 1, 1, false), groups: 2, activation: Activation::Relu };
    let grouped = network.weighted(op, dead, &[4, 3, 3, 2], &[Alive; 4]);
    let output = network.conv(grouped, 1, false, &[Alive; 2]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    // The second group reads constants only, but its outputs have living likes in the first. Of the inputs
    // the second goes in both groups.
    assert_eq!((pair.left(dead), pair.left(grouped)), (2, 4));
}

#[test]
fn a_constant_operand_is_cut_with_its_other() {
    let mut network = Network::new(22, &IMAGE);
    let dead = stem(&mut network);
    let offsets = network.random_constant(&[4]);
    let sum = network.same_shape(Op::Add { activation: Activation::Relu }, &[dead, offsets]);
    let factors = network.random_constant(&[6, 5, 4]);
    let product = network.same_shape(Op::Mul { activation: Activation::Linear }, &[sum, factors]);
    let output = network.conv(product, 1, false, &[Alive; 3]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    // A constant times numbers that change from pixel to pixel is no constant, unless it is zero: one
    // of the sums lies below its clamp.
    assert_eq!([dead, sum, product].map(|id| pair.left(id)), [3; 3]);

    let mut network = Network::new(13, &IMAGE);
    let dead = stem(&mut network);
    let offsets = network.random_constant(&[4]);
    let sum = network.same_shape(Op::Add { activation: Activation::Relu }, &[dead, offsets]);
    let output = network.conv(sum, 1, false, &[Alive; 3]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    assert_eq!([dead, sum].map(|id| pair.left(id)), [1; 2]);
}

#[test]
fn padding_is_a_border_too() {
    let pad = |rows: usize, channels: usize| Op::Pad {
        before: vec![0, rows, 0, channels],
        after: vec![0, 0, 0, 1],
        value: 0.0,
    };
    for (rows, left, padded_left) in [(1, 2, 2), (0, 1, 1)] {
        let mut network = Network::new(14, &IMAGE);
        let dead = stem(&mut network);
        let padded = network.moving(pad(rows, 2), &[dead], &[1, 6 + rows, 5, 7]);
        let output = network.conv(padded, 3, false, &[Alive; 3]);
        let pair = network.finish(&[output]);
        pair.agree(30);
        assert_eq!((pair.left(dead), pair.left(padded)), (left, padded_left), "{rows} rows");
    }
}

#[test]
fn outputs_and_what_an_unknown_operator_reads_keep_their_shapes() {
    let mut network = Network::new(15, &IMAGE);
    let dead = stem(&mut network);
    let pair = network.finish(&[dead]);
    assert_eq!((pair.agree(30).left(dead), pair.eliminated), (4, Eliminated::default()));

    // Softmax mixes channels: elimination knows nothing about it, like about an operator to come.
    let mut network = Network::new(16, &IMAGE);
    let dead = stem(&mut network);
    let softmax = network.activation(&[1, 6, 5, 4], -128);
    network.graph.tensors[softmax].quantization.as_mut().unwrap().scales = vec![1.0 / 256.0];
    network.node(Op::Softmax { beta: 1.0 }, &[dead], softmax);
    let output = network.conv(softmax, 1, false, &[Alive, Constant(1)]);
    network.ignore(output, &[0, 1]);
    let pair = network.finish(&[output]);
    pair.agree(30);
    assert_eq!((pair.left(dead), pair.left(softmax), pair.left(output)), (4, 4, 2));
}

#[test]
fn a_layer_whose_inputs_are_all_constant_keeps_one() {
    let mut network = Network::new(17, &IMAGE);
    let first = network.conv(0, 1, false, &[Constant(1), Constant(2), Constant(3)]);
    let second = network.conv(first, 1, false, &[Alive, Alive]);
    let alive = network.conv(0, 1, false, &[Alive, Alive]);
    let sum = network.add(second, alive);
    let pair = network.finish(&[sum]);
    pair.agree(30);
    // The sum reads what the second layer computes, so the layer stays and reads something.
    assert_eq!([first, second, sum].map(|id| pair.left(id)), [1, 2, 2]);
}

#[test]
fn models_without_dead_channels_stay_as_they_are() {
    let mut network = Network::new(18, &IMAGE);
    let first = network.conv(0, 3, true, &[Alive; 4]);
    let output = network.depthwise(first, true, &[Alive; 8]);
    let pair = network.finish(&[output]);
    assert_eq!(pair.whole.model, pair.small.model);
    assert_eq!(pair.eliminated, Eliminated::default());
}
