//! Backwards through the model: which channels some output depends on.

use ocelli_format::model::Model;

use super::flow::Flow;
use super::range::{Range, folded, period};
use super::{Marks, activations, channels};

/// Marks, besides, every channel that a marked one depends on.
///
/// A layer with weights does not need what its weights ignore, nor what adds the same number everywhere,
/// and for an output that never changes it needs nothing at all. Other operators hand the values on
/// themselves, so they need what they are needed for.
pub(super) fn add_needed(model: &Model, flows: &[Flow<'_>], ranges: &[Vec<Range>], needed: &mut Marks) {
    for (node, flow) in model.operators.iter().zip(flows).rev() {
        let outputs: Vec<usize> = node.outputs.iter().map(|&id| usize::from(id)).collect();
        if !outputs.iter().any(|&output| needed[output].contains(&true)) {
            continue;
        }
        let wanted = needed[outputs[0]].clone();
        let first = usize::from(node.inputs[0]);
        match flow {
            Flow::Weighted(layer) => {
                let inputs = folded(&ranges[first], layer.period);
                let mut read = vec![false; layer.period];
                for output in (0..layer.outputs).filter(|&output| wanted[output]) {
                    if ranges[outputs[0]][output].constant().is_some() {
                        continue;
                    }
                    for term in layer.terms(output) {
                        let channel = term.input % layer.period;
                        read[channel] |= !layer.is_fixed(term, inputs[channel]);
                    }
                }
                mark(&mut needed[first], |channel| read[channel % layer.period]);
            }
            Flow::Channelwise => {
                for operand in activations(model, node) {
                    let serves_all = needed[operand].len() == 1;
                    mark(&mut needed[operand], |channel| serves_all || wanted[channel]);
                }
            }
            Flow::Joined => {
                let mut before = 0;
                for &operand in &node.inputs {
                    mark(&mut needed[usize::from(operand)], |channel| wanted[before + channel]);
                    before += channels(super::tensor(model, operand));
                }
            }
            Flow::Widened { before } => mark(&mut needed[first], |channel| wanted[before + channel]),
            Flow::Regrouped => {
                let period = period(needed[first].len(), wanted.len());
                let mut read = vec![false; period];
                for (channel, &wanted) in wanted.iter().enumerate() {
                    read[channel % period] |= wanted;
                }
                mark(&mut needed[first], |channel| read[channel % period]);
            }
            Flow::Barrier => {
                for operand in activations(model, node) {
                    needed[operand].fill(true);
                }
            }
        }
    }
}

fn mark(marks: &mut [bool], wanted: impl Fn(usize) -> bool) {
    for (channel, mark) in marks.iter_mut().enumerate() {
        *mark |= wanted(channel);
    }
}
