//! Padding with zeros moves into the window that reads it.

use super::Uses;
use crate::graph::{Activation, Graph, Op, TensorId, Unary, Window};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(&padded) = graph.nodes[index].inputs.first() else { continue };
        let Some(pad) = uses.producer[padded] else { continue };
        let Op::Pad { before, after, value } = &graph.nodes[pad].op else { continue };
        let source = graph.nodes[pad].inputs[0];
        let only_height_and_width = before.len() == 4 && before[0] + after[0] + before[3] + after[3] == 0;
        // Stored zeros must mean what the window's padding means: the input's real 0.
        let same_numbers = graph.tensors[source].quantization == graph.tensors[padded].quantization;
        if *value != 0.0 || !only_height_and_width || !same_numbers {
            continue;
        }
        let (before, after) = ([before[1], before[2]], [after[1], after[2]]);
        let never_negative = never_negative(graph, &uses, source);
        let window = match &mut graph.nodes[index].op {
            Op::Conv2d { window, .. } | Op::DepthwiseConv2d { window, .. } => window,
            // Here padding never wins, while a stored zero wins over negative numbers.
            Op::MaxPool2d { window, .. } if never_negative && stays_inside(window, before, after) => window,
            _ => continue,
        };
        for axis in 0..2 {
            window.before[axis] += before[axis];
            window.after[axis] += after[axis];
        }
        graph.nodes[index].inputs[0] = source;
        changed = true;
    }
    changed
}

/// Every position of the window covers something besides padding.
fn stays_inside(window: &Window, before: [usize; 2], after: [usize; 2]) -> bool {
    (0..2).all(|axis| {
        window.before[axis] + before[axis] < window.filter[axis]
            && window.after[axis] + after[axis] < window.filter[axis]
    })
}

fn never_negative(graph: &Graph, uses: &Uses, id: TensorId) -> bool {
    let Some(producer) = uses.producer[id] else { return false };
    match graph.nodes[producer].op {
        Op::Conv2d { activation, .. }
        | Op::DepthwiseConv2d { activation, .. }
        | Op::TransposeConv2d { activation, .. }
        | Op::FullyConnected { activation }
        | Op::AveragePool2d { activation, .. }
        | Op::MaxPool2d { activation, .. }
        | Op::Add { activation }
        | Op::Mul { activation }
        | Op::Binary { activation, .. } => matches!(activation, Activation::Relu | Activation::Relu6),
        Op::Unary(Unary::Relu | Unary::Relu6 | Unary::Logistic) | Op::Softmax { .. } => true,
        _ => false,
    }
}
