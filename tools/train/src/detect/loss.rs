//! What a detector's numbers cost: scores by how well their boxes lie, boxes by overlap.
//!
//! The score of an anchor is to be the overlap of its box with its object (quality focal loss: Li and others, 2020),
//! so that suppression keeps the box that lies best; boxes are pulled by overlap and by the distance of their middles
//! (Zheng and others, 2020).

use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::assign::Duty;
use super::{Detector, Object};
use crate::learn::numbers;

/// How much boxes count beside scores.
const BOXES: f32 = 2.0;

/// Largest exponent of a side, so that a first wild step gives numbers.
const WIDEST: f32 = 6.0;

/// What keeps a ratio of areas a number.
const LEAST: f32 = 1e-9;

/// What a network says of a batch: a row for each anchor of each picture.
pub(crate) struct Outputs {
    /// Logits `[N * anchors, classes]`.
    pub(crate) scores: Tensor<2>,
    /// Fields `[N * anchors, 4]`.
    pub(crate) boxes: Tensor<2>,
}

/// Anchors with an object, over a batch.
///
/// Those of a rare class count more, by the root of how much rarer it is than the commonest of the batch: a few small
/// objects in a crowd would else be given up for the crowd.
#[derive(Default)]
struct Found {
    rows: Vec<i32>,
    classes: Vec<usize>,
    /// Left, top, right, bottom of the object, x and y of the anchor's centre, width and height of its size.
    columns: [Vec<f32>; 8],
}

impl Detector {
    /// The loss of a batch: a weighted mean over the anchors that have an object.
    pub(crate) fn loss(&self, outputs: &Outputs, batch: &[&[Object]], device: &Device) -> Tensor<1> {
        let classes = self.classes();
        let count = self.anchors.len();
        let mut found = Found::default();
        let mut counts = vec![1f32; batch.len() * count * classes];
        for (picture, objects) in batch.iter().enumerate() {
            for (place, duty) in self.assign(objects).into_iter().enumerate() {
                let row = picture * count + place;
                match duty {
                    Duty::Background => {}
                    Duty::Free => counts[row * classes..(row + 1) * classes].fill(0.0),
                    Duty::Object(index) => found.push(row, &objects[index], &self.anchors[place]),
                }
            }
        }
        let weights = found.weights(classes);
        let mut targets = vec![0f32; counts.len()];
        let mut of_boxes = None;
        if !found.rows.is_empty() {
            let rows = TensorData::new(found.rows.clone(), [found.rows.len()]);
            let fields = outputs.boxes.clone().select(0, Tensor::<1, Int>::from_data(rows, device));
            let (overlaps, apart) = self.overlaps(fields, &found, device);
            for (index, overlap) in numbers(overlaps).into_iter().enumerate() {
                let place = found.rows[index] as usize * classes + found.classes[index];
                (targets[place], counts[place]) = (overlap, weights[index]);
            }
            let weights = Tensor::<1>::from_data(TensorData::new(weights.clone(), [weights.len()]), device);
            of_boxes = Some((apart * weights).sum());
        }
        let shape = [batch.len() * count, classes];
        let constant = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, shape), device);
        let scores = focal(outputs.scores.clone(), constant(targets)) * constant(counts);
        let whole = match of_boxes {
            Some(boxes) => scores.sum() + boxes.mul_scalar(BOXES),
            None => scores.sum(),
        };
        whole.div_scalar(weights.iter().sum::<f32>().max(1.0))
    }

    /// Overlap of each found anchor's box with its object, and what the box costs.
    fn overlaps(&self, fields: Tensor<2>, found: &Found, device: &Device) -> (Tensor<1>, Tensor<1>) {
        let count = found.rows.len();
        let field = |name: usize| {
            let column = usize::from(self.layout.field_order[name]);
            fields.clone().narrow(1, column, 1).reshape([count])
        };
        let known = |index: usize| {
            Tensor::<1>::from_data(TensorData::new(found.columns[index].clone(), [count]), device)
        };
        let along = |axis: usize| {
            let (least, most) = (known(axis), known(2 + axis));
            let (centre, size) = (known(4 + axis), known(6 + axis));
            let middle = centre + field(axis).div_scalar(self.layout.centre_scale) * size.clone();
            let exponent = field(2 + axis).div_scalar(self.layout.size_scale).clamp(-WIDEST, WIDEST);
            let extent = exponent.exp() * size;
            let half = extent.clone().div_scalar(2.0);
            let (low, high) = (middle.clone() - half.clone(), middle.clone() + half);
            Along {
                common: activation::relu(
                    smaller(high.clone(), most.clone()) - larger(low.clone(), least.clone()),
                ),
                span: square(larger(high, most.clone()) - smaller(low, least.clone())),
                shift: square(middle - (least.clone() + most.clone()).div_scalar(2.0)),
                truth: most - least,
                extent,
            }
        };
        let (x, y) = (along(0), along(1));
        let common = x.common * y.common;
        let overlap = common.clone() / (x.extent * y.extent + x.truth * y.truth - common).add_scalar(LEAST);
        let apart = (x.shift + y.shift) / (x.span + y.span).add_scalar(LEAST);
        (overlap.clone().detach(), apart - overlap.sub_scalar(1.0))
    }
}

/// Boxes and objects along an axis.
struct Along {
    /// Length that both cover.
    common: Tensor<1>,
    /// Square of the length that either covers.
    span: Tensor<1>,
    /// Square of the distance of the middles.
    shift: Tensor<1>,
    /// Length of the object.
    truth: Tensor<1>,
    /// Length of the box.
    extent: Tensor<1>,
}

impl Found {
    /// How much each anchor counts.
    fn weights(&self, classes: usize) -> Vec<f32> {
        let mut counts = vec![0usize; classes];
        self.classes.iter().for_each(|&class| counts[class] += 1);
        let most = counts.iter().copied().max().unwrap_or(0) as f32;
        self.classes.iter().map(|&class| (most / counts[class] as f32).sqrt()).collect()
    }

    fn push(&mut self, row: usize, object: &Object, anchor: &super::Anchor) {
        self.rows.push(row as i32);
        self.classes.push(object.class);
        let anchor = anchor.centre.into_iter().chain(anchor.size);
        for (column, value) in self.columns.iter_mut().zip(object.bounds.into_iter().chain(anchor)) {
            column.push(value);
        }
    }
}

/// Cross entropy of logits with probabilities, weighted by the square of what is wrong.
fn focal(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<2> {
    let entropy = activation::relu(logits.clone()) - logits.clone() * targets.clone()
        + activation::softplus(logits.clone().abs().neg(), 1.0);
    let wrong = targets - activation::sigmoid(logits);
    wrong.clone() * wrong * entropy
}

fn square(value: Tensor<1>) -> Tensor<1> {
    value.clone() * value
}

fn larger(left: Tensor<1>, right: Tensor<1>) -> Tensor<1> {
    right.clone() + activation::relu(left - right)
}

fn smaller(left: Tensor<1>, right: Tensor<1>) -> Tensor<1> {
    left.clone() - activation::relu(left - right)
}
