//! The network without some classes of channels.

use ocelli_compiler::graph::{Data, Op, Tensor};

use super::channels::Channels;
use crate::network::{Network, Norm};

/// Removes classes from activations, weights, biases and normalization.
pub(super) fn without(network: &mut Network, channels: &Channels, goes: &[bool]) {
    let kept = |id: usize| -> Vec<usize> {
        let classes = channels.of_tensor(id).iter().enumerate();
        classes.filter(|&(_, &class)| !goes[class]).map(|(place, _)| place).collect()
    };
    for index in 0..network.graph.nodes.len() {
        let node = network.graph.nodes[index].clone();
        if let Op::Prelu = node.op {
            let slopes = &mut network.graph.tensors[node.inputs[1]];
            let axis = slopes.shape.len() - 1;
            keep(slopes, axis, &kept(node.outputs[0]));
        }
        if !node.op.is_weighted() {
            continue;
        }
        let (reads, writes) = (kept(node.inputs[0]), kept(node.outputs[0]));
        let weights = &mut network.graph.tensors[node.inputs[1]];
        match node.op {
            Op::DepthwiseConv2d { .. } => keep(weights, 3, &writes),
            _ => {
                keep(weights, 0, &writes);
                let innermost = weights.shape.len() - 1;
                keep(weights, innermost, &reads);
            }
        }
        if let Some(&bias) = node.inputs.get(2) {
            keep(&mut network.graph.tensors[bias], 0, &writes);
        }
        if let Some(norm) = network.norms.get_mut(&index) {
            let pick = |values: &[f32]| writes.iter().map(|&place| values[place]).collect();
            *norm = Norm {
                gain: pick(&norm.gain),
                offset: pick(&norm.offset),
                mean: pick(&norm.mean),
                variance: pick(&norm.variance),
            };
        }
    }
    for id in 0..network.graph.tensors.len() {
        if network.graph.tensors[id].data.is_none() {
            let count = kept(id).len();
            if let Some(last) = network.graph.tensors[id].shape.last_mut() {
                *last = count;
            }
        }
    }
}

/// Keeps these places along an axis of a constant.
fn keep(tensor: &mut Tensor, axis: usize, places: &[usize]) {
    let extent = tensor.shape[axis];
    if places.len() == extent {
        return;
    }
    let inner: usize = tensor.shape[axis + 1..].iter().product();
    if let Some(Data::F32(values)) = &mut tensor.data {
        let outer = values.len() / (extent * inner).max(1);
        let blocks = (0..outer).flat_map(|block| places.iter().map(move |place| block * extent + place));
        *values = blocks.flat_map(|block| values[block * inner..][..inner].iter().copied()).collect();
    }
    tensor.shape[axis] = places.len();
}
