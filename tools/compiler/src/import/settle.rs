//! A float graph with stated scales becomes int8: the end of the way that quantized ONNX takes.
//!
//! The importer leaves real-valued nodes, and scales on tensors: on what `QuantizeLinear` and `DequantizeLinear`
//! name, and on weights. Here scales spread through operators that only move values, operators between two
//! scales become one, and constants get their integers back. A graph in which an activation has no
//! scale stays float, to be calibrated like any other.

use crate::fold::{drop_unused, fuse};
use crate::graph::{Data, Element, Graph, Node, Op, Quantization, Tensor, TensorId, Unary};
use crate::quantize::Affine;
use crate::quantize::ranges::moves_values;
use crate::quantize::weights::{store_bias, weight_scale};

/// Scale and zero point that softmax and the logistic function yield.
const PROBABILITY: (f32, i32) = (1.0 / 256.0, -128);

pub(super) fn settle(graph: &mut Graph) {
    if graph.tensors.iter().all(|tensor| tensor.quantization.is_none()) {
        return;
    }
    absorb(graph);
    fuse(graph);
    spread(graph);
    if let Some(&bare) = activations(graph).iter().find(|&&id| graph.tensors[id].quantization.is_none()) {
        let name = graph.tensors[bare].name.clone();
        graph.tensors.iter_mut().for_each(|tensor| tensor.quantization = None);
        absorb(graph);
        graph.warnings.push(format!(
            "the file states no scale for `{name}`; the model is taken as a float one, which calibration quantizes"
        ));
        return;
    }
    store(graph);
    requantize_between(graph);
    drop_unused(graph);
}

/// Tensors that are computed, and inputs.
fn activations(graph: &Graph) -> Vec<TensorId> {
    let results = graph.nodes.iter().flat_map(|node| node.outputs.iter().copied());
    graph.inputs.iter().copied().chain(results).collect()
}

/// Nodes that state a scale give it to the tensor before them, unless it has another one.
fn absorb(graph: &mut Graph) {
    let mut instead: Vec<TensorId> = (0..graph.tensors.len()).collect();
    let mut kept = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        node.inputs.iter_mut().for_each(|id| *id = instead[*id]);
        if node.op == Op::Unary(Unary::Requantize) {
            let (source, result) = (node.inputs[0], node.outputs[0]);
            let stated = graph.tensors[result].quantization.clone();
            let tensor = &mut graph.tensors[source];
            if tensor.data.is_none() && (tensor.quantization.is_none() || tensor.quantization == stated) {
                tensor.quantization = stated;
                instead[result] = source;
                continue;
            }
        }
        kept.push(node);
    }
    graph.nodes = kept;
    for id in &mut graph.outputs {
        if instead[*id] != *id && !graph.inputs.contains(&instead[*id]) {
            graph.tensors[instead[*id]].name = graph.tensors[*id].name.clone();
        }
        *id = instead[*id];
    }
}

/// Scales pass through operators that move values, forwards and backwards.
fn spread(graph: &mut Graph) {
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for node in &graph.nodes {
            let output = node.outputs[0];
            let of = |id: &TensorId| graph.tensors[*id].quantization.clone();
            let same = || {
                let first = of(node.inputs.first()?)?;
                node.inputs.iter().all(|id| of(id).as_ref() == Some(&first)).then_some(first)
            };
            let found = match node.op {
                Op::Softmax { .. } | Op::Unary(Unary::Logistic) => Some(one(PROBABILITY)),
                Op::Unary(Unary::Tanh) => Some(one((1.0 / 128.0, 0))),
                Op::Concatenate { .. }
                | Op::Unary(Unary::Relu | Unary::Relu6 | Unary::ReluN1To1 | Unary::LeakyRelu { .. }) => {
                    same()
                }
                ref op if moves_values(op) => same(),
                _ => None,
            };
            let has = of(&output);
            if let (None, Some(found)) = (&has, found) {
                graph.tensors[output].quantization = Some(found);
                changed = true;
            } else if moves_values(&node.op) || matches!(node.op, Op::Concatenate { .. }) {
                let Some(stated) = has else { continue };
                for &id in &node.inputs {
                    let tensor = &mut graph.tensors[id];
                    if tensor.data.is_none() && tensor.quantization.is_none() {
                        tensor.quantization = Some(stated.clone());
                        changed = true;
                    }
                }
            }
        }
    }
}

