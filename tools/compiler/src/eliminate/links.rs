//! Channels that can only go together: a class of them stays as soon as one of its members is needed.
//!
//! An operator stays when one of its results is needed, or when an operator that stays reads one; the
//! others link nothing.

use ocelli_format::model::{Model, Node};

use super::classes::Classes;
use super::flow::Flow;
use super::range::period;
use super::{Marks, activations, channels, tensor};

/// Marks the needed channels and what can only stay with them.
pub(super) fn with_their_classes(model: &Model, flows: &[Flow<'_>], needed: &Marks) -> Marks {
    let any = |node: &Node, test: &mut dyn FnMut(usize) -> bool| {
        node.outputs.iter().any(|&output| test(usize::from(output)))
    };
    let mut stays: Vec<bool> =
        model.operators.iter().map(|node| any(node, &mut |id| needed[id].contains(&true))).collect();
    loop {
        let staying = || model.operators.iter().zip(flows).zip(&stays).filter(|&(_, &stays)| stays);
        let mut classes = Classes::new(needed);
        staying().for_each(|((node, flow), _)| link(model, node, flow, &mut classes));
        for (id, marks) in needed.iter().enumerate() {
            let wanted = marks.iter().enumerate().filter(|&(_, &needed)| needed);
            wanted.for_each(|(channel, _)| classes.keep(id, channel));
        }
        staying().for_each(|((node, flow), _)| keep_operands(model, node, flow, &mut classes));
        let mut is_done = true;
        for (node, stays) in model.operators.iter().zip(&mut stays) {
            if !*stays && any(node, &mut |id| classes.any_kept(id)) {
                (*stays, is_done) = (true, false);
            }
        }
        if is_done {
            return classes.marks();
        }
    }
}

/// An operator that stays has something to read; barriers keep their shapes.
fn keep_operands(model: &Model, node: &Node, flow: &Flow<'_>, classes: &mut Classes) {
    match flow {
        Flow::Barrier => {
            activations(model, node).for_each(|operand| classes.keep_all(operand));
            node.outputs.iter().for_each(|&output| classes.keep_all(usize::from(output)));
        }
        // The others' operands have a channel of the result's classes, or are left out.
        Flow::Weighted(_) | Flow::Widened { .. } | Flow::Channelwise => {
            activations(model, node).for_each(|operand| classes.keep_one(operand));
        }
        Flow::Joined | Flow::Regrouped => {}
    }
}

/// Links the channels that go through an operator.
fn link(model: &Model, node: &Node, flow: &Flow<'_>, classes: &mut Classes) {
    let (first, output) = (usize::from(node.inputs[0]), usize::from(node.outputs[0]));
    let count = channels(&model.tensors[output]);
    match flow {
        Flow::Weighted(layer) => {
            classes.repeat(first, layer.period);
            // Groups stay alike: a channel goes where its like goes in every group.
            classes.repeat(first, layer.inputs / layer.groups);
            classes.repeat(output, layer.outputs / layer.groups);
            if let Some(multiplier) = layer.multiplier() {
                (0..count).for_each(|channel| classes.link(first, channel / multiplier, output, channel));
            }
        }
        Flow::Channelwise => {
            let has_all = |&operand: &usize| channels(&model.tensors[operand]) == count;
            for operand in activations(model, node).filter(has_all) {
                (0..count).for_each(|channel| classes.link(operand, channel, output, channel));
            }
        }
        Flow::Joined => {
            let mut before = 0;
            for &operand in &node.inputs {
                let described = tensor(model, operand);
                if described.data.is_none() {
                    let link = |channel| {
                        classes.link(usize::from(operand), channel, output, before + channel);
                    };
                    (0..channels(described)).for_each(link);
                }
                before += channels(described);
            }
        }
        Flow::Widened { before } => {
            let inside = channels(&model.tensors[first]);
            (0..inside).for_each(|channel| classes.link(first, channel, output, before + channel));
        }
        Flow::Regrouped => {
            let period = period(channels(&model.tensors[first]), count);
            classes.repeat(first, period);
            classes.repeat(output, period);
            (0..period).for_each(|channel| classes.link(first, channel, output, channel));
        }
        Flow::Barrier => {}
    }
}
