//! The operator that ends detectors made with TensorFlow: it decodes boxes relative to anchors and keeps the best.
//!
//! It becomes no node. What it reads are the graph's outputs, and how it reads them goes into the output contract,
//! which has the runtime decode and suppress; its anchors are a constant of the file, in the order of the rows.

use super::flexbuffer;
use crate::contract::BoxLayout;
use crate::detector::{Decoder, Grid, grids_of};
use crate::fold::dequantized;
use crate::graph::{Graph, Op, Tensor, TensorId, Unary};
use crate::import::Problem;

/// The operator's name in files.
pub(super) const OPERATOR: &str = "TFLite_Detection_PostProcess";

/// What it says of the boxes that it decodes.
pub(super) struct DetectionEnd {
    /// Operands: rows of boxes, and of scores.
    operands: [TensorId; 2],
    has_background: bool,
    centre_scale: f32,
    size_scale: f32,
    grids: Vec<Grid>,
    note: String,
}

impl DetectionEnd {
    /// From its operands (boxes, scores, anchors) and the bytes of its options.
    pub(super) fn read(
        graph: &Graph,
        inputs: &[Option<TensorId>],
        options: &[u8],
    ) -> Result<DetectionEnd, Problem> {
        let &[Some(boxes), Some(scores), Some(anchors)] = inputs else {
            return Err(Problem::Invalid(format!("3 operands expected, {} found", inputs.len())));
        };
        let numbers = flexbuffer::numbers(options);
        let numbers = numbers.ok_or_else(|| Problem::Invalid("its options are no FlexBuffers map".into()))?;
        let find = |name: &str| numbers.iter().find(|(other, _)| *other == name).map(|&(_, value)| value);
        let option =
            |name: &str| find(name).ok_or_else(|| Problem::Invalid(format!("the file gives no {name}")));
        let scale = |along: &str, across: &str| match (option(along)?, option(across)?) {
            (one, other) if one == other && (one as f32).is_normal() && one > 0.0 => Ok(one as f32),
            (one, other) => Err(Problem::Form(format!(
                "{along} of {one} and {across} of {other}; one number above 0 for both is supported"
            ))),
        };
        let (centre_scale, size_scale) = (scale("x_scale", "y_scale")?, scale("w_scale", "h_scale")?);

        let corners = corners(graph, anchors)?;
        let rows = |id: TensorId| match graph.tensors[id].shape[..] {
            [1, rows, columns] if rows == corners.len() => Ok(columns),
            _ => Err(Problem::Form(format!(
                "`{}` has shape {:?}; one row for each of {} anchors is supported",
                graph.tensors[id].name,
                graph.tensors[id].shape,
                corners.len()
            ))),
        };
        if rows(boxes)? != 4 {
            return Err(Problem::Form(format!("boxes of {} numbers; 4 are supported", rows(boxes)?)));
        }
        let (columns, classes) = (rows(scores)?, option("num_classes")?);
        let has_background = match columns as f64 - classes {
            0.0 => false,
            1.0 => true,
            _ => return Err(Problem::Invalid(format!("{columns} scores of a box for {classes} classes"))),
        };
        // Anchors that were stored in few steps stand off their grid by as much as rounding moved them.
        let steps = graph.tensors[anchors].quantization.as_ref().and_then(|steps| steps.scales.first());
        let grids = grids_of(&corners, steps.copied().unwrap_or(0.0))
            .map_err(|problem| Problem::Form(format!("`{}`: {problem}", graph.tensors[anchors].name)))?;
        let said = |name: &str| find(name).map_or_else(|| "none".into(), |value| format!("{value:.3}"));
        let together = if find("use_regular_nms").is_some_and(|regular| regular != 0.0) {
            "each class for itself, as the contract does"
        } else {
            "all classes together, while the contract takes each for itself"
        };
        let note = format!(
            "{OPERATOR} decodes boxes of {} heads; the output contract does so from now on. The file keeps scores of {} or more and suppresses at an overlap of {}, {together}",
            grids.len(),
            said("nms_score_threshold"),
            said("nms_iou_threshold"),
        );
        Ok(DetectionEnd { operands: [boxes, scores], has_background, centre_scale, size_scale, grids, note })
    }

    /// The outputs that the graph has in its place.
    pub(super) fn outputs(&self) -> Vec<TensorId> {
        self.operands.to_vec()
    }

    /// What the user has to know.
    pub(super) fn note(&self) -> String {
        self.note.clone()
    }

    /// How the graph's two outputs spell boxes.
    pub(super) fn layout(self, graph: &Graph) -> BoxLayout {
        let [boxes, scores] = [0, 1].map(|output| graph.tensors[graph.outputs[output]].name.clone());
        BoxLayout {
            scores,
            boxes,
            objectness: None,
            has_background: self.has_background,
            logits: false,
            decoder: Decoder::Exponential,
            field_order: [1, 0, 3, 2],
            centre_scale: self.centre_scale,
            size_scale: self.size_scale,
            bins: 0,
            heads: self.grids,
        }
    }
}

/// The anchors: y and x of the middle, height, width.
fn corners(graph: &Graph, id: TensorId) -> Result<Vec<[f32; 4]>, Problem> {
    let tensor = constant_behind(graph, id);
    let real = dequantized(tensor);
    let values = real.as_ref().unwrap_or(tensor).floats();
    let values = values.ok_or_else(|| {
        Problem::Form(format!("the anchors `{}` are not a constant", graph.tensors[id].name))
    })?;
    match (graph.tensors[id].shape.last(), values.as_chunks()) {
        (Some(4), (anchors, [])) if !anchors.is_empty() && values.iter().all(|value| value.is_finite()) => {
            Ok(anchors.to_vec())
        }
        _ => Err(Problem::Invalid(format!("the anchors `{}` are not rows of 4 numbers", tensor.name))),
    }
}

/// The tensor, or the constant that a DEQUANTIZE makes it of.
fn constant_behind(graph: &Graph, id: TensorId) -> &Tensor {
    let node = graph.nodes.iter().find(|node| node.outputs.contains(&id));
    match node {
        Some(node) if node.op == Op::Unary(Unary::Requantize) => &graph.tensors[node.inputs[0]],
        _ => &graph.tensors[id],
    }
}
