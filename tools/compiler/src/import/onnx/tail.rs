//! The end of a detector's graph: what lies between the convolutions of its heads and the outputs, run in
//! tract by itself, and cut off when it is recognised as the decoding of boxes.
//!
//! Its operators are never lowered, so it may hold some that no device runs.

use std::collections::HashMap;
use std::sync::Arc;

use tract_core::internal::{TValue, TVec, Tensor as TractTensor, TractResult};
use tract_core::model::{IntoRunnable, OutletId, SpecialOps, TypedModel, TypedSimplePlan};
use tract_core::ops::cnn::Conv;

use super::concrete_shape;
use crate::detector::{Answer, DecodedHeads, Tail, recognise};

/// Heads of a detector and what the graph made of them.
pub(super) struct Cut {
    /// The convolutions that end the heads, in the order of [`DecodedHeads`]' outputs.
    pub(super) heads: Vec<OutletId>,
    pub(super) decoded: DecodedHeads,
}

/// Most convolutions that end in one tail.
const MOST: usize = 24;

/// The end of a graph if it decodes boxes; `Err` says why one that looks like it is not cut off.
pub(super) fn find(model: &TypedModel) -> Result<Option<Cut>, String> {
    let Some((heads, order)) = frontier(model) else { return Ok(None) };
    let (Some(input), true) = (input_size(model), boxes_among_outputs(model)) else { return Ok(None) };
    let shapes: Vec<[usize; 3]> = heads.iter().filter_map(|&head| channels_first(model, head)).collect();
    if shapes.len() != heads.len() {
        return Ok(None);
    }
    let plan = part(model, &heads, &order).map_err(|error| format!("{error:#}"))?;
    let ask = |values: &[Vec<f32>]| run(&plan, &shapes, values).map_err(|error| format!("{error:#}"));
    let decoded = recognise(&Tail { sources: shapes.clone(), input, ask: &ask })?;
    Ok(Some(Cut { heads, decoded }))
}

/// The last convolutions before the outputs, and the nodes behind them; `None` when some output is not
/// computed from such alone, or directly.
fn frontier(model: &TypedModel) -> Option<(Vec<OutletId>, Vec<usize>)> {
    let (mut heads, mut behind) = (Vec::new(), Vec::new());
    let mut waiting = model.outputs.clone();
    while let Some(outlet) = waiting.pop() {
        let node = model.node(outlet.node);
        if behind.contains(&outlet.node) || heads.contains(&outlet) || is_constant(model, outlet) {
            continue;
        }
        if node.op.is::<Conv>() && !counts_bins(model, outlet.node) {
            heads.push(outlet);
        } else if node.inputs.is_empty() || node.op.name() == "EinSum" || heads.len() > MOST {
            return None;
        } else {
            behind.push(outlet.node);
            waiting.extend(&node.inputs);
        }
    }
    let is_tail =
        (1..=MOST).contains(&heads.len()) && !model.outputs.iter().any(|output| heads.contains(output));
    heads.sort();
    let order = model.eval_order().ok()?;
    is_tail.then(|| (heads, order.into_iter().filter(|node| behind.contains(node)).collect()))
}

fn is_constant(model: &TypedModel, outlet: OutletId) -> bool {
    model.outlet_fact(outlet).is_ok_and(|fact| fact.konst.is_some())
}

/// Whether a convolution is the mean of the bins of a distribution: its weights are 0, 1, 2 ...
fn counts_bins(model: &TypedModel, node: usize) -> bool {
    let weights =
        model.node(node).inputs.get(1).and_then(|&outlet| model.outlet_fact(outlet).ok()?.konst.clone());
    let Some(weights) = weights else { return false };
    let Ok(values) = weights.to_plain_array_view::<f32>() else { return false };
    values.len() > 1 && values.iter().enumerate().all(|(index, &value)| value == index as f32)
}

/// Whether an output has a box in every row, or column.
fn boxes_among_outputs(model: &TypedModel) -> bool {
    let shapes: Vec<Vec<usize>> =
        model.outputs.iter().filter_map(|&output| concrete_shape(model, output).ok()).collect();
    match &shapes[..] {
        [joint] => joint.len() >= 2 && joint[joint.len() - 2..].iter().all(|&axis| axis > 4),
        [left, right] => left.last() == Some(&4) || right.last() == Some(&4),
        _ => false,
    }
}

/// Width and height of the picture that the model sees.
fn input_size(model: &TypedModel) -> Option<[usize; 2]> {
    let &[input] = &model.inputs[..] else { return None };
    match concrete_shape(model, input).ok()?[..] {
        [_, 1 | 3 | 4, height, width] => Some([width, height]),
        [_, height, width, _] => Some([width, height]),
        _ => None,
    }
}

/// Rows, columns and channels of `[1, C, H, W]`.
fn channels_first(model: &TypedModel, outlet: OutletId) -> Option<[usize; 3]> {
    match concrete_shape(model, outlet).ok()?[..] {
        [1, channels, rows, columns] => Some([rows, columns, channels]),
        _ => None,
    }
}

/// The nodes behind the heads as a model of their own.
fn part(model: &TypedModel, heads: &[OutletId], order: &[usize]) -> TractResult<Arc<TypedSimplePlan>> {
    let mut part = TypedModel::default();
    let mut places: HashMap<OutletId, OutletId> = HashMap::new();
    for (index, &head) in heads.iter().enumerate() {
        let fact = model.outlet_fact(head)?.without_value();
        places.insert(head, part.add_source(format!("head {index}"), fact)?);
    }
    for &id in order {
        let node = model.node(id);
        let mut inputs = Vec::new();
        for &input in &node.inputs {
            let place = match (places.get(&input), &model.outlet_fact(input)?.konst) {
                (Some(&place), _) => place,
                (None, Some(constant)) => {
                    let place =
                        part.add_const(format!("constant {}.{}", input.node, input.slot), constant.clone())?;
                    places.insert(input, place);
                    place
                }
                (None, None) => {
                    tract_core::internal::bail!("node {:?} reads what no head computes", node.name)
                }
            };
            inputs.push(place);
        }
        let outputs = part.wire_node(&node.name, node.op.clone(), &inputs)?;
        for (slot, &place) in outputs.iter().enumerate() {
            places.insert(OutletId::new(id, slot), place);
        }
    }
    let outputs: Vec<OutletId> =
        model.outputs.iter().filter_map(|output| places.get(output).copied()).collect();
    part.select_output_outlets(&outputs)?;
    part.into_runnable()
}

/// Runs the part on `[rows, columns, channels]` of every head.
fn run(plan: &Arc<TypedSimplePlan>, shapes: &[[usize; 3]], values: &[Vec<f32>]) -> TractResult<Vec<Answer>> {
    let inputs = shapes.iter().zip(values).map(|(&[rows, columns, channels], values)| {
        let stored = TractTensor::from_shape(&[1, rows, columns, channels], values)?;
        Ok(TValue::from(stored.permute_axes(&[0, 3, 1, 2])?))
    });
    let outputs = plan.run(inputs.collect::<TractResult<TVec<TValue>>>()?)?;
    outputs
        .iter()
        .map(|output| {
            let view = output.to_plain_array_view::<f32>()?;
            Ok(Answer { shape: output.shape().to_vec(), values: view.iter().copied().collect() })
        })
        .collect()
}
