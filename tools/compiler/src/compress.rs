//! Weights take the form that pays: after `eliminate`, before `plan`, where a user asks for it.
//!
//! Weights are taken as they are. Zeros, few values and runs of zeros are recognised, so that a model profits that
//! was pruned, clustered or quantized to few bits anywhere. For each layer every form is written and its
//! instructions are counted by a table of measured costs; what is chosen is the fastest or the smallest, so
//! never one than which another is both smaller and faster. Where the file has to be smaller still, layers take smaller
//! forms one after the other. No value changes, and neither does the answer id.

mod cost;

use ocelli_core::Shape;
use ocelli_format::model::{Model, Node, TensorId};
use ocelli_format::{Operator, Storage, encode_weights};
use serde::Serialize;

use cost::{Layer, Weights};

/// What weights are to be stored for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// As they are.
    #[default]
    Off,
    /// The fewest instructions, on a Cortex-M4F with the fast kernels.
    Speed,
    /// The fewest bytes.
    Size,
}

/// The form of a layer's weights, beside dense ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stored {
    /// Name of the layer.
    pub layer: String,
    /// The form.
    pub form: String,
    /// Bytes of the weights in it.
    pub bytes: u64,
    /// Bytes of dense weights.
    pub dense_bytes: u64,
    /// Instructions of the layer on a Cortex-M4F with the fast kernels, by the table of costs.
    pub instructions: u64,
    /// Instructions with dense weights, by the same table.
    pub dense_instructions: u64,
}

/// A form that a layer's weights can have, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    storage: Storage,
    bytes: u64,
    instructions: u64,
}

/// Chooses a form for the weights of every layer, and tells of those that are not left dense.
pub fn compress(model: &mut Model, goal: Goal) -> Vec<Stored> {
    let mut told = Vec::new();
    if goal == Goal::Off {
        return told;
    }
    for (index, weights, layer) in layers(model) {
        let candidates = candidates(model, weights, &layer);
        let chosen = choose(&candidates, goal);
        if chosen.storage != Storage::Dense {
            told.push(stored(&model.operators[index].name, &chosen, &candidates[0]));
            model.storage.insert(weights, chosen.storage);
        }
    }
    if goal == Goal::Size {
        share_factors(model);
    }
    told
}

/// Takes smaller forms until about so many bytes are saved, those first that cost the fewest instructions for each byte,
/// and tells of the layers that are not dense then; `None` where nothing is left to save.
pub fn shrink(model: &mut Model, bytes: u64) -> Option<Vec<Stored>> {
    let before = model.storage.clone();
    share_factors(model);
    let layers = layers(model);
    let forms: Vec<_> = layers.iter().map(|(_, weights, layer)| candidates(model, *weights, layer)).collect();
    let form = |model: &Model, weights: TensorId| model.storage.get(&weights).copied().unwrap_or_default();
    let current = |candidates: &[Candidate], storage: Storage| {
        let found = candidates.iter().find(|candidate| candidate.storage == storage);
        found.copied().unwrap_or(candidates[0])
    };
    let mut offers: Vec<(f64, u64, TensorId, Storage)> = Vec::new();
    for ((_, weights, _), candidates) in layers.iter().zip(&forms) {
        let now = current(candidates, form(model, *weights));
        let price = |smaller: &Candidate| {
            smaller.instructions.saturating_sub(now.instructions) as f64 / (now.bytes - smaller.bytes) as f64
        };
        let smaller = candidates.iter().filter(|candidate| candidate.bytes < now.bytes);
        let best = smaller.min_by(|left, right| {
            price(left).total_cmp(&price(right)).then(left.instructions.cmp(&right.instructions))
        });
        let is_new = offers.iter().all(|&(_, _, offered, _)| offered != *weights);
        let offer = |best: &Candidate| (price(best), now.bytes - best.bytes, *weights, best.storage);
        offers.extend(best.filter(|_| is_new).map(offer));
    }
    offers.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut saved = 0;
    for (_, bytes_less, weights, storage) in offers {
        if saved < bytes {
            saved += bytes_less;
            model.storage.insert(weights, storage);
        }
    }
    let told = layers.iter().zip(&forms).filter_map(|(&(index, weights, _), candidates)| {
        let chosen = current(candidates, form(model, weights));
        let is_told = chosen.storage != Storage::Dense;
        is_told.then(|| stored(&model.operators[index].name, &chosen, &candidates[0]))
    });
    let told = told.collect();
    (model.storage != before).then_some(told)
}

