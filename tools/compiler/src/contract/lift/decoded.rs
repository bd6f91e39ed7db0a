//! Heads of a detector whose source decoded boxes itself: their parts get tensors of their own.
//!
//! A convolution that computes boxes, objectness and classes at once becomes one for each, by its rows of
//! weights: no more work, and scales that fit. A softmax over an object and background is a logistic
//! function of their difference, and the difference goes into the weights as well.

use super::super::{Boxes, ContractError};
use crate::detector::{DecodedHead, DecodedHeads, Part, Scoring};
use crate::fold::drop_unused;
use crate::graph::{Activation, Data, Element, Graph, Node, Op, Tensor, TensorId};
use crate::quantize::{Head, producer};

/// Makes the heads' parts the outputs of the graph.
pub(super) fn lift(
    graph: &mut Graph,
    boxes: &Boxes,
    decoded: DecodedHeads,
) -> Result<Vec<Head>, ContractError> {
    let heads = decoded.heads.iter().map(|head| lift_head(graph, boxes, &decoded, head));
    let mut heads = heads.collect::<Result<Vec<Head>, _>>()?;
    let tensors = |head: &Head| [Some(head.scores), Some(head.boxes), head.objectness.map(|(id, _)| id)];
    graph.outputs = heads.iter().flat_map(tensors).flatten().collect();
    drop_unused(graph);
    let mut outputs = graph.outputs.iter().copied();
    for head in &mut heads {
        let ids =
            [&mut head.scores, &mut head.boxes].into_iter().chain(head.objectness.as_mut().map(|(id, _)| id));
        ids.zip(&mut outputs).for_each(|(id, renumbered)| *id = renumbered);
    }
    Ok(heads)
}

fn lift_head(
    graph: &mut Graph,
    boxes: &Boxes,
    decoded: &DecodedHeads,
    head: &DecodedHead,
) -> Result<Head, ContractError> {
    let (labels, mut scores, mut objectness) = (boxes.labels.len(), head.scores, head.objectness);
    let mut has_background = false;
    if scores.columns == labels + 1 && objectness.is_none() {
        if decoded.scoring == Scoring::Softmax {
            has_background = true;
        } else {
            // An output of its own beside the classes: that there is an object at all.
            objectness = Some(Part { columns: 1, ..scores });
            scores = Part { first: scores.first + 1, columns: labels, ..scores };
        }
    }
    if scores.columns != labels {
        let expected = scores.columns - usize::from(has_background);
        if expected != labels {
            return Err(mismatch(graph, format!("{labels} labels for {expected} classes of boxes")));
        }
    }
    let anchors = head.grid.anchors.len();
    let fields = select(graph, head.boxes, anchors)?;
    let object = objectness.map(|part| Ok((select(graph, part, anchors)?, 0))).transpose()?;
    let is_pair = decoded.scoring == Scoring::Softmax && scores.columns == 2 && has_background;
    let (scores_id, logits) = if is_pair {
        let pairs = (0..anchors).map(|anchor| {
            let background = anchor * scores.row + scores.first;
            vec![(background + 1, 1.0), (background, -1.0)]
        });
        has_background = false;
        (recombine(graph, scores.output, "difference", pairs.collect())?, true)
    } else if decoded.scoring == Scoring::Softmax {
        let selected = select(graph, scores, anchors)?;
        (softmax(graph, selected, head.grid.anchor_count(), scores.columns), false)
    } else {
        (select(graph, scores, anchors)?, true)
    };
    Ok(Head {
        scores: scores_id,
        first_score: 0,
        boxes: fields,
        first_box: 0,
        objectness: object,
        grid: head.grid.clone(),
        classes: if is_pair { 1 } else { scores.columns },
        has_background,
        logits,
        spelling: decoded.spelling.clone(),
    })
}

fn mismatch(graph: &Graph, problem: String) -> ContractError {
    ContractError::Mismatch { model: graph.name.clone(), problem }
}

/// A tensor that holds a part alone.
fn select(graph: &mut Graph, part: Part, anchors: usize) -> Result<TensorId, ContractError> {
    if part.columns == part.row {
        return Ok(graph.outputs[part.output]);
    }
    let channels = (0..anchors).flat_map(|anchor| {
        let first = anchor * part.row + part.first;
        (first..first + part.columns).map(|channel| vec![(channel, 1.0)])
    });
    recombine(graph, part.output, &format!("from {}", part.first), channels.collect())
}

/// The result of a convolution beside that of an output's, each channel a sum of that one's channels.
fn recombine(
    graph: &mut Graph,
    output: usize,
    name: &str,
    channels: Vec<Vec<(usize, f32)>>,
) -> Result<TensorId, ContractError> {
    let id = graph.outputs[output];
    let node = producer(graph, id).map(|node| graph.nodes[node].clone());
    let linear =
        |node: &Node| matches!(node.op, Op::Conv2d { activation: Activation::Linear, groups: 1, .. });
    let Some(node) = node.filter(linear) else {
        let name = graph.tensors[id].name.clone();
        return Err(mismatch(
            graph,
            format!("the head {name:?} is not the result of an ungrouped convolution alone"),
        ));
    };
    let mut inputs = vec![node.inputs[0]];
    for &constant in &node.inputs[1..] {
        let tensor = graph.tensors[constant].clone();
        let Some(values) = tensor.floats() else {
            return Err(mismatch(
                graph,
                format!("the weights {:?} of a head are not float constants", tensor.name),
            ));
        };
        let length = values.len() / tensor.shape[0].max(1);
        let mut combined = vec![0.0; channels.len() * length];
        for (to, sources) in combined.chunks_exact_mut(length).zip(&channels) {
            for &(channel, factor) in sources {
                let from = &values[channel * length..][..length];
                to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
            }
        }
        let mut shape = tensor.shape.clone();
        shape[0] = channels.len();
        inputs.push(push(graph, format!("{} {name}", tensor.name), shape, Some(Data::F32(combined))));
    }
    let mut shape = graph.tensors[id].shape.clone();
    if let Some(last) = shape.last_mut() {
        *last = channels.len();
    }
    let result = push(graph, format!("{} {name}", graph.tensors[id].name), shape, None);
    graph.nodes.push(Node {
        name: format!("{} {name}", node.name),
        op: node.op,
        inputs,
        outputs: vec![result],
    });
    Ok(result)
}

/// Probabilities of the classes of each anchor.
fn softmax(graph: &mut Graph, logits: TensorId, anchors: usize, classes: usize) -> TensorId {
    let name = graph.tensors[logits].name.clone();
    let mut result = logits;
    for (step, op) in [("rows", Op::Reshape), ("softmax", Op::Softmax { beta: 1.0 })] {
        let next = push(graph, format!("{name} {step}"), vec![1, anchors, classes], None);
        graph.nodes.push(Node {
            name: format!("{name} {step}"),
            op,
            inputs: vec![result],
            outputs: vec![next],
        });
        result = next;
    }
    result
}

fn push(graph: &mut Graph, name: String, shape: Vec<usize>, data: Option<Data>) -> TensorId {
    graph.tensors.push(Tensor { name, shape, quantization: None, element: Element::F32, data });
    graph.tensors.len() - 1
}
