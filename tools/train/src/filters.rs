//! Structured pruning: whole channels go, and with them filters, normalization and what read them.
//!
//! Channels that have to go together are found first (`filters/channels.rs`): those that an addition, a depthwise layer, a
//! concatenation or a reshape binds. A class of channels is worth what its filters are worth together; in every group
//! of classes the least worthy part goes. What stays is a smaller dense network, which every kernel runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::network::{Network, Place};

mod channels;
mod rebuild;

use channels::Channels;

/// What a stage takes away before it trains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Part of the channels of every group that goes.
    pub part: f32,
    /// What makes a filter worthy.
    #[serde(default)]
    pub by: Criterion,
    /// Other parts for groups, by the name of a layer in them; 0 leaves a group alone.
    #[serde(default)]
    pub layers: BTreeMap<String, f32>,
}

/// What makes a filter worthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The length of its weights (Li and others, 2017).
    #[default]
    Norm,
    /// The gain of its normalization (Liu and others, 2017); its length where there is none.
    Scale,
    /// How much the loss would change without it, to first order (Molchanov and others, 2017).
    Taylor,
}

impl Filters {
    /// Takes channels away. `gradients` are those of the network's parameters, in their order, for
    /// [`Criterion::Taylor`]. Gives how many channels went.
    pub(crate) fn apply(&self, network: &mut Network, gradients: &[Vec<f32>]) -> usize {
        let channels = Channels::of(network);
        let worth = self.worth(network, &channels, gradients);
        let mut goes = vec![false; channels.classes()];
        for group in channels.groups() {
            let part = channels
                .layers(network, &group)
                .find_map(|name| self.layers.get(name).copied())
                .unwrap_or(self.part);
            let mut order = group.clone();
            order.sort_by(|&a, &b| worth[a].total_cmp(&worth[b]).then(a.cmp(&b)));
            // One channel stays.
            let count = ((part * group.len() as f32).round() as usize).min(group.len() - 1);
            order[..count].iter().for_each(|&class| goes[class] = true);
        }
        rebuild::without(network, &channels, &goes);
        goes.iter().filter(|&&goes| goes).count()
    }

    /// What each class of channels is worth: of all layers that compute it, each measured against its own mean.
    fn worth(&self, network: &Network, channels: &Channels, gradients: &[Vec<f32>]) -> Vec<f32> {
        let mut worth = vec![0.0; channels.classes()];
        let places: Vec<Place> = network.parameters().iter().map(|parameter| parameter.place).collect();
        for (index, node) in network.graph.nodes.iter().enumerate().filter(|(_, node)| node.op.is_weighted())
        {
            let own = channels.of_tensor(node.outputs[0]);
            let taken = |place: Place| {
                let gradient =
                    places.iter().position(|&other| other == place).and_then(|at| gradients.get(at));
                (network.values(place), gradient.filter(|gradient| !gradient.is_empty()))
            };
            let scale = network.norms.contains_key(&index).then_some(Place::Gain(index));
            let place = match (self.by, scale) {
                (Criterion::Norm, _) | (_, None) => Place::Constant(node.inputs[1]),
                (_, Some(gain)) => gain,
            };
            let (values, gradient) = taken(place);
            let innermost = matches!(node.op, ocelli_compiler::graph::Op::DepthwiseConv2d { .. });
            let taps = (values.len() / own.len().max(1)).max(1);
            let mut each = vec![0.0f32; own.len()];
            for (at, &value) in values.iter().enumerate() {
                let channel = if innermost { at % own.len() } else { at / taps };
                each[channel] += match (self.by, gradient) {
                    (Criterion::Taylor, Some(gradient)) => value * gradient[at],
                    _ => value * value,
                };
            }
            let sizes: Vec<f32> = each.iter().map(|sum| sum.abs().sqrt()).collect();
            let mean = (sizes.iter().sum::<f32>() / sizes.len().max(1) as f32).max(f32::MIN_POSITIVE);
            own.iter().zip(&sizes).for_each(|(&class, size)| worth[class] += size / mean);
        }
        worth
    }
}

#[cfg(test)]
mod tests;
