//! Dead channels leave the model, and no output changes by a bit: after `lower`, before contracts and `plan`.
//!
//! The lowered model says exactly which numbers a device will see, so it can be told which channels
//! never change, whatever the input: all weights zero, everything below the clamp, or only constants
//! before. What a layer would add up from such a channel becomes part of its bias. A channel also goes
//! when every layer that reads it has weights of zero there. Four steps: the *ranges* of all channels
//! forwards, the *needs* of all layers backwards, *links* between channels that can only go together,
//! and the model written anew without the rest. What stays in it keeps every byte.
//!
//! A constant in bytes is not a constant contribution: windows that reach over the border of an image
//! read the zero point there. Such a channel stays, unless its constant is the zero point.

mod classes;
mod flow;
mod layer;
mod links;
mod needs;
mod range;
mod ranges;
mod rewrite;

use std::fmt;

use ocelli_format::model::{Model, Node, Tensor, TensorId};
use serde::Serialize;

use crate::lower::{KeptChannels, Lowered};
use flow::Flow;

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Eliminated {
    /// Output channels of operators with weights.
    pub channels: u64,
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Bytes of constants: weights, biases, factors and tables.
    pub constant_bytes: u64,
}

impl Eliminated {
    /// Whether anything went.
    pub fn is_something(&self) -> bool {
        *self != Eliminated::default()
    }
}

impl fmt::Display for Eliminated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Eliminated { channels, macs, constant_bytes } = self;
        write!(f, "{channels} dead channels with {macs} multiply-accumulates and {constant_bytes} bytes")
    }
}

/// Removes every channel that no output depends on. Inputs and outputs keep their shapes.
pub fn eliminate(lowered: &mut Lowered) -> Eliminated {
    let Some((model, places, kept)) = without_dead_channels(&lowered.model) else {
        return Eliminated::default();
    };
    lowered.kept_channels = thinned(&lowered.model, &kept);
    let (before, after) = (Size::of(&lowered.model), Size::of(&model));
    lowered.model = model;
    for place in &mut lowered.tensors {
        *place = place.and_then(|tensor| places[usize::from(tensor)]);
    }
    Eliminated {
        channels: before.channels - after.channels,
        macs: before.macs - after.macs,
        constant_bytes: before.constant_bytes.saturating_sub(after.constant_bytes),
    }
}

/// Which channels stay of tensors that lose some and not all.
fn thinned(model: &Model, kept: &Marks) -> KeptChannels {
    let stay = |marks: &[bool]| (0..marks.len()).filter(|&channel| marks[channel]).collect();
    let tensors = model.tensors.iter().zip(kept);
    let thinned = tensors.filter(|(_, marks)| marks.contains(&true) && marks.contains(&false));
    thinned.map(|(tensor, marks)| (tensor.name.clone(), stay(marks))).collect()
}

/// The model without them, where its tensors went and what stays of them; `None` where all channels stay.
fn without_dead_channels(model: &Model) -> Option<(Model, Vec<Option<TensorId>>, Marks)> {
    let flows: Vec<Flow<'_>> = model.operators.iter().map(|node| Flow::of(model, node)).collect();
    let ranges = ranges::ranges(model, &flows);
    let mut kept: Marks = model
        .tensors
        .iter()
        .map(|tensor| if tensor.data.is_some() { Vec::new() } else { vec![false; channels(tensor)] })
        .collect();
    pinned(model).for_each(|id| kept[id].fill(true));
    // What stays keeps its values, whether they are needed or not, so what stays with others has needs too.
    loop {
        let mut needed = kept.clone();
        needs::add_needed(model, &flows, &ranges, &mut needed);
        let linked = links::with_their_classes(model, &flows, &needed);
        if linked == kept {
            break;
        }
        kept = linked;
    }
    if kept.iter().flatten().all(|&kept| kept) {
        return None;
    }
    let (model, places) = rewrite::rewrite(model, &flows, &rewrite::Facts { ranges: &ranges, kept: &kept })?;
    Some((model, places, kept))
}

/// One mark for each channel of each tensor; none for constants.
type Marks = Vec<Vec<bool>>;

/// How many channels a tensor has: the extent of its innermost axis.
fn channels(tensor: &Tensor) -> usize {
    tensor.shape.last().map_or(1, |&axis| axis as usize)
}

/// Tensors whose channels must all stay: what a program sees.
fn pinned(model: &Model) -> impl Iterator<Item = usize> + '_ {
    let states = model.states.iter().flat_map(|state| [state.tensor, state.next]);
    model.inputs.iter().chain(&model.outputs).copied().chain(states).map(usize::from)
}

fn tensor(model: &Model, id: TensorId) -> &Tensor {
    &model.tensors[usize::from(id)]
}

/// Operands that are computed, not stored.
fn activations<'m>(model: &'m Model, node: &'m Node) -> impl Iterator<Item = usize> + 'm {
    let ids = node.inputs.iter().filter(|&&id| tensor(model, id).data.is_none());
    ids.map(|&id| usize::from(id))
}

/// What elimination makes smaller.
struct Size {
    channels: u64,
    macs: u64,
    constant_bytes: u64,
}

impl Size {
    fn of(model: &Model) -> Size {
        let constants = model.tensors.iter().filter_map(|tensor| tensor.data.as_ref());
        let constant_bytes = constants.map(|data| data.len() as u64).sum();
        let mut size = Size { channels: 0, macs: 0, constant_bytes };
        for node in &model.operators {
            if let Flow::Weighted(layer) = Flow::of(model, node) {
                size.channels += layer.outputs as u64;
                size.macs += layer.multiply_accumulates();
            }
        }
        size
    }
}
