//! uint8 models become int8 ones under the contract: the only models that import changes.
//!
//! Activations move by 128, exactly. Weights with a zero point become symmetric with one scale a channel:
//! exact where a channel's values span 127 steps to either side of zero, re-rounded from their real
//! values elsewhere. Biases follow the new scales.

use crate::fold::drop_unused;
use crate::graph::{Data, Element, Graph, Op, Quantization, Tensor, TensorId};

/// How far re-quantization moved the weights, in steps of their old scales.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightsMoved {
    /// Weights that were re-quantized.
    pub weights: usize,
    /// The largest move.
    pub max_steps: f64,
    /// Root of the mean square.
    pub rms_steps: f64,
}

/// Re-quantizes every uint8 tensor; `None` when there is none. The graph's warnings say how far.
pub fn requantize_u8(graph: &mut Graph) -> Option<WeightsMoved> {
    if graph.tensors.iter().all(|tensor| tensor.element != Element::U8) {
        return None;
    }
    let mut tally = Tally::default();
    for index in 0..graph.nodes.len() {
        let axis = match graph.nodes[index].op {
            Op::Conv2d { .. } | Op::TransposeConv2d { .. } | Op::FullyConnected { .. } => 0,
            Op::DepthwiseConv2d { .. } => 3,
            _ => continue,
        };
        symmetric_weights(graph, index, axis, &mut tally);
    }
    for tensor in &mut graph.tensors {
        shift(tensor);
    }
    // The old weights and biases have no reader any more.
    drop_unused(graph);
    let moved = WeightsMoved {
        weights: tally.weights,
        max_steps: tally.max_steps,
        rms_steps: (tally.square_steps / tally.weights.max(1) as f64).sqrt(),
    };
    graph.warnings.push(format!(
        "uint8 model re-quantized to int8: activations exactly, {} weights moved by at most {:.3} of their steps \
         (root mean square {:.3})",
        moved.weights, moved.max_steps, moved.rms_steps
    ));
    Some(moved)
}

#[derive(Default)]
struct Tally {
    weights: usize,
    max_steps: f64,
    square_steps: f64,
}

/// Replaces weights and bias of one node.
fn symmetric_weights(graph: &mut Graph, node: usize, axis: usize, tally: &mut Tally) {
    let weights = &graph.tensors[graph.nodes[node].inputs[1]];
    let (Some(Data::U8(values)), Some(old)) = (&weights.data, &weights.quantization) else { return };
    let channels = weights.shape[axis];
    let run: usize = weights.shape[axis + 1..].iter().product();
    let of_channel = |position: usize| position / run % channels;
    let old_of = |channel: usize| if old.scales.len() > 1 { channel } else { 0 };
    let steps: Vec<i32> = values
        .iter()
        .enumerate()
        .map(|(position, &value)| i32::from(value) - old.zero_points[old_of(of_channel(position))])
        .collect();
    let mut widest = vec![0; channels];
    for (position, step) in steps.iter().enumerate() {
        let widest = &mut widest[of_channel(position)];
        *widest = step.abs().max(*widest);
    }
    // How many old steps a new one is worth.
    let ratios: Vec<f64> = widest.iter().map(|&widest| (f64::from(widest) / 127.0).max(1.0)).collect();
    let rounded: Vec<i8> = steps
        .iter()
        .enumerate()
        .map(|(position, &step)| (f64::from(step) / ratios[of_channel(position)]).round() as i8)
        .collect();
    for (position, (&step, &rounded)) in steps.iter().zip(&rounded).enumerate() {
        let moved = (f64::from(rounded) * ratios[of_channel(position)] - f64::from(step)).abs();
        tally.weights += 1;
        tally.max_steps = tally.max_steps.max(moved);
        tally.square_steps += moved * moved;
    }
    let scales: Vec<f32> = ratios
        .iter()
        .enumerate()
        .map(|(channel, ratio)| (f64::from(old.scales[old_of(channel)]) * ratio) as f32)
        .collect();
    let made = Tensor {
        element: Element::I8,
        data: Some(Data::I8(rounded)),
        quantization: Some(Quantization { zero_points: vec![0; channels], axis, scales: scales.clone() }),
        ..weights.clone()
    };
    graph.tensors.push(made);
    graph.nodes[node].inputs[1] = graph.tensors.len() - 1;
    if let Some(&bias) = graph.nodes[node].inputs.get(2)
        && let Some(made) = follow(graph, graph.nodes[node].inputs[0], bias, &scales, &ratios)
    {
        graph.tensors.push(made);
        graph.nodes[node].inputs[2] = graph.tensors.len() - 1;
    }
}

