//! Which activations are int16, which layers therefore compute on it, and where values change their type.
//!
//! A layer computes on int16 as soon as something that it reads or yields is stored so; what else it reads or yields is
//! brought to int16 and back. So the rounding of a stored tensor is the only one that its type decides.

use std::collections::BTreeMap;

use super::observe::Observed;
use super::weights::{WeightForm, per_tensor, weight_scale};
use super::{Affine, snapped};
use crate::graph::{Element, Graph, Node, Op, Quantization, Tensor, TensorId, Unary};

/// Scales of int16; none where nothing is.
#[derive(Clone, Debug, Default)]
pub(super) struct Wide {
    /// Of every tensor that is stored in int16.
    stored: Vec<Option<f32>>,
    /// Of what every node yields that computes on it.
    yielded: Vec<Option<f32>>,
}

/// An int8 value less its zero point has room in int16 with so many bits behind the point.
const EXACT: f32 = 128.0;

/// The kernels' factors are below 128; where hardly anything comes out of a layer, its scale is coarser for that.
const MOST_FACTOR: f32 = 100.0;

impl Wide {
    /// With these tensors stored in int16.
    pub(super) fn of(
        graph: &Graph,
        affines: &[Option<Affine>],
        observed: &Observed,
        chosen: &[TensorId],
    ) -> Wide {
        let mut is_chosen = vec![false; graph.tensors.len()];
        chosen.iter().for_each(|&id| is_chosen[id] = true);
        let mut wide =
            Wide { stored: vec![None; graph.tensors.len()], yielded: vec![None; graph.nodes.len()] };
        for (index, node) in graph.nodes.iter().enumerate() {
            let output = node.outputs[0];
            let computed = node.inputs.iter().filter(|&&id| graph.tensors[id].data.is_none());
            if !may_be_wide(graph, node) || !computed.chain([&output]).any(|&id| is_chosen[id]) {
                continue;
            }
            let narrow = affines[output].map_or(1.0, |affine| affine.scale / EXACT);
            let scale = match (&node.op, affines[node.inputs[0]]) {
                // Its operands may have different scales.
                (Op::Concatenate { .. }, _) => peak_scale(observed, output).unwrap_or(narrow),
                (op, Some(affine)) if keeps_scale(op) => wide.operand_scale(node.inputs[0], affine),
                (op, Some(affine)) if op.is_weighted() => {
                    let read = wide.operand_scale(node.inputs[0], affine);
                    let least = largest_weight_scale(graph, node, affine) * read / MOST_FACTOR;
                    peak_scale(observed, output).unwrap_or(narrow).max(least)
                }
                _ => peak_scale(observed, output).unwrap_or(narrow),
            };
            wide.yielded[index] = Some(scale);
            wide.stored[output] = is_chosen[output].then_some(scale);
        }
        wide
    }

    /// Whether a node, by index, computes on int16.
    pub(super) fn computes(&self, node: usize) -> bool {
        self.yielded.get(node).is_some_and(Option::is_some)
    }

    /// The scale in which a node that computes on int16 reads a tensor.
    pub(super) fn operand_scale(&self, id: TensorId, affine: Affine) -> f32 {
        self.stored.get(id).copied().flatten().unwrap_or(affine.scale / EXACT)
    }

