//! Networks that a seed builds from every operator, with dead channels everywhere: outputs stay, whatever
//! the network.

use ocelli_compiler::graph::{Activation, Binary, Op, TensorId, Unary};

use crate::network::{Alive, Channel, Clamped, Constant, Network, window};

/// More than enough for each operator to meet each kind of dead channel.
const NETWORKS: u32 = 400;

#[test]
fn outputs_of_any_network_stay_to_the_byte() {
    let (mut shrunk, mut removed) = (0, 0);
    for seed in 0..NETWORKS {
        let (network, outputs) = build(1000 + seed);
        let pair = network.finish(&outputs);
        for &output in &pair.graph.outputs {
            assert_eq!(Some(&pair.left(output)), pair.graph.tensors[output].shape.last());
        }
        pair.same_bytes(6);
        shrunk += u32::from(pair.eliminated.is_something());
        removed += pair.eliminated.channels;
    }
    println!("{shrunk} of {NETWORKS} networks shrank, by {removed} channels");
    assert!(shrunk * 10 > NETWORKS * 9 && removed > u64::from(NETWORKS) * 8, "{shrunk}, {removed}");
}

/// A network of up to twelve operators with one or two outputs.
fn build(seed: u32) -> (Network, Vec<TensorId>) {
    let mut network = Network::new(seed, &[1, 7, 6, 3]);
    let kinds = kinds(&mut network, 6);
    let mut values = vec![network.conv(0, 3, true, &kinds)];
    for _ in 0..4 + network.below(8) {
        let next = operator(&mut network, &values);
        values.push(next);
    }
    let last = values[values.len() - 1];
    let kinds = kinds_of_head(&mut network);
    let head = match network.below(3) {
        0 => network.conv(last, 1, false, &kinds),
        1 => {
            let elements = network.shape(last).iter().product();
            let flat = network.moving(Op::Reshape, &[last], &[1, elements]);
            network.fully_connected(flat, &kinds)
        }
        _ => {
            let mean = network.mean(last);
            network.fully_connected(mean, &kinds)
        }
    };
    let early = values[network.below(values.len())];
    if network.below(4) > 0 || early == last {
        return (network, vec![head]);
    }
    (network, vec![head, early])
}

/// A random operator on one or two random values.
fn operator(network: &mut Network, values: &[TensorId]) -> TensorId {
    // Late values rather than early ones, so that networks get deep.
    let input = values[values.len() - 1 - network.below(values.len().min(3))];
    let shape = network.shape(input).to_vec();
    let (channels, small) = (shape[3], shape[1].min(shape[2]) < 3);
    let same = small || network.below(2) == 0;
    match network.below(15) {
        0 | 1 => {
            let count = 2 + network.below(6);
            let kinds = kinds(network, count);
            network.conv(input, if same { 3 } else { 1 }, same, &kinds)
        }
        2 => {
            let kinds = kinds(network, 4);
            let window = window(2, 1, 1 + network.below(2), true);
            let groups = if channels % 2 == 0 { 2 } else { 1 };
            let op = Op::Conv2d { window, groups, activation: Activation::Relu6 };
            network.weighted(op, input, &[4, 2, 2, channels / groups], &kinds)
        }
        3 | 4 => {
            let multiplier = if channels < 8 { 1 + network.below(2) } else { 1 };
            let kinds = kinds(network, channels * multiplier);
            network.depthwise(input, same, &kinds)
        }
        5 | 6 => {
            let max = network.below(2) == 0;
            network.pool(max, same, input)
        }
        7 => network.same_shape(Op::Unary(Unary::Relu6), &[input]),
        8 => network.same_shape(Op::Unary(Unary::Logistic), &[input]),
        9 | 10 => {
            let other = partner(network, values, input);
            let op = pairwise(network);
            network.same_shape(op, &[input, other])
        }
        11 => {
            let kinds = kinds(network, 3);
            let other = network.conv(input, 1, false, &kinds);
            network.graph.tensors[other].quantization = network.graph.tensors[input].quantization.clone();
            network.join(&[input, other])
        }
        12 => {
            let (rows, wider) = (network.below(2), network.below(2));
            let (before, after) = (vec![0, rows, 0, wider], vec![0, 0, 1, 0]);
            let padded = [shape[0], shape[1] + rows, shape[2] + 1, channels + wider];
            network.moving(Op::Pad { before, after, value: 0.0 }, &[input], &padded)
        }
        13 => {
            let slopes = network.random_constant(&[channels]);
            network.same_shape(Op::Prelu, &[input, slopes])
        }
        _ => {
            let larger = [shape[0], shape[1] + 2, shape[2] + 1, channels];
            let (align_corners, half_pixel_centers) = (false, network.below(2) == 0);
            let op = match network.below(2) {
                0 => Op::ResizeNearest { align_corners, half_pixel_centers },
                _ => Op::ResizeBilinear { align_corners, half_pixel_centers },
            };
            network.moving(op, &[input], &larger)
        }
    }
}

/// An operator of two tensors.
fn pairwise(network: &mut Network) -> Op {
    let activation = Activation::Linear;
    let binary = |binary| Op::Binary { binary, activation };
    match network.below(9) {
        0..3 => Op::Add { activation: Activation::Relu },
        3 => Op::Mul { activation },
        4 => binary(Binary::Sub),
        5 => binary(Binary::Minimum),
        6 => binary(Binary::Maximum),
        7 => binary(Binary::SquaredDifference),
        _ => Op::Add { activation },
    }
}

/// What goes with a value: another one of its shape, or something that broadcasts to it.
fn partner(network: &mut Network, values: &[TensorId], input: TensorId) -> TensorId {
    let shape = network.shape(input).to_vec();
    match network.below(4) {
        0 => network.random_constant(&shape[3..]),
        1 => {
            let kinds = kinds(network, 1);
            network.conv(input, 1, false, &kinds)
        }
        _ => {
            let same = |&other: &TensorId| other != input && network.shape(other) == shape;
            let found = values.iter().copied().find(same);
            found.unwrap_or_else(|| network.random_constant(&shape[1..]))
        }
    }
}

/// Half of the channels dead, in every way.
fn kinds(network: &mut Network, count: usize) -> Vec<Channel> {
    (0..count)
        .map(|_| match network.below(8) {
            0 | 1 => Constant(0),
            2 => Constant(network.below(60) as i8 - 30),
            3 => Clamped,
            _ => Alive,
        })
        .collect()
}

/// What an output reads of the network.
fn kinds_of_head(network: &mut Network) -> Vec<Channel> {
    let mut kinds = kinds(network, 3);
    kinds[0] = Alive;
    kinds
}
