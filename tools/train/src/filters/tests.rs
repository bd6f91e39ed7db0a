//! Channels go through residuals, depthwise layers and flattening, and the rest computes what it did.

use burn::tensor::Device;
use ocelli_compiler::check::check;

use super::*;
use crate::batch;
use crate::families::{Family, Shape};
use crate::learn::numbers;
use crate::pass::{self, Leaves, to_rows};

fn network(family: Family) -> Network {
    Shape { family, picture: [16, 16, 1], classes: 4, width: 0.5, depth: 2 }.build("net", 3).unwrap()
}

fn outputs(network: &Network) -> Vec<f32> {
    let device = Device::default();
    let pixels: Vec<f32> = (0..256).map(|index| (index as f32 * 0.7).sin()).collect();
    let input = batch::input(pixels, [1, 16, 16, 1], &device);
    let leaves = Leaves::fixed(network, &network.parameters(), &device);
    let outcome = pass::forward(network, &leaves, input, &mut pass::Options::default()).unwrap();
    numbers(to_rows(outcome.activation(network.graph.outputs[0]).unwrap(), 4))
}

#[test]
fn every_family_shrinks_and_keeps_the_rules() {
    for family in [Family::Lenet300100, Family::Lenet5, Family::Resnet8, Family::Mobilenet] {
        let mut network = network(family);
        let before = network.count();
        let filters = Filters { part: 0.5, by: Criterion::Norm, layers: BTreeMap::new() };
        assert!(filters.apply(&mut network, &[]) > 0);
        check(&network.folded()).unwrap_or_else(|problem| panic!("{family:?}: {problem}"));
        assert!(network.count() * 2 < before, "{family:?}: {} of {before}", network.count());
        assert!(outputs(&network).iter().all(|value| value.is_finite()));
    }
}

/// Channels whose gain and offset are 0 say nothing: without them the answers are the same.
#[test]
fn channels_that_say_nothing_go_without_a_trace() {
    let mut network = network(Family::Resnet8);
    for (node, norm) in &mut network.norms {
        // A block's inner convolution is bound to nothing else.
        if network.graph.nodes[*node].name.ends_with("conv_1") {
            let half = norm.gain.len() / 2;
            norm.gain[..half].fill(0.0);
            norm.offset[..half].fill(0.0);
        }
    }
    let before = outputs(&network);
    let inner: Vec<String> = network
        .graph
        .nodes
        .iter()
        .map(|node| node.name.clone())
        .filter(|name| name.ends_with("conv_1"))
        .collect();
    let layers = inner.iter().map(|name| (name.clone(), 0.5)).collect();
    let filters = Filters { part: 0.0, by: Criterion::Scale, layers };
    let gone = filters.apply(&mut network, &[]);
    assert_eq!(gone, 2 * (8 + 16 + 32) / 2);
    for (value, wanted) in outputs(&network).iter().zip(&before) {
        assert!((value - wanted).abs() < 1e-4, "{value} {wanted}");
    }
}