    /// Stores tensors of a graph in int8 as int16, and puts changes of type between.
    pub(super) fn rewrite(&self, graph: &mut Graph) {
        let narrow: Vec<Option<Quantization>> =
            graph.tensors.iter().map(|tensor| tensor.quantization.clone()).collect();
        for (tensor, scale) in graph.tensors.iter_mut().zip(&self.stored) {
            if let Some(scale) = *scale {
                tensor.element = Element::I16;
                tensor.quantization = Some(per_tensor(Affine { scale, zero_point: 0 }));
            }
        }
        let mut copies: BTreeMap<TensorId, TensorId> = BTreeMap::new();
        for (index, mut node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
            for id in &mut node.inputs {
                let is_wide = graph.tensors[*id].element == Element::I16;
                if graph.tensors[*id].data.is_some() || is_wide == self.computes(index) {
                    continue;
                }
                *id = *copies.entry(*id).or_insert_with(|| match (is_wide, &narrow[*id]) {
                    (true, Some(narrow)) => requantized(graph, *id, Element::I8, narrow.clone()),
                    (_, narrow) => {
                        let scale = narrow.as_ref().map_or(1.0, |narrow| narrow.scales[0]) / EXACT;
                        requantized(graph, *id, Element::I16, per_tensor(Affine { scale, zero_point: 0 }))
                    }
                });
            }
            let output = node.outputs[0];
            let yielded = self.yielded.get(index).copied().flatten();
            let Some(scale) = yielded.filter(|_| graph.tensors[output].element == Element::I8) else {
                graph.nodes.push(node);
                continue;
            };
            let quantization = Some(per_tensor(Affine { scale, zero_point: 0 }));
            let name = format!("{}/int16", graph.tensors[output].name);
            let wide = Tensor { name, element: Element::I16, quantization, ..graph.tensors[output].clone() };
            graph.tensors.push(wide);
            node.outputs = vec![graph.tensors.len() - 1];
            let name = format!("{}/int8", node.name);
            let back = requantize(name, graph.tensors.len() - 1, output);
            graph.nodes.extend([node, back]);
        }
    }
}

/// Whether there is a kernel for a node on int16.
pub(super) fn may_be_wide(graph: &Graph, node: &Node) -> bool {
    /// Pools of so many pixels do not fit the kernel's sum.
    const MOST_PIXELS: usize = 1 << 15;
    let shape = |id: TensorId| &graph.tensors[id].shape;
    let computed = || node.inputs.iter().all(|&id| graph.tensors[id].data.is_none());
    let output = node.outputs[0];
    match &node.op {
        Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. } => {
            graph.tensors[node.inputs[0]].data.is_none()
        }
        Op::Add { .. } => computed() && node.inputs.iter().all(|&id| shape(id) == shape(output)),
        Op::AveragePool2d { window, .. } | Op::MaxPool2d { window, .. } => {
            computed() && window.filter[0] * window.filter[1] < MOST_PIXELS
        }
        Op::Mean => computed() && shape(node.inputs[0]).iter().rev().skip(1).product::<usize>() < MOST_PIXELS,
        Op::Pad { value: 0.0, .. } => computed() && shape(output).len() <= 4,
        Op::Reshape | Op::Concatenate { .. } => computed(),
        _ => false,
    }
}

/// Whether what a node yields on int16 has the scale of what it reads.
pub(super) fn keeps_scale(op: &Op) -> bool {
    matches!(
        op,
        Op::AveragePool2d { .. }
            | Op::MaxPool2d { .. }
            | Op::Mean
            | Op::Pad { .. }
            | Op::Reshape
            | Op::Concatenate { .. }
    )
}

/// The scale of the output channel with the largest weights, or with the largest bias beside small ones.
fn largest_weight_scale(graph: &Graph, node: &Node, input: Affine) -> f32 {
    let most = |operand: usize| {
        let constant = node.inputs.get(operand).and_then(|&id| graph.tensors[id].floats());
        constant.unwrap_or(&[]).iter().fold(0f32, |most, value| most.max(value.abs()))
    };
    weight_scale(most(1), f32::from(WeightForm::default().most), most(2), input.scale)
}

/// A scale that holds twice what was seen of a tensor, so that nothing is cut off.
fn peak_scale(observed: &Observed, id: TensorId) -> Option<f32> {
    let seen = observed.tensors.get(id)?.as_ref()?;
    let scale = 2.0 * seen.min.abs().max(seen.max.abs()) / f32::from(i16::MAX);
    (seen.min <= seen.max && scale.is_normal()).then(|| snapped(scale, 64.0))
}

/// A copy of a tensor in another type.
fn requantized(graph: &mut Graph, id: TensorId, element: Element, quantization: Quantization) -> TensorId {
    let suffix = if element == Element::I16 { "int16" } else { "int8" };
    let name = format!("{}/{suffix}", graph.tensors[id].name);
    let copy =
        Tensor { name: name.clone(), element, quantization: Some(quantization), ..graph.tensors[id].clone() };
    graph.tensors.push(copy);
    let copy = graph.tensors.len() - 1;
    graph.nodes.push(requantize(name, id, copy));
    copy
}

fn requantize(name: String, from: TensorId, to: TensorId) -> Node {
    Node { name, op: Op::Unary(Unary::Requantize), inputs: vec![from], outputs: vec![to] }
}
