//! Clamping activations move into the operator that computes their operand.

use super::{Uses, remove_nodes};
use crate::graph::{Activation, Element, Graph, Op, Unary};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut removed = vec![false; graph.nodes.len()];
    for (index, removed) in removed.iter_mut().enumerate() {
        let fused = match graph.nodes[index].op {
            Op::Unary(Unary::Relu) => Activation::Relu,
            Op::Unary(Unary::Relu6) => Activation::Relu6,
            Op::Unary(Unary::ReluN1To1) => Activation::ReluN1To1,
            _ => continue,
        };
        let (input, output) = (graph.nodes[index].inputs[0], graph.nodes[index].outputs[0]);
        // Between quantized tensors the activation also changes scales.
        let tensor = &graph.tensors[input];
        if tensor.element != Element::F32 || tensor.quantization.is_some() {
            continue;
        }
        let Some(producer) = uses.sole_producer(input) else { continue };
        let producer = &mut graph.nodes[producer];
        if producer.outputs != [input] {
            continue;
        }
        let (Op::Conv2d { activation, .. }
        | Op::DepthwiseConv2d { activation, .. }
        | Op::TransposeConv2d { activation, .. }
        | Op::FullyConnected { activation }
        | Op::AveragePool2d { activation, .. }
        | Op::MaxPool2d { activation, .. }
        | Op::Add { activation }
        | Op::Mul { activation }
        | Op::Binary { activation, .. }) = &mut producer.op
        else {
            continue;
        };
        *activation = match (*activation, fused) {
            (Activation::Linear, fused) => fused,
            (Activation::Relu, Activation::Relu6)
            | (Activation::Relu6, Activation::Relu | Activation::Relu6) => Activation::Relu6,
            (Activation::Relu, Activation::Relu) => Activation::Relu,
            _ => continue,
        };
        producer.outputs = vec![output];
        *removed = true;
    }
    remove_nodes(graph, &removed)
}