/// Layers whose weights may take other forms: the operator, its weights, and what a run does with them.
fn layers(model: &Model) -> Vec<(usize, TensorId, Layer)> {
    let layers = model.operators.iter().enumerate().filter_map(|(index, node)| {
        let (weights, layer) = layer_of(model, node).filter(|&(weights, _)| only_weights(model, weights))?;
        Some((index, weights, layer))
    });
    layers.collect()
}

/// What there is to tell of a layer that is not dense.
fn stored(layer: &str, chosen: &Candidate, dense: &Candidate) -> Stored {
    Stored {
        layer: layer.to_owned(),
        form: chosen.storage.to_string(),
        bytes: chosen.bytes,
        dense_bytes: dense.bytes,
        instructions: chosen.instructions,
        dense_instructions: dense.instructions,
    }
}

/// The fastest or the smallest; among equals the one that is better otherwise, and among those dense, the first.
fn choose(candidates: &[Candidate], goal: Goal) -> Candidate {
    let rank = |candidate: &&Candidate| match goal {
        Goal::Size => (candidate.bytes, candidate.instructions),
        _ => (candidate.instructions, candidate.bytes),
    };
    candidates.iter().min_by_key(rank).copied().unwrap_or(candidates[0])
}

/// Dense first, then every form that can hold the weights.
fn candidates(model: &Model, weights: TensorId, layer: &Layer) -> Vec<Candidate> {
    let data = model.tensors[usize::from(weights)].data.as_deref().unwrap_or(&[]);
    let values: Vec<i8> = data.iter().map(|&byte| byte as i8).collect();
    let counts = Weights::of(&values, layer.row);
    let candidate =
        |storage, bytes| Candidate { storage, bytes, instructions: cost::of(layer, &counts, storage) };
    let forms = Storage::OF_WEIGHTS.into_iter().filter_map(|storage| {
        let bytes = encode_weights(storage, &values, layer.row)?.len() as u64;
        Some(candidate(storage, bytes))
    });
    [candidate(Storage::Dense, values.len() as u64)].into_iter().chain(forms).collect()
}

/// The weights of a layer for whose forms there are kernels, and what a run does with them.
fn layer_of(model: &Model, node: &Node) -> Option<(TensorId, Layer)> {
    let elements =
        |id: &TensorId| Some(model.tensors.get(usize::from(*id))?.shape.iter().product::<u32>() as usize);
    let (&weights, output) = (node.inputs.get(1)?, elements(node.outputs.first()?)?);
    let tensor = model.tensors.get(usize::from(weights))?;
    let channels = *tensor.shape.first()? as usize;
    let row = tensor.shape.iter().skip(1).product::<u32>() as usize;
    let positions = output / channels.max(1);
    let is_layer = match node.operator {
        Operator::Conv2d { .. } => {
            let input = Shape::new(&model.tensors.get(usize::from(*node.inputs.first()?))?.shape)?.nhwc()?;
            tensor.shape.len() == 4 && tensor.shape.last().map(|&depth| depth as usize) == Some(input[3])
        }
        Operator::FullyConnected { .. } => tensor.shape.len() == 2,
        _ => false,
    };
    let slides = !matches!(node.operator, Operator::FullyConnected { .. });
    (is_layer && row > 0).then_some((weights, Layer { slides, channels, row, positions }))
}

/// Whether a tensor is weights wherever it is read: another operator would not know its form.
fn only_weights(model: &Model, tensor: TensorId) -> bool {
    let mut readers = model.operators.iter().filter(|node| node.inputs.contains(&tensor));
    readers.all(|node| {
        let places = node.inputs.iter().enumerate().filter(|&(_, &input)| input == tensor);
        places.count() == 1 && layer_of(model, node).is_some_and(|(weights, _)| weights == tensor)
    })
}

/// Stores factors once where all channels of a layer have the same.
fn share_factors(model: &mut Model) {
    for node in &model.operators {
        let &[_, _, _, multipliers, shifts] = &node.inputs[..] else { continue };
        let has_factors = matches!(
            node.operator,
            Operator::Conv2d { .. } | Operator::DepthwiseConv2d { .. } | Operator::FullyConnected { .. }
        );
        let are_equal = |id: TensorId| {
            let tensor = &model.tensors[usize::from(id)];
            let mut elements = tensor.data.as_deref().unwrap_or(&[]).chunks(tensor.element.bytes());
            let first = elements.next();
            elements.len() > 0 && elements.all(|element| Some(element) == first)
        };
        // A kernel takes one of each or as many as there are channels.
        if has_factors && are_equal(multipliers) && are_equal(shifts) {
            model.storage.extend([(multipliers, Storage::Uniform), (shifts, Storage::Uniform)]);
        }
    }
}

#[cfg(test)]
mod tests;