fn one((scale, zero_point): (f32, i32)) -> Quantization {
    Quantization { scales: vec![scale], zero_points: vec![zero_point], axis: 0 }
}

/// Constants get their integers, activations their type.
fn store(graph: &mut Graph) {
    for id in activations(graph) {
        graph.tensors[id].element = Element::I8;
    }
    let mut asymmetric = false;
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let axis = match node.op {
            Op::Conv2d { .. } | Op::TransposeConv2d { .. } | Op::FullyConnected { .. } => Some(0),
            Op::DepthwiseConv2d { .. } => Some(3),
            _ => None,
        };
        for (position, id) in node.inputs.clone().into_iter().enumerate() {
            let tensor = &graph.tensors[id];
            let (Some(values), Some(axis)) = (tensor.floats(), axis) else {
                if tensor.floats().is_some() {
                    let stored = stored_operand(tensor);
                    graph.tensors.push(stored);
                    graph.nodes[index].inputs[position] = graph.tensors.len() - 1;
                }
                continue;
            };
            // A bias follows its weights.
            if position != 1 {
                continue;
            }
            let input = graph.tensors[graph.nodes[index].inputs[0]].quantization.as_ref();
            let input = input.map_or(1.0, |quantization| quantization.scales[0]);
            let bias = graph.nodes[index].inputs.get(2).map(|&bias| graph.tensors[bias].clone());
            let weights = stored_weights(tensor, values, axis, input, bias.as_ref());
            asymmetric |= weights.quantization.iter().any(|q| q.zero_points.iter().any(|&point| point != 0));
            let bias = bias.and_then(|bias| stored_bias(&bias, &weights, input));
            graph.tensors.push(weights);
            graph.nodes[index].inputs[1] = graph.tensors.len() - 1;
            if let Some(bias) = bias {
                graph.tensors.push(bias);
                graph.nodes[index].inputs[2] = graph.tensors.len() - 1;
            }
        }
    }
    // Weights with a zero point are made symmetric where those of uint8 models are.
    if asymmetric {
        graph.tensors.iter_mut().for_each(as_u8);
    }
}

/// An operand like an activation.
fn stored_operand(tensor: &Tensor) -> Tensor {
    let values = tensor.floats().unwrap_or_default();
    let affine = match &tensor.quantization {
        Some(quantization) => {
            Affine { scale: quantization.scales[0], zero_point: quantization.zero_points[0] }
        }
        None => {
            let low = values.iter().copied().fold(0.0, f32::min);
            Affine::covering(low, values.iter().copied().fold(0.0, f32::max))
        }
    };
    Tensor {
        element: Element::I8,
        data: Some(Data::I8(values.iter().map(|&value| affine.store(value)).collect())),
        quantization: Some(one((affine.scale, affine.zero_point))),
        ..tensor.clone()
    }
}

