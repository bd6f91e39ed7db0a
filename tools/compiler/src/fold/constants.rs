//! Operators on constants: dequantization (which is how fp16 weights arrive) and reshapes.

use super::remove_nodes;
use crate::graph::{Data, Element, Graph, Op, Tensor, Unary};
use crate::moves::Walk;

pub(super) fn fold(graph: &mut Graph) -> bool {
    let mut removed = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        let (&[input], &[output]) = (&node.inputs[..], &node.outputs[..]) else { continue };
        let data = match node.op {
            // A graph output has to be computed by a node.
            _ if graph.outputs.contains(&output) => None,
            Op::Unary(Unary::Requantize) if graph.tensors[output].element == Element::F32 => {
                let source = &graph.tensors[input];
                match dequantized(source) {
                    Some(real) => real.data,
                    None => source.data.clone().filter(|data| data.element() == Element::F32),
                }
            }
            Op::Reshape | Op::Transpose { .. } | Op::Slice { .. } | Op::Expand => {
                let (from, to) = (&graph.tensors[input], &graph.tensors[output]);
                let walk = Walk::of(&node.op, &from.shape, &to.shape);
                let per_tensor = from.quantization.as_ref().is_none_or(|q| q.scales.len() == 1);
                let data = from.data.as_ref().filter(|_| node.op == Op::Reshape || per_tensor);
                data.and_then(|data| Some(moved(&walk?, data)))
            }
            _ => None,
        };
        if data.is_some() {
            graph.tensors[output].data = data;
            removed[index] = true;
        }
    }
    remove_nodes(graph, &removed)
}

/// The values that a walk visits.
fn moved(walk: &Walk, data: &Data) -> Data {
    match data {
        Data::F32(values) => Data::F32(walk.take(values)),
        Data::I8(values) => Data::I8(walk.take(values)),
        Data::U8(values) => Data::U8(walk.take(values)),
        Data::I32(values) => Data::I32(walk.take(values)),
        Data::I64(values) => Data::I64(walk.take(values)),
    }
}

/// The real values of a quantized constant, as a float tensor.
pub fn dequantized(tensor: &Tensor) -> Option<Tensor> {
    let quantization = tensor.quantization.as_ref()?;
    let integers: Vec<i32> = match tensor.data.as_ref()? {
        Data::I8(values) => values.iter().map(|&value| i32::from(value)).collect(),
        Data::U8(values) => values.iter().map(|&value| i32::from(value)).collect(),
        Data::I32(values) => values.clone(),
        Data::F32(_) | Data::I64(_) => return None,
    };
    let channels = quantization.scales.len();
    // How many neighbours in memory share an index along the axis.
    let run: usize = tensor.shape.iter().skip(quantization.axis + 1).product();
    let real = integers.iter().enumerate().map(|(position, &value)| {
        let channel = if channels > 1 { position / run % channels } else { 0 };
        let steps = i64::from(value) - i64::from(quantization.zero_points[channel]);
        quantization.scales[channel] * steps as f32
    });
    let data = Some(Data::F32(real.collect()));
    Some(Tensor { element: Element::F32, quantization: None, data, ..tensor.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Quantization;

    #[test]
    fn scales_run_along_their_axis() {
        let tensor = |axis: usize, shape: &[usize]| Tensor {
            name: "w".into(),
            shape: shape.to_vec(),
            quantization: Some(Quantization { scales: vec![0.5, 10.0], zero_points: vec![0, 1], axis }),
            element: Element::I8,
            data: Some(Data::I8(vec![1, 2, 3, 4])),
        };
        let inner = dequantized(&tensor(1, &[2, 2])).unwrap();
        assert_eq!(inner.floats().unwrap(), [0.5, 10.0, 1.5, 30.0]);
        let outer = dequantized(&tensor(0, &[2, 2])).unwrap();
        assert_eq!(outer.floats().unwrap(), [0.5, 1.0, 20.0, 30.0]);
    }
}
