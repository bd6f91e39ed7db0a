//! Weights laid out for a profile's kernels: which layout an operator's get, if any.

use ocelli_format::layout::{PAIRED, relay};
use ocelli_format::model::{Model, Node, Relaid, Tensor};
use ocelli_format::{Element, Operator};

use super::profile::Profile;

/// The operand that has layouts, and those that its sums end with.
const WEIGHTS: usize = 1;
const BIAS: usize = 2;

/// The weights of `operators` as the kernels of `profile` read them fastest; `None` where that is as they are. Small layers may
/// grow much, so that a firmware needs no loops for the canonical layout: all layers together may not grow more than a
/// little, and where they do, only those that grow a little themselves are laid out anew.
pub(super) fn relay_all(model: &Model, operators: &[usize], profile: Profile) -> Vec<Option<Relaid>> {
    let relaid = operators.iter().map(|&operator| relaid(model, &model.operators[operator], profile));
    let relaid: Vec<Option<(Relaid, usize)>> = relaid.collect();
    let is_small = |bytes: usize, canonical: usize| bytes * 100 <= canonical * MOST_PERCENT;
    let (bytes, canonical) =
        relaid.iter().flatten().fold((0, 0), |(bytes, canonical), (layer, layer_canonical)| {
            (bytes + layer.data.len(), canonical + layer_canonical)
        });
    let all_are_small = is_small(bytes, canonical);
    let chosen = |(layer, canonical): (Relaid, usize)| {
        (all_are_small || is_small(layer.data.len(), canonical)).then_some(layer)
    };
    relaid.into_iter().map(|layer| layer.and_then(chosen)).collect()
}

/// The weights of `node` in the layout of a profile, and their bytes in the canonical one; `None` where it has none.
fn relaid(model: &Model, node: &Node, profile: Profile) -> Option<(Relaid, usize)> {
    let operand = |index: usize| model.tensors.get(usize::from(*node.inputs.get(index)?));
    let has_layout = match node.operator {
        Operator::FullyConnected { .. } => true,
        // Groups have no loops of their own.
        Operator::Conv2d { .. } => operand(0)?.shape.last() == operand(WEIGHTS)?.shape.last(),
        _ => false,
    };
    let weights = operand(WEIGHTS).filter(|weights| weights.element == Element::I8)?;
    let canonical = weights.data.as_deref()?;
    // What is stored in fewer bytes has kernels of its own.
    let is_dense = !model.storage.contains_key(node.inputs.get(WEIGHTS)?);
    if profile != Profile::CortexM4
        || !is_dense
        || !has_layout
        || !odd_sums_fit(operand(0)?, weights, operand(BIAS)?)
    {
        return None;
    }
    let data = relay(PAIRED, &weights.shape, canonical)?;
    Some((Relaid { operand: WEIGHTS as u8, layout: PAIRED, data }, canonical.len()))
}

/// What layouts may take, in percent of the canonical one.
const MOST_PERCENT: usize = 105;

/// Whether no sum of an odd output reaches 2^23 in magnitude, whatever the input is.
fn odd_sums_fit(input: &Tensor, weights: &Tensor, bias: &Tensor) -> bool {
    let zero_point = i64::from(input.zero_point);
    let largest = (127 - zero_point).max(128 + zero_point);
    let outputs = weights.shape.first().map_or(1, |&outputs| outputs as usize).max(1);
    let data = weights.data.as_deref().unwrap_or(&[]);
    let rows = data.chunks((data.len() / outputs).max(1));
    let mut biases =
        bias.data.as_deref().unwrap_or(&[]).as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes));
    rows.skip(1).step_by(2).all(|row| {
        let bias = biases.nth(1).map_or(0, |bias| i64::from(bias).abs());
        let sum: i64 = row.iter().map(|&weight| i64::from(weight as i8).abs() * largest).sum();
        sum + bias < 1 << 23
    })
}
