//! Heads of a detector in the graph: joins of heads are undone, so that each keeps scales of its own.
//!
//! Detectors end by reshaping their heads and joining them into one tensor of scores and one of boxes.
//! On the device that would cost RAM and time, and force one scale on all; the output contract names the
//! parts instead.

use super::{Boxes, ContractError, Decoder};
use crate::fold::drop_unused;
use crate::graph::{Graph, Op, TensorId, Unary};
use crate::quantize::Head;

/// Finds the heads that a contract describes and makes their tensors the outputs of the graph.
///
/// # Errors
/// [`ContractError::Mismatch`].
pub fn lift_heads(graph: &mut Graph, boxes: &Boxes) -> Result<Vec<Head>, ContractError> {
    let mismatch = |problem: String| ContractError::Mismatch { model: graph.name.clone(), problem };
    let fields = 4 + 2 * boxes.keypoints.len();
    let classes = boxes.labels.len() + usize::from(boxes.has_background);
    let anchors: Vec<usize> =
        boxes.heads.iter().map(|head| head.rows * head.columns * head.anchors.len()).collect();
    let total: usize = anchors.iter().sum();
    let find = |name: &str, length: usize| {
        let found = graph.outputs.iter().copied().find(|&id| matches_name(&graph.tensors[id].name, name));
        let id = found.ok_or_else(|| {
            let names: Vec<&str> = graph.outputs.iter().map(|&id| graph.tensors[id].name.as_str()).collect();
            mismatch(format!("it has no output {name:?}; its outputs are {names:?}"))
        })?;
        if graph.tensors[id].elements() != total * length {
            let (name, shape) = (&graph.tensors[id].name, &graph.tensors[id].shape);
            return Err(mismatch(format!(
                "output {name:?} of shape {shape:?} is no {total} rows of {length}"
            )));
        }
        Ok(id)
    };
    let scores = find(&boxes.scores_output, classes)?;
    let fields_output = find(&boxes.boxes_output, fields)?;
    let sizes = |length: usize| anchors.iter().map(|anchors| anchors * length).collect::<Vec<_>>();
    let (mut logits, mut source) = (boxes.logits, scores);
    if let Some((before, _)) = before_logistic(graph, scores)
        && !boxes.logits
    {
        (logits, source) = (true, before);
    }
    let score_parts = parts(graph, source, &sizes(classes)).unwrap_or_else(|| vec![source; anchors.len()]);
    let box_parts =
        parts(graph, fields_output, &sizes(fields)).unwrap_or_else(|| vec![fields_output; anchors.len()]);

    let mut outputs: Vec<TensorId> = Vec::new();
    for &id in score_parts.iter().chain(&box_parts) {
        if !outputs.contains(&id) {
            outputs.push(id);
        }
    }
    let place = |id: TensorId| outputs.iter().position(|&output| output == id).unwrap_or(0);
    let places: Vec<(usize, usize)> =
        score_parts.iter().zip(&box_parts).map(|(&scores, &boxes)| (place(scores), place(boxes))).collect();
    graph.outputs = outputs;
    drop_unused(graph);

    let mut heads = Vec::new();
    let mut first = 0;
    for ((grid, (score, fields_place)), count) in boxes.heads.iter().zip(places).zip(anchors) {
        let (scores, boxes_tensor) = (graph.outputs[score], graph.outputs[fields_place]);
        let start = |id: TensorId, length: usize| {
            if graph.tensors[id].elements() == count * length { 0 } else { first }
        };
        heads.push(Head {
            scores,
            first_score: start(scores, classes),
            boxes: boxes_tensor,
            first_box: start(boxes_tensor, fields),
            rows: grid.rows,
            columns: grid.columns,
            anchors: grid.anchors.clone(),
            classes,
            has_background: boxes.has_background,
            logits,
            fields,
            field_order: boxes.field_order,
            field_scale: [boxes.centre_scale, boxes.size_scale],
            exponential: boxes.decoder == Decoder::Exponential,
        });
        first += count;
    }
    Ok(heads)
}

/// Exporters add `:0` and the like to names.
fn matches_name(full: &str, name: &str) -> bool {
    full == name || full.split(':').next() == Some(name)
}

/// What a logistic function at the end of a graph reads.
fn before_logistic(graph: &Graph, id: TensorId) -> Option<(TensorId, usize)> {
    let node = crate::quantize::producer(graph, id)?;
    (graph.nodes[node].op == Op::Unary(Unary::Logistic)).then(|| (graph.nodes[node].inputs[0], node))
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
            "[boxes]\nscores_output = \"scores\"\nboxes_output = \"boxes\"\nlabels = [\"thing\"]\n\
             logits = {logits}\nscore_threshold = 0.5\niou_threshold = 0.3\nsuppression = \"hard\"\n\
             decoder = \"linear\"\nfield_order = [0, 1, 2, 3]\ncentre_scale = 1.0\nsize_scale = 1.0\n\
             [[boxes.heads]]\nrows = 2\ncolumns = 2\nanchors = [[1.0, 1.0]]\n\
             [[boxes.heads]]\nrows = 1\ncolumns = 1\nanchors = [[1.0, 1.0], [0.5, 0.5]]\n"
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
            assert_eq!(heads[1].anchors, [[1.0, 1.0], [0.5, 0.5]]);
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
        missing.boxes_output = "rectangles".into();
        let error = lift_heads(&mut joined(false), &missing).unwrap_err().to_string();
        assert!(error.contains("rectangles") && error.contains("boxes:0"), "{error}");
        let mut fewer = contract(true);
        fewer.heads.pop();
        let error = lift_heads(&mut joined(false), &fewer).unwrap_err().to_string();
        assert!(error.contains("[1, 6, 1] is no 4 rows of 1"), "{error}");
    }
}
