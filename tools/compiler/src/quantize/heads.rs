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
use crate::detector::{Decoder, Grid, Spelling, mean_bin};
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
    /// A number for every anchor, whose probability scores are multiplied with, and the index of this
    /// head's first.
    pub objectness: Option<(TensorId, usize)>,
    /// Where the anchors stand.
    pub grid: Grid,
    /// Values of a row of `scores`.
    pub classes: usize,
    /// Whether the first class is background.
    pub has_background: bool,
    /// Whether scores and objectness are logits; probabilities otherwise.
    pub logits: bool,
    /// What a row of `boxes` means.
    pub spelling: Spelling,
}

impl Head {
    /// How many anchors it has.
    pub fn anchor_count(&self) -> usize {
        self.grid.anchor_count()
    }

    /// Values of a row of `boxes`.
    pub fn fields(&self) -> usize {
        self.spelling.columns()
    }

    /// The scores of an anchor that may count.
    pub fn scores_of<'a>(&self, scores: &'a [f32], anchor: usize) -> &'a [f32] {
        let row = scores.get(row(self.first_score + anchor, self.classes)).unwrap_or_default();
        row.get(usize::from(self.has_background)..).unwrap_or_default()
    }

    /// The fields of an anchor.
    pub fn fields_of<'a>(&self, boxes: &'a [f32], anchor: usize) -> &'a [f32] {
        boxes.get(row(self.first_box + anchor, self.fields())).unwrap_or(&[])
    }

    /// The probability of each class of an anchor, from what `values` finds of a tensor.
    pub fn probabilities<'a>(
        &self,
        values: impl Fn(TensorId) -> Option<&'a [f32]>,
        anchor: usize,
    ) -> Vec<f32> {
        let probability = |score: f32| if self.logits { 1.0 / (1.0 + (-score).exp()) } else { score };
        let object = self.objectness.map_or(1.0, |(id, first)| {
            values(id).and_then(|values| values.get(first + anchor)).map_or(0.0, |&value| probability(value))
        });
        let scores = self.scores_of(values(self.scores).unwrap_or_default(), anchor);
        scores.iter().map(|&score| object * probability(score)).collect()
    }

    /// Anchors of this head, counted from its first, whose score is near the threshold or above.
    pub(super) fn near<'a>(
        &self,
        values: impl Fn(TensorId) -> Option<&'a [f32]>,
        threshold: f32,
    ) -> Vec<usize> {
        let least = if self.logits {
            crate::detector::logistic(f64::from(logit(threshold) - NEAR)) as f32
        } else {
            threshold / 2.0
        };
        (0..self.anchor_count())
            .filter(|&anchor| self.probabilities(&values, anchor).iter().any(|&score| score > least))
            .collect()
    }

    /// As [`Head::fields_of`], to be written.
    pub(super) fn fields_of_mut<'a>(&self, boxes: &'a mut [f32], anchor: usize) -> &'a mut [f32] {
        boxes.get_mut(row(self.first_box + anchor, self.fields())).unwrap_or_default()
    }

    /// As [`Head::scores_of`], to be written.
    pub(super) fn scores_of_mut<'a>(&self, scores: &'a mut [f32], anchor: usize) -> &'a mut [f32] {
        let row = scores.get_mut(row(self.first_score + anchor, self.classes)).unwrap_or_default();
        row.get_mut(usize::from(self.has_background)..).unwrap_or_default()
    }

    /// By how much of its size a box moves with each of its fields.
    pub(super) fn pull_of(&self, boxes: &[f32], anchor: usize) -> Vec<f32> {
        let (fields, spelling) = (self.fields_of(boxes, anchor), &self.spelling);
        let size = self.grid.anchors[anchor % self.grid.anchors.len()];
        let by_name =
            |name: usize| fields.get(usize::from(spelling.field_order[name])).copied().unwrap_or(0.0);
        match spelling.decoder {
            Decoder::Linear => {
                let unit = spelling.size_scale;
                let side = (by_name(2) * by_name(3)).abs().sqrt().max(unit / 16.0);
                vec![1.0 / side; fields.len()]
            }
            Decoder::Exponential => (0..fields.len()).map(|field| 1.0 / spelling.scale_of(field)).collect(),
            Decoder::SigmoidExponential | Decoder::SigmoidSquare => {
                let slope = |value: f32| {
                    let probability = crate::detector::logistic(f64::from(value)) as f32;
                    (probability * (1.0 - probability)).max(1e-3)
                };
                let pull = |(field, &value): (usize, &f32)| match spelling.name_of(field) {
                    Some(axis @ (0 | 1)) => {
                        slope(value) / spelling.centre_scale * self.grid.step[axis] / size[axis]
                    }
                    Some(_) if spelling.decoder == Decoder::SigmoidSquare => {
                        2.0 * slope(value) / crate::detector::logistic(f64::from(value)) as f32
                    }
                    _ => 1.0 / spelling.size_scale,
                };
                fields.iter().enumerate().map(pull).collect()
            }
            Decoder::Distribution => {
                let edges: Vec<&[f32]> = fields.chunks_exact(spelling.bins).collect();
                let means: Vec<f32> = edges.iter().map(|values| mean_bin(values) as f32).collect();
                let side = (means.iter().sum::<f32>() / 2.0).max(0.5);
                let pull = |(values, mean): (&&[f32], &f32)| {
                    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let total: f32 = values.iter().map(|value| (value - largest).exp()).sum();
                    let weights = values.iter().map(|value| (value - largest).exp() / total);
                    weights
                        .enumerate()
                        .map(|(bin, weight)| weight * (bin as f32 - mean) / side)
                        .collect::<Vec<f32>>()
                };
                edges.iter().zip(&means).flat_map(pull).collect()
            }
        }
    }
}

