//! Weights symmetric per output channel, biases in the scale of the sums: the last rewriting step.

use super::observe::{Observed, Seen};
use super::wide::Wide;
use super::{Affine, QuantizeError};
use crate::graph::{Data, Element, Graph, Node, Op, Quantization, Tensor};

/// How the weights of a layer are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightForm {
    /// The largest magnitude of a stored weight: 127 in 8 bits, 7 in 4.
    pub most: i8,
    /// Whether all output channels share a scale, so that weights of equal value are stored alike.
    pub is_per_tensor: bool,
}

impl Default for WeightForm {
    fn default() -> WeightForm {
        WeightForm { most: 127, is_per_tensor: false }
    }
}

/// The graph in int8 under these scales, and in int16 where `wide` says so. `form` says how the weights of a node, by index, are stored.
pub(super) fn quantize(
    graph: &Graph,
    affines: &[Option<Affine>],
    observed: &Observed,
    wide: &Wide,
    form: impl Fn(usize) -> WeightForm,
) -> Result<Graph, QuantizeError> {
    let mut quantized = without_weights(graph);
    for (id, affine) in affines.iter().enumerate() {
        let tensor = &mut quantized.tensors[id];
        let Some(affine) = *affine else { continue };
        if let Some(Data::F32(values)) = &tensor.data {
            tensor.data = Some(Data::I8(values.iter().map(|&value| affine.store(value)).collect()));
        }
        tensor.element = Element::I8;
        tensor.quantization = Some(per_tensor(affine));
    }
    for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.op.is_weighted()) {
        let wide = Some(wide).filter(|wide| wide.computes(index));
        weigh(graph, &mut quantized, node, affines, observed, wide, form(index))?;
    }
    wide.rewrite(&mut quantized);
    Ok(quantized)
}

/// The graph, its weights left out: they are half a gigabyte of some models, and are stored anew.
fn without_weights(graph: &Graph) -> Graph {
    let mut weights = vec![false; graph.tensors.len()];
    for node in &graph.nodes {
        if node.op.is_weighted() {
            weights[node.inputs[1]] = true;
        }
    }
    let tensor = |(tensor, is_weights): (&Tensor, bool)| Tensor {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        quantization: tensor.quantization.clone(),
        element: tensor.element,
        data: if is_weights { None } else { tensor.data.clone() },
    };
    Graph {
        name: graph.name.clone(),
        tensors: graph.tensors.iter().zip(weights).map(tensor).collect(),
        nodes: graph.nodes.clone(),
        inputs: graph.inputs.clone(),
        outputs: graph.outputs.clone(),
        input_orders: graph.input_orders.clone(),
        output_orders: graph.output_orders.clone(),
        decoded: graph.decoded.clone(),
        warnings: graph.warnings.clone(),
    }
}

/// One scale and zero point for all numbers.
pub(super) fn per_tensor(affine: Affine) -> Quantization {
    Quantization { scales: vec![affine.scale], zero_points: vec![affine.zero_point], axis: 0 }
}

