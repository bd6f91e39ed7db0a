//! Everything that a run is: what a checkpoint holds, so that a run that was killed goes on bit by bit.

use ocelli_compiler::graph::{Data, Graph};
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use crate::network::{Network, Norm};
use crate::optimiser::Memory;
use crate::score::Score;
use crate::tie::Tie;

/// A run between two steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Index of the stage that is under way.
    pub stage: usize,
    /// Whether the stage has been prepared: pruned, quantized, whatever it begins with.
    pub is_prepared: bool,
    /// Epochs of the stage that are done.
    pub epoch: usize,
    /// Steps of this epoch that are done.
    pub step: usize,
    /// Sum of the losses of this epoch.
    #[serde(with = "bits")]
    pub loss: f64,
    /// Right answers among this epoch's batches, of a classifier.
    pub right: usize,
    /// The network's graph.
    pub graph: Graph,
    /// Its normalization.
    pub norms: BTreeMap<usize, Norm>,
    /// What keeps weights pruned or clustered, by parameter.
    pub ties: Vec<Tie>,
    /// The optimiser's memory, by parameter.
    pub memories: Vec<Memory>,
    /// The best network of the stage so far.
    pub best: Option<Best>,
    /// Scales of activations, once integers are trained: a graph like `graph`.
    pub scaled: Option<Graph>,
    /// Bits of the weights of each layer, once integers are trained.
    pub bits: BTreeMap<String, u8>,
    /// What there was to tell, an entry for each epoch.
    pub log: Vec<Entry>,
}

/// The network that did best on the validation part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Best {
    /// How good it was.
    pub score: Score,
    /// After which epoch.
    pub epoch: usize,
    /// Its numbers.
    pub graph: Graph,
    /// Its normalization.
    pub norms: BTreeMap<usize, Norm>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the stage.
    pub stage: String,
    /// From 1.
    pub epoch: usize,
    /// Mean loss over the epoch.
    pub loss: f32,
    /// Part of right answers while it trained, of a classifier.
    pub train: Option<f32>,
    /// How good it is on the validation part.
    pub score: Score,
    /// Weights that are not 0.
    pub weights: usize,
}

/// A double as its bits: readers of JSON may be off in the last digit.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

impl State {
    /// The beginning of a run.
    pub fn new(network: Network) -> State {
        State {
            stage: 0,
            is_prepared: false,
            epoch: 0,
            step: 0,
            loss: 0.0,
            right: 0,
            graph: network.graph,
            norms: network.norms,
            ties: Vec::new(),
            memories: Vec::new(),
            best: None,
            scaled: None,
            bits: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    /// The network as it is.
    pub fn network(&self) -> Network {
        Network { graph: self.graph.clone(), norms: self.norms.clone() }
    }

    /// Takes another network for the same weights; what ties them goes along by name.
    pub fn set_network(&mut self, network: Network) {
        let names = self.network().parameters().into_iter().map(|parameter| parameter.name);
        let ties: BTreeMap<String, Tie> = names.zip(self.ties.iter().cloned()).collect();
        let find = |name: &String| ties.get(name).cloned().unwrap_or_default();
        self.ties = network.parameters().iter().map(|parameter| find(&parameter.name)).collect();
        (self.graph, self.norms) = (network.graph, network.norms);
    }

    /// Every vector of numbers, in a fixed order: a checkpoint keeps them apart from the rest.
    pub(crate) fn vectors(&mut self) -> Vec<&mut Vec<f32>> {
        fn of_graph(graph: &mut Graph) -> impl Iterator<Item = &mut Vec<f32>> {
            graph.tensors.iter_mut().filter_map(|tensor| match &mut tensor.data {
                Some(Data::F32(values)) => Some(values),
                _ => None,
            })
        }
        fn of_norms(norms: &mut BTreeMap<usize, Norm>) -> impl Iterator<Item = &mut Vec<f32>> {
            norms.values_mut().flat_map(|norm| {
                [&mut norm.gain, &mut norm.offset, &mut norm.mean, &mut norm.variance].into_iter()
            })
        }
        let mut vectors: Vec<&mut Vec<f32>> =
            of_graph(&mut self.graph).chain(of_norms(&mut self.norms)).collect();
        for memory in &mut self.memories {
            vectors.extend([&mut memory.first, &mut memory.second]);
        }
        vectors.extend(self.ties.iter_mut().filter_map(Tie::centroids_mut));
        if let Some(best) = &mut self.best {
            vectors.extend(of_graph(&mut best.graph).chain(of_norms(&mut best.norms)));
        }
        vectors.extend(self.scaled.iter_mut().flat_map(of_graph));
        vectors
    }
}
