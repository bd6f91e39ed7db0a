//! Heads of a detector: scores saturate around the threshold, and every field of a box has a scale of
//! its own.
//!
//! Logits of anchors without an object run far below the threshold, where their value means nothing, so
//! the int8 range is spent on the few around it. Fields are calibrated on anchors near the threshold or
//! above only. A field's scale and offset go into the weights and the bias of the convolution that
//! computes it; the output tensor keeps scale 1 and zero point 0.

use super::equalize::scale_outputs;
use super::observe::{HeadSeen, NEAR, Observed};
use super::{Affine, Options, consumers, producer};
use crate::graph::{Activation, Data, Element, Graph, Op, Tensor, TensorId};

/// Half of the range of logits that is kept, around that of the threshold.
const LOGITS: f32 = 8.0;

/// One feature map of a detector, its tensors in the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Rows of classes, background included, for every anchor.
    pub scores: TensorId,
    /// Index of this head's first anchor in `scores`.
    pub first_score: usize,
    /// Rows of fields for every anchor.
    pub boxes: TensorId,
    /// Index of this head's first anchor in `boxes`.
    pub first_box: usize,
    /// Rows of the grid.
    pub rows: usize,
    /// Columns of the grid.
    pub columns: usize,
    /// Width and height of each anchor of a cell, relative to the input.
    pub anchors: Vec<[f32; 2]>,
    /// Values of a row of `scores`.
    pub classes: usize,
    /// Whether the first class is background.
    pub has_background: bool,
    /// Whether scores are logits; probabilities otherwise.
    pub logits: bool,
    /// Values of a row of `boxes`: four and two for every keypoint.
    pub fields: usize,
    /// Index in a row of x centre, y centre, width, height.
    pub field_order: [u8; 4],
    /// What each field is divided by: those of centre and keypoints, and those of width and height.
    pub field_scale: [f32; 2],
    /// Whether widths and heights are exponents.
    pub exponential: bool,
}

impl Head {
    /// How many anchors it has.
    pub fn anchor_count(&self) -> usize {
        self.rows * self.columns * self.anchors.len()
    }

    /// What a field at this index of a row is divided by.
    pub fn scale_of_field(&self, field: usize) -> f32 {
        let is_size = self.field_order[2..].iter().any(|&index| usize::from(index) == field);
        self.field_scale[usize::from(is_size)]
    }

    /// Anchors of this head, counted from its first, whose score is near the threshold or above.
    pub(super) fn near(&self, scores: &[f32], threshold: f32) -> Vec<usize> {
        let least = if self.logits { logit(threshold) - NEAR } else { threshold / 2.0 };
        let first_class = usize::from(self.has_background);
        (0..self.anchor_count())
            .filter(|&anchor| {
                let row = self.row(self.first_score + anchor, self.classes);
                scores.get(row).is_some_and(|row| row[first_class..].iter().any(|&score| score > least))
            })
            .collect()
    }

    /// The fields of an anchor.
    pub(super) fn fields_of<'a>(&self, boxes: &'a [f32], anchor: usize) -> &'a [f32] {
        boxes.get(self.row(self.first_box + anchor, self.fields)).unwrap_or(&[])
    }

    /// As [`Head::fields_of`], to be written.
    pub(super) fn fields_of_mut<'a>(&self, boxes: &'a mut [f32], anchor: usize) -> &'a mut [f32] {
        boxes.get_mut(self.row(self.first_box + anchor, self.fields)).unwrap_or_default()
    }

    /// The scores of an anchor that may count, to be written.
    pub(super) fn scores_of_mut<'a>(&self, scores: &'a mut [f32], anchor: usize) -> &'a mut [f32] {
        let row = scores.get_mut(self.row(self.first_score + anchor, self.classes)).unwrap_or_default();
        row.get_mut(usize::from(self.has_background)..).unwrap_or_default()
    }

    /// Square root of the area of an anchor's box, in the unit of its fields.
    pub(super) fn size_of(&self, boxes: &[f32], anchor: usize) -> f32 {
        let fields = self.fields_of(boxes, anchor);
        let unit = self.field_scale[1];
        if self.exponential {
            return unit;
        }
        let side = |index: usize| fields.get(usize::from(self.field_order[index])).copied().unwrap_or(0.0);
        (side(2) * side(3)).abs().sqrt().max(unit / 16.0)
    }

    fn row(&self, index: usize, length: usize) -> std::ops::Range<usize> {
        index * length..(index + 1) * length
    }
}

