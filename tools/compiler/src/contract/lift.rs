//! Heads of a detector in the graph: joins of heads are undone, so that each keeps scales of its own.
//!
//! Detectors end by reshaping their heads and joining them into one tensor of scores and one of boxes.
//! On the device that would cost RAM and time, and force one scale on all; the output contract names the
//! parts instead. Where the source decoded boxes itself, its importer has cut that off and says what it
//! was: see [`decoded`], or, where it decoded rows of all heads, such a description of them as a contract has.

mod decoded;

use super::{BoxLayout, Boxes, ContractError};
use crate::detector::Decoded;
use crate::fold::drop_unused;
use crate::graph::{Graph, Op, TensorId, Unary};
use crate::quantize::Head;

/// Finds the heads of a detector and makes their tensors the outputs of the graph.
///
/// # Errors
/// [`ContractError::Mismatch`].
pub fn lift_heads(graph: &mut Graph, boxes: &Boxes) -> Result<Vec<Head>, ContractError> {
    let mismatch = |graph: &Graph, problem: &str| ContractError::Mismatch {
        model: graph.name.clone(),
        problem: problem.into(),
    };
    match (graph.decoded.take(), &boxes.layout) {
        (Some(Decoded::Heads(decoded)), None) => decoded::lift(graph, boxes, decoded),
        (Some(Decoded::Rows(layout)), None) => lift_layout(graph, boxes, &layout),
        (None, Some(layout)) => lift_layout(graph, boxes, layout),
        (Some(_), Some(_)) => Err(mismatch(
            graph,
            "the graph decodes its boxes itself, which the compiler has read and cut off; take [boxes.layout] out of the contract",
        )),
        (None, None) => Err(mismatch(
            graph,
            "no decoding of boxes was recognised in the graph; say in [boxes.layout] how its outputs spell them",
        )),
    }
}

/// Finds the heads that a contract describes.
fn lift_layout(graph: &mut Graph, boxes: &Boxes, layout: &BoxLayout) -> Result<Vec<Head>, ContractError> {
    let mismatch = |problem: String| ContractError::Mismatch { model: graph.name.clone(), problem };
    let spelling = layout.spelling(boxes.keypoints.len());
    let fields = spelling.columns();
    let classes = boxes.labels.len() + usize::from(layout.has_background);
    let anchors: Vec<usize> = layout.heads.iter().map(|grid| grid.anchor_count()).collect();
    let total: usize = anchors.iter().sum();
    let find = |name: &str, length: usize| {
        let found = graph.outputs.iter().copied().find(|&id| matches_name(&graph.tensors[id].name, name));
        let id = found.ok_or_else(|| {
            let names: Vec<&str> = graph.outputs.iter().map(|&id| graph.tensors[id].name.as_str()).collect();
            mismatch(format!("it has no output {name:?}; its outputs are {names:?}"))
        })?;
        if graph.tensors[id].elements() != total * length {
            let (name, shape) = (&graph.tensors[id].name, &graph.tensors[id].shape);
            let (labels, background) =
                (boxes.labels.len(), if layout.has_background { " and background" } else { "" });
            return Err(mismatch(format!(
                "output {name:?} of shape {shape:?} is no {total} rows of {length}; the contract has {labels} label(s){background}"
            )));
        }
        Ok(id)
    };
    let scores = find(&layout.scores, classes)?;
    let fields_output = find(&layout.boxes, fields)?;
    let objectness = layout.objectness.as_ref().map(|name| find(name, 1)).transpose()?;
    // The table of probabilities computes a logistic function for nothing.
    let behind = |id: TensorId| match before_logistic(graph, id) {
        Some(before) if !layout.logits => (before, true),
        _ => (id, layout.logits),
    };
    let (mut source, mut logits) = behind(scores);
    let mut object_source = objectness.map(|id| behind(id).0);
    if objectness.is_some_and(|id| behind(id).1 != logits) {
        (source, logits, object_source) = (scores, layout.logits, objectness);
    }
    let split = |id: TensorId, length: usize| {
        let sizes: Vec<usize> = anchors.iter().map(|anchors| anchors * length).collect();
        parts(graph, id, &sizes).unwrap_or_else(|| vec![id; anchors.len()])
    };
    let score_parts = split(source, classes);
    let box_parts = split(fields_output, fields);
    let object_parts = object_source.map(|id| split(id, 1));

    let mut outputs: Vec<TensorId> = Vec::new();
    for &id in score_parts.iter().chain(&box_parts).chain(object_parts.iter().flatten()) {
        if !outputs.contains(&id) {
            outputs.push(id);
        }
    }
    let place = |id: TensorId| outputs.iter().position(|&output| output == id).unwrap_or(0);
    let places = |parts: &[TensorId]| parts.iter().map(|&id| place(id)).collect::<Vec<_>>();
    let (scores, fields_of) = (places(&score_parts), places(&box_parts));
    let objects = object_parts.map(|parts| places(&parts));
    graph.outputs = outputs;
    drop_unused(graph);

    let mut heads = Vec::new();
    let mut first = 0;
    for (index, (grid, count)) in layout.heads.iter().zip(anchors).enumerate() {
        let start = |place: usize, length: usize| {
            let id = graph.outputs[place];
            (id, if graph.tensors[id].elements() == count * length { 0 } else { first })
        };
        let (scores, first_score) = start(scores[index], classes);
        let (boxes, first_box) = start(fields_of[index], fields);
        heads.push(Head {
            scores,
            first_score,
            boxes,
            first_box,
            objectness: objects.as_ref().map(|places| start(places[index], 1)),
            grid: grid.clone(),
            classes,
            has_background: layout.has_background,
            logits,
            spelling: spelling.clone(),
        });
        first += count;
    }
    Ok(heads)
}

