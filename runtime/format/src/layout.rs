//! Layouts of weights that a schedule may ask for, and back: the host's side of what kernels read.
//!
//! A layout holds the same weights in the order in which a core's inner loop wants them, so it can be made of
//! the canonical ones and they of it, and the answer id stays. `SPEC.md` has the layouts' codes; of others only
//! the kernels that read them know anything.

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

use crate::schedule::{OperatorStepView, StepView};
use crate::{Artefact, Storage, TensorId};

/// Outputs in pairs that share halfwords, for cores that multiply two halfwords at once; see `SPEC.md`.
pub const PAIRED: u8 = 1;

/// Outputs that stand together in [`PAIRED`], and weights of each.
const PAIR: usize = 2;
const QUAD: usize = 4;

/// int8 weights of shape `axes` in a layout. `None` for an unknown one, for weights that it does not hold, and
/// where their number is not that of the axes.
pub fn relay(layout: u8, axes: &[u32], weights: &[u8]) -> Option<Vec<u8>> {
    let [outputs, depth] = matrix(layout, axes)?;
    if weights.len() != outputs.checked_mul(depth)? {
        return None;
    }
    let weight = |output: usize, k: usize| {
        if output < outputs && k < depth { i16::from(weights[output * depth + k] as i8) } else { 0 }
    };
    let mut relaid = Vec::with_capacity(paired_bytes(outputs, depth)?);
    for [output, k] in halfwords(outputs, depth) {
        let halfword = weight(output + 1, k).checked_mul(256)?.checked_add(weight(output, k))?;
        relaid.extend(halfword.to_le_bytes());
    }
    Some(relaid)
}

/// The canonical weights again; `None` where [`relay`] cannot have made the bytes.
pub fn dense(layout: u8, axes: &[u32], relaid: &[u8]) -> Option<Vec<u8>> {
    let [outputs, depth] = matrix(layout, axes)?;
    if relaid.len() != paired_bytes(outputs, depth)? {
        return None;
    }
    let mut weights = vec![0; outputs * depth];
    let mut set = |output: usize, k: usize, weight: i16| {
        if output < outputs && k < depth {
            weights[output * depth + k] = weight as u8;
        }
    };
    for ([output, k], bytes) in halfwords(outputs, depth).zip(relaid.as_chunks().0) {
        let halfword = i16::from_le_bytes(*bytes);
        let low = i16::from(halfword as i8);
        set(output, k, low);
        set(output + 1, k, ((i32::from(halfword) - i32::from(low)) >> 8) as i16);
    }
    // A weight of 128, or one in the padding, is nobody's.
    (relay(layout, axes, &weights)? == relaid).then_some(weights)
}

/// Outputs and weights of each, if a layout is [`PAIRED`] and the axes are those of weights by output.
fn matrix(layout: u8, axes: &[u32]) -> Option<[usize; 2]> {
    let (&outputs, depth) = axes.split_first().filter(|_| layout == PAIRED && axes.len() >= 2)?;
    let depth = depth.iter().try_fold(1u32, |product, &axis| product.checked_mul(axis))?;
    Some([outputs as usize, depth as usize])
}

fn paired_bytes(outputs: usize, depth: usize) -> Option<usize> {
    outputs.checked_next_multiple_of(PAIR)?.checked_mul(depth.checked_next_multiple_of(QUAD)?)
}

/// First output and weight of every halfword, in their order.
fn halfwords(outputs: usize, depth: usize) -> impl Iterator<Item = [usize; 2]> {
    let quads = move |output: usize| (0..depth).step_by(QUAD).map(move |k| [output, k]);
    let quads = (0..outputs).step_by(PAIR).flat_map(quads);
    quads.flat_map(|[output, k]| [k, k + 2, k + 1, k + 3].map(|k| [output, k]))
}

impl<'a> Artefact<'a> {
    /// The values of a constant one after another, however it is stored; `None` for an activation, and where the only
    /// bytes stand in a layout that is unknown here.
    pub fn values(&self, id: TensorId) -> Option<Cow<'a, [u8]>> {
        let tensor = self.tensor(id);
        if tensor.storage() != Storage::Relaid {
            return tensor.values();
        }
        let mut steps = self.schedules().flat_map(|schedule| schedule.steps());
        steps.find_map(|step| match step {
            StepView::Operator(step) => self.values_in(id, &step),
            StepView::RowGroup(group) => group.inner().find_map(|row| self.values_in(id, &row.step)),
        })
    }

    /// The same from one step.
    fn values_in(&self, id: TensorId, step: &OperatorStepView<'a>) -> Option<Cow<'a, [u8]>> {
        let operand = self.operator(step.operator).inputs.iter().position(|&input| input == id)?;
        let relaid = step.layout_of(operand)?;
        dense(relaid.layout, self.tensor(id).axes(), relaid.data).map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_come_back_from_every_size() {
        for (outputs, depth) in (1..10).flat_map(|outputs| (1..10).map(move |depth| (outputs, depth))) {
            let weights: Vec<u8> = (0..outputs * depth).map(|index| (index * 91 + 3) as u8 | 1).collect();
            let axes = [outputs, depth];
            let relaid = relay(PAIRED, &axes, &weights).unwrap();
            assert_eq!(relaid.len() as u32, outputs.next_multiple_of(2) * depth.next_multiple_of(4));
            assert_eq!(dense(PAIRED, &axes, &relaid).unwrap(), weights, "{axes:?}");
        }
    }

    #[test]
    fn the_first_words_are_these() {
        // Weight k of output o is 10 o + k, but for a negative one that borrows from its neighbour.
        let mut weights: Vec<u8> = (0..12).map(|index| 10 * (index / 4) + index % 4).collect();
        weights[0] = -7i8 as u8;
        let relaid = relay(PAIRED, &[3, 1, 1, 4], &weights).unwrap();
        let halfwords = [-7, 9, 2, 12, 1, 11, 3, 13, 20, 0, 22, 0, 21, 0, 23, 0].map(|value: i8| value as u8);
        assert_eq!(relaid, halfwords);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(relay(PAIRED + 1, &[4, 4], &[0; 16]), None, "an unknown layout");
        assert_eq!(relay(PAIRED, &[4, 4], &[0; 15]), None, "a weight is missing");
        assert_eq!(relay(PAIRED, &[16], &[0; 16]), None, "no outputs");
        let mut weights = [0; 16];
        (weights[0], weights[4]) = (-1i8 as u8, i8::MIN as u8);
        assert_eq!(relay(PAIRED, &[4, 4], &weights), None, "256 * -128 - 1 is no halfword");
        assert_eq!(dense(PAIRED, &[4, 4], &[0; 15]), None, "a byte is missing");
        assert_eq!(dense(PAIRED, &[1, 4], &[1; 16]), None, "an output that does not exist");
        assert_eq!(dense(PAIRED, &[u32::MAX, u32::MAX], &[]), None, "more than there can be");
    }
}
