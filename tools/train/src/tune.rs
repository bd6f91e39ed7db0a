//! Tuning: training with the device's integers in the forward pass.
//!
//! Activations get their scales once, from calibration; then every step rounds the weights as the artefact will hold
//! them and runs the batch in the engine ([`crate::integers`]). Gradients pass through rounding as if it were not
//! there (Jacob and others, 2018).

use std::collections::BTreeMap;

use ocelli_compiler::graph::{Data, Graph};
use ocelli_compiler::quantize::{self, Method, Pixels, WeightForm};
use serde::{Deserialize, Serialize};

use crate::data::{Examples, Reader};
use crate::error::TrainError;
use crate::network::Network;
use crate::state::State;
use crate::tie::Tie;

/// How a stage tunes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tune {
    /// Bits of a weight: 8 or 4.
    #[serde(default = "eight")]
    pub bits: u8,
    /// Other bits for layers by name.
    #[serde(default)]
    pub layers: BTreeMap<String, u8>,
}

fn eight() -> u8 {
    8
}

impl Tune {
    /// The bits of every layer of a network.
    pub(crate) fn bits(&self, graph: &Graph) -> BTreeMap<String, u8> {
        let of = |name: &String| self.layers.get(name).copied().unwrap_or(self.bits);
        let weighted = graph.nodes.iter().filter(|node| node.op.is_weighted());
        weighted.map(|node| (node.name.clone(), of(&node.name))).collect()
    }
}

/// How the weights of each node are stored: clustered ones share a scale, so that they stay few values.
pub(crate) fn forms(state: &State) -> BTreeMap<usize, WeightForm> {
    let network = state.network();
    let mut forms = BTreeMap::new();
    for (index, node) in network.graph.nodes.iter().enumerate().filter(|(_, node)| node.op.is_weighted()) {
        let most = if state.bits.get(&node.name) == Some(&4) { 7 } else { 127 };
        forms.insert(index, WeightForm { most, is_per_tensor: false });
    }
    for (parameter, tie) in network.parameters().iter().zip(&state.ties) {
        if let (Tie::Clustered { .. }, Some(form)) = (tie, forms.get_mut(&parameter.node)) {
            form.is_per_tensor = true;
        }
    }
    forms
}

/// Calibration samples: the first pictures of the training part.
pub(crate) fn samples<'a>(reader: &'a Reader, train: &'a Examples, count: usize) -> Vec<Pixels<'a>> {
    let (channels, scaling) = (reader.image.channels(), &reader.scaling);
    let sample = |index| Pixels { pixels: train.picture(index).into(), channels, scaling };
    (0..count.min(train.len())).map(sample).collect()
}

/// Gives activations their scales and the state the graph that integers are rounded from.
pub(crate) fn prepare(
    state: &mut State,
    reader: &Reader,
    train: &Examples,
    count: usize,
) -> Result<(), TrainError> {
    if state.scaled.is_some() {
        return Ok(());
    }
    let options = quantize::Options {
        method: Method::MinMax,
        input: Some(reader.scaling.clone()),
        keep_weights: true,
        ..quantize::Options::default()
    };
    let quantized = quantize::quantize(state.network().folded(), &samples(reader, train, count), &options)?;
    state.set_network(Network { graph: quantized.float, norms: BTreeMap::new() });
    state.scaled = Some(without_weights(quantized.graph));
    Ok(())
}

/// A quantized graph for its scales alone: the integers come anew from the float graph.
fn without_weights(mut graph: Graph) -> Graph {
    for tensor in &mut graph.tensors {
        match &mut tensor.data {
            Some(Data::I8(values)) => values.clear(),
            Some(Data::I32(values)) => values.clear(),
            _ => {}
        }
    }
    graph
}