/// Exporters add `:0` and the like to names.
pub(super) fn matches_name(full: &str, name: &str) -> bool {
    full == name || full.split(':').next() == Some(name)
}

/// What a logistic function at the end of a graph reads.
fn before_logistic(graph: &Graph, id: TensorId) -> Option<TensorId> {
    let node = crate::quantize::producer(graph, id)?;
    (graph.nodes[node].op == Op::Unary(Unary::Logistic)).then(|| graph.nodes[node].inputs[0])
}

/// The tensors that `id` joins, in order, when they have these sizes.
fn parts(graph: &Graph, id: TensorId, sizes: &[usize]) -> Option<Vec<TensorId>> {
    let mut found = Vec::new();
    collect(graph, id, &mut found);
    let fits = found.len() == sizes.len()
        && found.iter().zip(sizes).all(|(&id, &size)| graph.tensors[id].elements() == size);
    fits.then_some(found)
}

/// Follows reshapes and joins whose bytes lie one after the other.
fn collect(graph: &Graph, id: TensorId, found: &mut Vec<TensorId>) {
    let Some(node) = crate::quantize::producer(graph, id) else { return found.push(id) };
    let node = &graph.nodes[node];
    match node.op {
        Op::Reshape => collect(graph, node.inputs[0], found),
        Op::Concatenate { axis } if graph.tensors[id].shape[..axis].iter().all(|&outer| outer == 1) => {
            node.inputs.iter().for_each(|&input| collect(graph, input, found));
        }
        _ => found.push(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Contract;
    use crate::graph::{Element, Node, Tensor};

    /// Two heads, of 2 x 2 cells with one anchor and of 1 x 1 with two, joined as detectors join them.
    fn joined(logistic: bool) -> Graph {
        let tensor = |name: &str, shape: &[usize]| Tensor {
            name: name.into(),
            shape: shape.into(),
            quantization: None,
            element: Element::F32,
            data: None,
        };
        let node = |op, inputs: &[usize], output| Node {
            name: format!("node {output}"),
            op,
            inputs: inputs.into(),
            outputs: vec![output],
        };
        let mut graph = Graph {
            name: "joined".into(),
            tensors: vec![
                tensor("scores a", &[1, 2, 2, 1]),
                tensor("scores b", &[1, 1, 1, 2]),
                tensor("boxes a", &[1, 2, 2, 4]),
                tensor("boxes b", &[1, 1, 1, 8]),
                tensor("flat scores a", &[1, 4, 1]),
                tensor("flat scores b", &[1, 2, 1]),
                tensor("flat boxes a", &[1, 4, 4]),
                tensor("flat boxes b", &[1, 2, 4]),
                tensor("scores:0", &[1, 6, 1]),
                tensor("boxes:0", &[1, 6, 4]),
            ],
            nodes: vec![
                node(Op::Reshape, &[0], 4),
                node(Op::Reshape, &[1], 5),
                node(Op::Reshape, &[2], 6),
                node(Op::Reshape, &[3], 7),
                node(Op::Concatenate { axis: 1 }, &[4, 5], 8),
                node(Op::Concatenate { axis: 1 }, &[6, 7], 9),
            ],
            inputs: vec![0, 1, 2, 3],
            outputs: vec![8, 9],
            ..Graph::default()
        };
        if logistic {
            graph.tensors[8].name = "logits".into();
            graph.tensors.push(tensor("scores:0", &[1, 6, 1]));
            graph.nodes.push(node(Op::Unary(Unary::Logistic), &[8], 10));
            graph.outputs[0] = 10;
        }
        graph
    }

    fn contract(logits: bool) -> Boxes {
        let text = format!(
            "[boxes]\nlabels = [\"thing\"]\nscore_threshold = 0.5\niou_threshold = 0.3\nsuppression = \"hard\"\n\
             [boxes.layout]\nscores = \"scores\"\nboxes = \"boxes\"\nlogits = {logits}\ndecoder = \"linear\"\n\
             [[boxes.layout.heads]]\nrows = 2\ncolumns = 2\nanchors = [[1.0, 1.0]]\n\
             [[boxes.layout.heads]]\nrows = 1\ncolumns = 1\nanchors = [[1.0, 1.0], [0.5, 0.5]]\n"
        );
        Contract::parse("test", &text).unwrap().boxes.unwrap()
    }

    #[test]
    fn joins_are_undone() {
        for logistic in [false, true] {
            let mut graph = joined(logistic);
            let heads = lift_heads(&mut graph, &contract(!logistic)).unwrap();
            assert!(graph.nodes.is_empty(), "nothing is left to compute");
            let name = |id: TensorId| graph.tensors[id].name.as_str();
            let names: Vec<_> = heads.iter().map(|head| (name(head.scores), name(head.boxes))).collect();
            assert_eq!(names, [("scores a", "boxes a"), ("scores b", "boxes b")]);
            assert!(heads.iter().all(|head| head.logits && head.first_score == 0 && head.first_box == 0));
            assert_eq!(heads[1].grid.anchors, [[1.0, 1.0], [0.5, 0.5]]);
        }
    }

    #[test]
    fn what_is_no_join_keeps_its_place_in_the_whole() {
        let mut graph = joined(false);
        // Boxes pass an operator that is no join.
        let doubled = Tensor { name: "boxes:0".into(), ..graph.tensors[9].clone() };
        graph.tensors[9].name = "halves".into();
        graph.tensors.push(doubled);
        graph.nodes.push(Node {
            name: "double".into(),
            op: Op::Unary(Unary::Relu),
            inputs: vec![9],
            outputs: vec![10],
        });
        graph.outputs[1] = 10;
        let heads = lift_heads(&mut graph, &contract(true)).unwrap();
        assert_eq!((heads[0].first_box, heads[1].first_box, heads[1].first_score), (0, 4, 0));
        assert_eq!(heads[0].boxes, heads[1].boxes);
    }

    #[test]
    fn outputs_that_do_not_fit_are_named() {
        let mut missing = contract(true);
        missing.layout.as_mut().unwrap().boxes = "rectangles".into();
        let error = lift_heads(&mut joined(false), &missing).unwrap_err().to_string();
        assert!(error.contains("rectangles") && error.contains("boxes:0"), "{error}");
        let mut fewer = contract(true);
        fewer.layout.as_mut().unwrap().heads.pop();
        let error = lift_heads(&mut joined(false), &fewer).unwrap_err().to_string();
        assert!(error.contains("[1, 6, 1] is no 4 rows of 1"), "{error}");
    }
}