/// A head and what its int8 values stand for.
#[derive(Clone, Debug)]
pub struct QuantizedHead {
    /// Its place in the quantized graph.
    pub head: Head,
    /// Scale and zero point of scores.
    pub score: (f32, i32),
    /// Scale and offset of each field of a cell: `field = scale * stored + offset`.
    pub fields: Vec<(f32, f32)>,
    own_scales: bool,
}

impl QuantizedHead {
    /// A head of a graph that came quantized: every field has the scale of its tensor.
    pub fn of_quantized(graph: &Graph, head: Head) -> QuantizedHead {
        let affine = |id: TensorId| {
            let quantization = graph.tensors[id].quantization.as_ref();
            quantization
                .map_or((1.0, 0), |quantization| (quantization.scales[0], quantization.zero_points[0]))
        };
        let (scale, zero_point) = affine(head.boxes);
        let fields = vec![(scale, -scale * zero_point as f32); head.anchors.len() * head.fields];
        QuantizedHead { score: affine(head.scores), head, fields, own_scales: false }
    }

    /// Whether fields have scales of their own, in the weights of their layer.
    pub(super) fn own_scales(&self) -> bool {
        self.own_scales
    }
}

/// A head whose fields have been scaled.
pub(super) struct Rescaled {
    head: Head,
    fields: Vec<(f32, f32)>,
    /// Of the boxes tensor.
    affine: Affine,
    own_scales: bool,
}

impl Rescaled {
    pub(super) fn finish(self, options: &Options) -> QuantizedHead {
        let score = score_affine(&self.head, options);
        QuantizedHead {
            head: self.head,
            score: (score.scale, score.zero_point),
            fields: self.fields,
            own_scales: self.own_scales,
        }
    }
}

/// Gives fields their scales, in the weights of the layers that compute them.
pub(super) fn rescale(graph: &mut Graph, observed: &Observed, options: &Options) -> Vec<Rescaled> {
    let mut rescaled: Vec<Rescaled> = Vec::new();
    for (head, seen) in options.heads.iter().zip(&observed.heads) {
        let values = head.anchors.len() * head.fields;
        let spans: Vec<(f32, f32)> = (0..values).map(|value| span(head, seen, value)).collect();
        let fields = if own_layer(graph, head) {
            let fields: Vec<(f32, f32)> =
                spans.iter().map(|&(low, high)| ((high - low) / 254.0, (low + high) / 2.0)).collect();
            fold_into_layer(graph, head.boxes, &fields);
            rescaled.push(Rescaled {
                head: head.clone(),
                fields,
                affine: Affine { scale: 1.0, zero_point: 0 },
                own_scales: true,
            });
            continue;
        } else {
            // A tensor that heads share has one scale.
            let all =
                options.heads.iter().zip(&observed.heads).filter(|(other, _)| other.boxes == head.boxes);
            let all = all.flat_map(|(head, seen)| {
                (0..head.anchors.len() * head.fields).map(|value| span(head, seen, value))
            });
            all.fold((0f32, 0f32), |(low, high), span| (low.min(span.0), high.max(span.1)))
        };
        let affine = Affine::covering(fields.0, fields.1);
        let field = (affine.scale, -affine.scale * affine.zero_point as f32);
        rescaled.push(Rescaled {
            head: head.clone(),
            fields: vec![field; values],
            affine,
            own_scales: false,
        });
    }
    rescaled
}