/// The bias under the new scales of the weights.
fn follow(graph: &Graph, input: TensorId, bias: TensorId, scales: &[f32], ratios: &[f64]) -> Option<Tensor> {
    let bias = &graph.tensors[bias];
    let Some(Data::I32(values)) = &bias.data else { return None };
    let input_scale = graph.tensors[input].quantization.as_ref()?.scales[0];
    let values =
        values.iter().zip(ratios).map(|(&value, ratio)| (f64::from(value) / ratio).round() as i32).collect();
    let quantization = Quantization {
        scales: scales.iter().map(|scale| input_scale * scale).collect(),
        zero_points: vec![0; scales.len()],
        axis: 0,
    };
    Some(Tensor { data: Some(Data::I32(values)), quantization: Some(quantization), ..bias.clone() })
}

/// Everything that is still uint8 moves by 128, which changes no real value.
fn shift(tensor: &mut Tensor) {
    if tensor.element != Element::U8 {
        return;
    }
    tensor.element = Element::I8;
    if let Some(Data::U8(values)) = &tensor.data {
        tensor.data = Some(Data::I8(values.iter().map(|&value| (value ^ 0x80) as i8).collect()));
    }
    if let Some(quantization) = &mut tensor.quantization {
        quantization.zero_points.iter_mut().for_each(|point| *point -= 128);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::check;
    use crate::graph::{Activation, Node};

    fn tensor(
        name: &str,
        shape: &[usize],
        data: Option<Data>,
        element: Element,
        scale: f32,
        point: i32,
    ) -> Tensor {
        let quantization = Some(Quantization { scales: vec![scale], zero_points: vec![point], axis: 0 });
        Tensor { name: name.into(), shape: shape.into(), quantization, element, data }
    }

    /// Two outputs: one whose weights fit int8 as they are, one whose weights do not.
    fn dense() -> Graph {
        let weights = Data::U8(vec![100, 227, 0, 255]);
        Graph {
            tensors: vec![
                tensor("in", &[1, 2], None, Element::U8, 0.5, 3),
                tensor("w", &[2, 2], Some(weights), Element::U8, 0.25, 100),
                tensor("b", &[2], Some(Data::I32(vec![10, -1000])), Element::I32, 0.125, 0),
                tensor("out", &[1, 2], None, Element::U8, 1.0, 255),
            ],
            nodes: vec![Node {
                name: "dense".into(),
                op: Op::FullyConnected { activation: Activation::Linear },
                inputs: vec![0, 1, 2],
                outputs: vec![3],
            }],
            inputs: vec![0],
            outputs: vec![3],
            ..Graph::default()
        }
    }

    #[test]
    fn real_values_stay_within_half_a_step() {
        let mut graph = dense();
        check(&graph).unwrap();
        let moved = requantize_u8(&mut graph).unwrap();
        check(&graph).unwrap();
        let points = |id: usize| graph.tensors[id].quantization.clone().unwrap().zero_points;
        assert_eq!((points(graph.inputs[0]), points(graph.outputs[0])), (vec![-125], vec![127]));
        let inputs = &graph.nodes[0].inputs;
        let weights = &graph.tensors[inputs[1]];
        // 0 and 127 steps fit; -100 and 155 become -82 and 127 of 155/127 steps.
        assert_eq!(weights.data, Some(Data::I8(vec![0, 127, -82, 127])));
        let ratio = 155.0_f64 / 127.0;
        assert_eq!(weights.quantization.as_ref().unwrap().scales, [0.25, (0.25 * ratio) as f32]);
        assert_eq!(
            graph.tensors[inputs[2]].data,
            Some(Data::I32(vec![10, (-1000.0 / ratio).round() as i32]))
        );
        assert_eq!(moved.weights, 4);
        assert!((moved.max_steps - (100.0 - 82.0 * ratio).abs()).abs() < 1e-12, "{moved:?}");
        assert!(graph.warnings[0].contains("uint8"));
    }

    #[test]
    fn other_models_stay_as_they_are() {
        let mut graph = dense();
        graph.tensors.iter_mut().for_each(|tensor| tensor.element = Element::I8);
        assert_eq!(requantize_u8(&mut graph), None);
        assert!(graph.warnings.is_empty());
    }
}