/// Quantizes the weights and the bias of a node, which computes on int16 where `wide` is given.
fn weigh(
    graph: &Graph,
    quantized: &mut Graph,
    node: &Node,
    affines: &[Option<Affine>],
    observed: &Observed,
    wide: Option<&Wide>,
    form: WeightForm,
) -> Result<(), QuantizeError> {
    let axis = if matches!(node.op, Op::DepthwiseConv2d { .. }) { 3 } else { 0 };
    let refused = |why: &str| QuantizeError::Node {
        node: node.name.clone(),
        operator: node.op.name(),
        why: why.into(),
    };
    let weights = &graph.tensors[node.inputs[1]];
    let values = weights.floats().ok_or_else(|| refused("its weights are no float constant"))?;
    let input = affines[node.inputs[0]].ok_or_else(|| refused("its input has no scale"))?;
    let channels = weights.shape.get(axis).copied().unwrap_or(0);
    if channels == 0 {
        return Err(refused("its weights have no output channels"));
    }
    let mut bias: Vec<f32> = match node.inputs.get(2) {
        Some(&id) => {
            graph.tensors[id].floats().ok_or_else(|| refused("its bias is no float constant"))?.to_vec()
        }
        None => vec![0.0; channels],
    };
    let taps = (values.len() / channels).max(1);
    let channel_of = |index: usize| if axis == 0 { index / taps } else { index % channels };
    let mut peaks = vec![0f32; channels];
    for (index, value) in values.iter().enumerate() {
        let peak = &mut peaks[channel_of(index)];
        *peak = peak.max(value.abs());
    }
    let most = f32::from(form.most);
    let scale = |(&peak, &bias): (&f32, &f32)| weight_scale(peak, most, bias, input.scale);
    let mut scales: Vec<f32> = peaks.iter().zip(&bias).map(scale).collect();
    if form.is_per_tensor {
        let peak = peaks.iter().copied().fold(0.0, f32::max);
        let bias = bias.iter().copied().fold(0.0f32, |most, bias| most.max(bias.abs()));
        scales.fill(weight_scale(peak, most, bias, input.scale));
    }
    let stored: Vec<i8> = values
        .iter()
        .enumerate()
        .map(|(index, value)| (value / scales[channel_of(index)]).round().clamp(-most, most) as i8)
        .collect();
    // What rounding adds to every sum on average is taken out of the bias.
    let means = observed.tensors.get(node.inputs[0]).and_then(Option::as_ref).map(Seen::channel_means);
    if let Some(means) = means.filter(|means| !means.is_empty()) {
        let multiplier = match node.op {
            Op::DepthwiseConv2d { depth_multiplier, .. } => depth_multiplier,
            _ => 1,
        };
        for (index, (&stored, &value)) in stored.iter().zip(values).enumerate() {
            let channel = channel_of(index);
            let read = if axis == 0 { index % taps } else { channel / multiplier };
            bias[channel] -= (f32::from(stored) * scales[channel] - value) * means[read % means.len()];
        }
    }
    let tensor = &mut quantized.tensors[node.inputs[1]];
    tensor.element = Element::I8;
    tensor.data = Some(Data::I8(stored));
    tensor.quantization = Some(Quantization { zero_points: vec![0; channels], scales: scales.clone(), axis });
    if let Some(&id) = node.inputs.get(2) {
        let read = wide.map_or(input.scale, |wide| wide.operand_scale(node.inputs[0], input));
        let sums: Vec<f32> = scales.iter().map(|scale| scale * read).collect();
        let pairs = bias.iter().zip(&sums).map(|(&bias, &sum)| (bias, f64::from(sum)));
        let tensor = &mut quantized.tensors[id];
        (tensor.element, tensor.data) = match wide {
            None => {
                let stored = pairs.map(|(bias, sum)| store_bias(bias, sum)).collect();
                (Element::I32, Some(Data::I32(stored)))
            }
            Some(_) => {
                let stored = pairs.map(|(bias, sum)| (f64::from(bias) / sum).round() as i64).collect();
                (Element::I64, Some(Data::I64(stored)))
            }
        };
        tensor.quantization = Some(Quantization { zero_points: vec![0; channels], scales: sums, axis: 0 });
    }
    Ok(())
}

/// Scale of a channel's weights: the finest that holds them, unless the bias would not fit beside it.
pub(crate) fn weight_scale(peak: f32, most: f32, bias: f32, input_scale: f32) -> f32 {
    /// Room for the bias: far from overflow, and fine enough for channels that are nothing but bias.
    const BIAS_ROOM: f32 = (1u32 << 28) as f32;
    let scale = (peak / most).max(bias.abs() / (input_scale * BIAS_ROOM));
    if scale.is_normal() { scale } else { 1.0 }
}

pub(crate) fn store_bias(bias: f32, scale: f64) -> i32 {
    (f64::from(bias) / scale).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Window};

    fn tensor(shape: &[usize], data: Option<Vec<f32>>) -> Tensor {
        Tensor {
            name: "t".into(),
            shape: shape.into(),
            quantization: None,
            element: Element::F32,
            data: data.map(Data::F32),
        }
    }

    fn depthwise() -> Graph {
        let window =
            Window { filter: [1, 2], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] };
        let op = Op::DepthwiseConv2d { window, depth_multiplier: 1, activation: Activation::Linear };
        Graph {
            tensors: vec![
                tensor(&[1, 1, 2, 2], None),
                tensor(&[1, 1, 2, 2], Some(vec![1.0, -0.5, 0.5, 0.25])),
                tensor(&[2], Some(vec![10.0, 0.0])),
                tensor(&[1, 1, 1, 2], None),
            ],
            nodes: vec![Node { name: "n".into(), op, inputs: vec![0, 1, 2], outputs: vec![3] }],
            inputs: vec![0],
            outputs: vec![3],
            ..Graph::default()
        }
    }

    #[test]
    fn channels_of_a_depthwise_layer_have_scales_of_their_own() {
        let affine = Some(Affine { scale: 0.5, zero_point: 3 });
        let affines = [affine, None, None, affine];
        let quantized = quantize(&depthwise(), &affines, &Observed::default(), &Wide::default(), |_| {
            WeightForm::default()
        })
        .unwrap();
        let weights = &quantized.tensors[1];
        assert_eq!(weights.data, Some(Data::I8(vec![127, -127, 64, 64])));
        assert_eq!(weights.quantization.as_ref().unwrap().scales, [1.0 / 127.0, 0.5 / 127.0]);
        // 10 / (0.5 / 127)
        assert_eq!(quantized.tensors[2].data, Some(Data::I32(vec![2540, 0])));
        assert_eq!(quantized.tensors[0].quantization.as_ref().unwrap().zero_points, [3]);
    }

    #[test]
    fn a_bias_beside_tiny_weights_still_fits() {
        let scale = weight_scale(1e-30, 127.0, 1000.0, 0.01);
        let stored = store_bias(1000.0, f64::from(scale * 0.01));
        assert!((1 << 27..=1 << 28).contains(&stored), "{stored}");
        assert_eq!(weight_scale(0.0, 127.0, 0.0, 0.01), 1.0);
    }
}