/// Weights as the file stores them; channels whose bias would not fit beside them get a wider scale, and weights
/// without scales one a channel.
fn stored_weights(tensor: &Tensor, values: &[f32], axis: usize, input: f32, bias: Option<&Tensor>) -> Tensor {
    let channels = tensor.shape[axis];
    let run: usize = tensor.shape[axis + 1..].iter().product();
    let of = |index: usize| index / run.max(1) % channels.max(1);
    let offsets = bias.and_then(Tensor::floats).unwrap_or_default();
    let mut stated = tensor.quantization.clone().unwrap_or_else(|| {
        let mut peaks = vec![0f32; channels];
        for (index, value) in values.iter().enumerate() {
            peaks[of(index)] = peaks[of(index)].max(value.abs());
        }
        let scales = peaks.iter().map(|&peak| weight_scale(peak, 127.0, 0.0, input)).collect();
        Quantization { scales, zero_points: vec![0; channels], axis }
    });
    stated.axis = axis;
    let too_fine = |channel: usize, scale: f32| {
        let sum =
            f64::from(offsets.get(channel).copied().unwrap_or(0.0)) / (f64::from(input) * f64::from(scale));
        sum.abs() > f64::from(1 << 30)
    };
    let last = |of_scale: usize| if stated.scales.len() > 1 { of_scale } else { 0 };
    if (0..channels).any(|channel| too_fine(channel, stated.scales[last(channel)])) {
        let widened = (0..channels).map(|channel| {
            let (scale, point) = (stated.scales[last(channel)], stated.zero_points[last(channel)]);
            match too_fine(channel, scale) {
                true => (weight_scale(0.0, 127.0, offsets[channel], input), 0),
                false => (scale, point),
            }
        });
        let (scales, zero_points) = widened.unzip();
        stated = Quantization { scales, zero_points, axis };
    }
    let stored = values.iter().enumerate().map(|(index, value)| {
        let channel = if stated.scales.len() > 1 { of(index) } else { 0 };
        let steps = f64::from(*value) / f64::from(stated.scales[channel]);
        (steps.round() as i32).saturating_add(stated.zero_points[channel]).clamp(-128, 127) as i8
    });
    let data = Some(Data::I8(stored.collect()));
    Tensor { element: Element::I8, data, quantization: Some(stated), ..tensor.clone() }
}

/// The bias in the scale of the sums.
fn stored_bias(bias: &Tensor, weights: &Tensor, input: f32) -> Option<Tensor> {
    let (values, of_weights) = (bias.floats()?, weights.quantization.as_ref()?);
    let scale = |channel: usize| of_weights.scales[if of_weights.scales.len() > 1 { channel } else { 0 }];
    let sum = |channel: usize| f64::from(input) * f64::from(scale(channel));
    let stored = values.iter().enumerate().map(|(channel, &value)| store_bias(value, sum(channel)));
    let quantization = Quantization {
        scales: of_weights.scales.iter().map(|scale| input * scale).collect(),
        zero_points: vec![0; of_weights.scales.len()],
        axis: 0,
    };
    Some(Tensor {
        element: Element::I32,
        data: Some(Data::I32(stored.collect())),
        quantization: Some(quantization),
        ..bias.clone()
    })
}

fn as_u8(tensor: &mut Tensor) {
    if tensor.element != Element::I8 {
        return;
    }
    tensor.element = Element::U8;
    if let Some(Data::I8(values)) = &tensor.data {
        tensor.data = Some(Data::U8(values.iter().map(|&value| value as u8 ^ 0x80).collect()));
    }
    if let Some(quantization) = &mut tensor.quantization {
        quantization.zero_points.iter_mut().for_each(|point| *point += 128);
    }
}

/// Operators that keep their operand's scale, or yield a fixed one, get an explicit step to the stated one.
fn requantize_between(graph: &mut Graph) {
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        let output = node.outputs[0];
        let stated = graph.tensors[output].quantization.clone();
        let element = graph.tensors[output].element;
        let point = if element == Element::U8 { PROBABILITY.1 + 128 } else { PROBABILITY.1 };
        let natural = Some(one((PROBABILITY.0, point)));
        if matches!(node.op, Op::Softmax { .. }) && stated != natural {
            let own = Tensor { quantization: natural, ..graph.tensors[output].clone() };
            graph.tensors.push(own);
            let own = graph.tensors.len() - 1;
            node.outputs = vec![own];
            let name = format!("{}/scale", node.name);
            nodes.push(node);
            nodes.push(Node {
                name,
                op: Op::Unary(Unary::Requantize),
                inputs: vec![own],
                outputs: vec![output],
            });
            continue;
        }
        if moves_values(&node.op) && graph.tensors[node.inputs[0]].quantization != stated {
            let input = node.inputs[0];
            let name = format!("{}/scale", graph.tensors[input].name);
            let moved = Tensor { name: name.clone(), quantization: stated, ..graph.tensors[input].clone() };
            graph.tensors.push(moved);
            node.inputs[0] = graph.tensors.len() - 1;
            let outputs = vec![node.inputs[0]];
            nodes.push(Node { name, op: Op::Unary(Unary::Requantize), inputs: vec![input], outputs });
        }
        nodes.push(node);
    }
    graph.nodes = nodes;
}