/// Sets the scales of the heads' tensors.
pub(super) fn fix(affines: &mut [Option<Affine>], heads: &[Rescaled], options: &Options) {
    for rescaled in heads {
        affines[rescaled.head.boxes] = Some(rescaled.affine);
        affines[rescaled.head.scores] = Some(score_affine(&rescaled.head, options));
    }
}

/// The logit of a probability.
pub(crate) fn logit(probability: f32) -> f32 {
    let probability = f64::from(probability.clamp(1e-6, 1.0 - 1e-6));
    libm::log(probability / (1.0 - probability)) as f32
}

fn score_affine(head: &Head, options: &Options) -> Affine {
    if head.logits {
        let scale = 2.0 * LOGITS / 255.0;
        let lowest = logit(options.score_threshold) - LOGITS;
        Affine { scale, zero_point: ((-128.0 - lowest / scale).round() as i32).clamp(-128, 127) }
    } else {
        Affine { scale: 1.0 / 256.0, zero_point: -128 }
    }
}

/// Range of a value of a cell, with a margin; from all anchors of a cell where its own saw too little.
fn span(head: &Head, seen: &HeadSeen, value: usize) -> (f32, f32) {
    const ENOUGH: usize = 20;
    let (anchor, field) = (value / head.fields, value % head.fields);
    let own = &seen.fields[anchor];
    // The table of exponents is one for all anchors of a cell.
    let pooled = head.exponential && head.field_order[2..].iter().any(|&index| usize::from(index) == field);
    let rows: Vec<&Vec<f32>> = if own.len() >= ENOUGH && !pooled {
        own.iter().collect()
    } else {
        seen.fields.iter().flatten().collect()
    };
    let values = rows.iter().filter_map(|row| row.get(field).copied());
    let (low, high) = values
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let unit = head.scale_of_field(field);
    if low > high {
        return (-unit, unit);
    }
    let margin = (high - low) * 0.05 + unit / 128.0;
    (low - margin, high + margin)
}

/// Whether a linear convolution computes just this head's boxes, a channel for every value of a cell.
fn own_layer(graph: &Graph, head: &Head) -> bool {
    let Some(node) = producer(graph, head.boxes) else { return false };
    let node = &graph.nodes[node];
    let linear = matches!(
        node.op,
        Op::Conv2d { activation: Activation::Linear, .. }
            | Op::DepthwiseConv2d { activation: Activation::Linear, .. }
    );
    let channels = graph.tensors[head.boxes].shape.last().copied();
    let alone = consumers(graph, head.boxes).is_empty()
        && node.inputs[1..].iter().all(|&id| consumers(graph, id).len() == 1);
    linear && alone && head.first_box == 0 && channels == Some(head.anchors.len() * head.fields)
}

fn fold_into_layer(graph: &mut Graph, boxes: TensorId, fields: &[(f32, f32)]) {
    let Some(index) = producer(graph, boxes) else { return };
    let innermost = matches!(graph.nodes[index].op, Op::DepthwiseConv2d { .. });
    let (weights, bias) = (graph.nodes[index].inputs[1], bias_of(graph, index, fields.len()));
    scale_outputs(graph, weights, innermost, |channel| 1.0 / fields[channel].0);
    if let Some(Data::F32(bias)) = &mut graph.tensors[bias].data {
        for (bias, (scale, offset)) in bias.iter_mut().zip(fields) {
            *bias = (*bias - offset) / scale;
        }
    }
}

/// The bias of a layer, made if it has none.
pub(super) fn bias_of(graph: &mut Graph, node: usize, channels: usize) -> TensorId {
    if let Some(&bias) = graph.nodes[node].inputs.get(2) {
        return bias;
    }
    graph.tensors.push(Tensor {
        name: format!("{}/bias", graph.nodes[node].name),
        shape: vec![channels],
        quantization: None,
        element: Element::F32,
        data: Some(Data::F32(vec![0.0; channels])),
    });
    let bias = graph.tensors.len() - 1;
    graph.nodes[node].inputs.push(bias);
    bias
}