/// Places of row `index`.
fn row(index: usize, length: usize) -> std::ops::Range<usize> {
    index * length..(index + 1) * length
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
        let fields = vec![(scale, -scale * zero_point as f32); head.grid.anchors.len() * head.fields()];
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
        let values = head.grid.anchors.len() * head.fields();
        let others = &observed.heads;
        let spans: Vec<(f32, f32)> = (0..values).map(|value| span(head, seen, others, value)).collect();
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
                let others = &observed.heads;
                (0..head.grid.anchors.len() * head.fields()).map(move |value| span(head, seen, others, value))
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
        let scores = Some(score_affine(&rescaled.head, options));
        affines[rescaled.head.scores] = scores;
        if let Some((objectness, _)) = rescaled.head.objectness {
            affines[objectness] = scores;
        }
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

/// Range of a value of a cell, with a margin; from all anchors of a cell where its own saw too little, and
/// from all heads where those did.
fn span(head: &Head, seen: &HeadSeen, others: &[HeadSeen], value: usize) -> (f32, f32) {
    const ENOUGH: usize = 20;
    /// Beyond it a sigmoid is flat.
    const FLAT: f32 = 8.0;
    let (anchor, field) = (value / head.fields(), value % head.fields());
    let together = sharing(&head.spelling, field);
    let own = &seen.fields[anchor];
    let all: Vec<&Vec<f32>> = seen.fields.iter().flatten().collect();
    let rows: Vec<&Vec<f32>> = if own.len() >= ENOUGH && together.is_empty() {
        own.iter().collect()
    } else if all.len() >= ENOUGH {
        all
    } else {
        others.iter().flat_map(|seen| seen.fields.iter().flatten()).collect()
    };
    let fields = if together.is_empty() { vec![field] } else { together };
    let values = rows.iter().flat_map(|row| fields.iter().filter_map(|&field| row.get(field).copied()));
    let (low, high) = values
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let unit = head.spelling.scale_of(field);
    if low > high {
        return if matches!(head.spelling.decoder, Decoder::Linear | Decoder::Exponential) {
            (-unit, unit)
        } else {
            (-FLAT, FLAT)
        };
    }
    let margin = (high - low) * 0.05 + unit / 128.0;
    let (low, high) = (low - margin, high + margin);
    match (head.spelling.decoder, head.spelling.name_of(field)) {
        (Decoder::SigmoidExponential, Some(0 | 1)) | (Decoder::SigmoidSquare, _) => {
            (low.clamp(-FLAT, FLAT - 1.0), high.clamp(1.0 - FLAT, FLAT))
        }
        _ => (low, high),
    }
}

/// The fields that one table decodes, so that they have one scale; none for fields that need no table.
fn sharing(spelling: &Spelling, field: usize) -> Vec<usize> {
    let named = |names: &[usize]| names.iter().map(|&name| usize::from(spelling.field_order[name])).collect();
    match (spelling.decoder, spelling.name_of(field)) {
        (Decoder::Distribution, _) => (0..spelling.columns()).collect(),
        (Decoder::Exponential, Some(2 | 3)) => vec![field],
        (Decoder::SigmoidExponential | Decoder::SigmoidSquare, Some(0 | 1)) => named(&[0, 1]),
        (Decoder::SigmoidExponential | Decoder::SigmoidSquare, Some(_)) => named(&[2, 3]),
        _ => Vec::new(),
    }
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
    linear && alone && head.first_box == 0 && channels == Some(head.grid.anchors.len() * head.fields())
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
