//! The float side of a detector: the source model in tract, and boxes out of it in plain loops.
//!
//! What int8 detections are compared with, in `ocelli demo` and in the tests. Of the device's way it shares
//! the pixels and where the heads are, and not the decoder, so that a mistake in one shows as a difference.

use std::path::Path;

use ocelli_core::Frame;
use ocelli_vision::{PreprocessError, Transform};

use crate::contract::{Boxes, Contract, Suppression, lift_heads};
use crate::convert::{ConvertError, image_input};
use crate::detector::place;
use crate::float_input::FloatInput;
use crate::fold::fold;
use crate::graph::TensorId;
use crate::import::import;
use crate::oracle::Oracle;
use crate::quantize::Head;

/// A found object, in pixels of the frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatDetection {
    /// Index into the labels of the contract, background excluded.
    pub class_index: usize,
    /// Probability.
    pub score: f32,
    /// Left, top, right, bottom.
    pub bounds: [f32; 4],
    /// x and y.
    pub keypoints: Vec<[f32; 2]>,
}

/// A detector that has not been quantized.
pub struct FloatDetector {
    oracle: Oracle,
    input: FloatInput,
    boxes: Boxes,
    heads: Vec<Head>,
    /// The tensors that the heads speak of, in the order of the outputs.
    outputs: Vec<TensorId>,
}

/// Why a model is no float detector, or cannot look at a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FloatDetectorError {
    /// The model cannot be imported, or is no picture's.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// The contract has no boxes, or names no outputs of the model.
    #[error("{model}: {problem}")]
    Contract {
        /// The model's file.
        model: String,
        /// What is wrong.
        problem: String,
    },
    /// tract does not run it.
    #[error(transparent)]
    Oracle(#[from] crate::oracle::OracleError),
    /// The frame cannot be brought to the model's input.
    #[error("{0}")]
    Preprocess(PreprocessError),
}

impl FloatDetector {
    /// Imports a float model and finds its contract as [`convert`](crate::convert::convert) does.
    ///
    /// # Errors
    /// [`FloatDetectorError`].
    pub fn open(path: &Path, contract: Option<&Path>) -> Result<FloatDetector, FloatDetectorError> {
        let missing = |problem: &str| FloatDetectorError::Contract {
            model: path.display().to_string(),
            problem: problem.into(),
        };
        let contract = Contract::find(path, contract).map_err(ConvertError::from)?.unwrap_or_default();
        let input = contract.input.ok_or_else(|| missing("the contract says nothing about the input"))?;
        let boxes = contract.boxes.ok_or_else(|| missing("the contract says nothing about boxes"))?;
        let mut graph = import(path).map_err(ConvertError::from)?;
        fold(&mut graph);
        let heads = lift_heads(&mut graph, &boxes).map_err(ConvertError::from)?;
        let input = FloatInput { image: image_input(&graph, &input)?, scaling: input.scaling() };
        let (oracle, outputs) = (Oracle::new(&graph)?, graph.outputs);
        Ok(FloatDetector { oracle, input, boxes, heads, outputs })
    }

    /// With another least probability that counts.
    pub fn with_score_threshold(mut self, score_threshold: f32) -> FloatDetector {
        self.boxes.score_threshold = score_threshold;
        self
    }

    /// What it finds in a frame, best first.
    ///
    /// # Errors
    /// [`FloatDetectorError::Preprocess`] and [`FloatDetectorError::Oracle`].
    pub fn detect(&self, frame: &Frame<'_>) -> Result<Vec<FloatDetection>, FloatDetectorError> {
        let (input, transform) = self.preprocess(frame)?;
        let outputs = self.infer(input)?;
        Ok(self.postprocess(&outputs, &transform))
    }

    /// The real values of the input for a frame, and the way back.
    ///
    /// # Errors
    /// [`FloatDetectorError::Preprocess`].
    pub fn preprocess(&self, frame: &Frame<'_>) -> Result<(Vec<f32>, Transform), FloatDetectorError> {
        self.input.real(frame).map_err(FloatDetectorError::Preprocess)
    }

    /// The outputs for an input.
    ///
    /// # Errors
    /// [`FloatDetectorError::Oracle`].
    pub fn infer(&self, input: Vec<f32>) -> Result<Vec<Vec<f32>>, FloatDetectorError> {
        Ok(self.oracle.run(&[input])?)
    }

    /// The objects that the outputs show, in pixels of the frame.
    pub fn postprocess(&self, outputs: &[Vec<f32>], transform: &Transform) -> Vec<FloatDetection> {
        let values = |id: TensorId| {
            let place = self.outputs.iter().position(|&output| output == id)?;
            outputs.get(place).map(Vec::as_slice)
        };
        decode(&self.boxes, &self.heads, values, transform)
    }
}

/// The objects that outputs show, in pixels of the frame, best first; `values` finds the output that a head names.
pub fn decode<'a>(
    contract: &Boxes,
    heads: &[Head],
    values: impl Fn(TensorId) -> Option<&'a [f32]>,
    transform: &Transform,
) -> Vec<FloatDetection> {
    let mut found = in_input(contract, heads, values);
    let (source, target) = (transform.source(), transform.target());
    let x = |x: f32| {
        let column = x * transform.input_width() as f32 - target.x as f32;
        source.x as f32 + column * source.width as f32 / target.width as f32
    };
    let y = |y: f32| {
        let row = y * transform.input_height() as f32 - target.y as f32;
        source.y as f32 + row * source.height as f32 / target.height as f32
    };
    for detection in &mut found {
        let [left, top, right, bottom] = detection.bounds;
        detection.bounds = [x(left), y(top), x(right), y(bottom)];
        detection.keypoints.iter_mut().for_each(|point| *point = [x(point[0]), y(point[1])]);
    }
    found
}

/// Intersection over union of two boxes; 0 where neither has an area.
pub fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let area = |bounds: &[f32; 4]| (bounds[2] - bounds[0]).max(0.0) * (bounds[3] - bounds[1]).max(0.0);
    let common = [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])];
    let intersection = area(&common);
    let union = area(a) + area(b) - intersection;
    if union > 0.0 { intersection / union } else { 0.0 }
}

/// The objects that the heads show, where 1 is the input's width and height; `values` finds an output.
fn in_input<'a>(
    contract: &Boxes,
    heads: &[Head],
    values: impl Fn(TensorId) -> Option<&'a [f32]>,
) -> Vec<FloatDetection> {
    let mut candidates = candidates(contract, heads, values);
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut found = Vec::new();
    while !candidates.is_empty() {
        let best = candidates.remove(0);
        let (mut cluster, rest): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|other| {
            other.class_index == best.class_index
                && overlap(&best.bounds, &other.bounds) > contract.iou_threshold
        });
        candidates = rest;
        cluster.push(best.clone());
        found.push(match contract.suppression {
            Suppression::Weighted => blend(&best, &cluster),
            Suppression::Hard => best,
        });
    }
    found
}

fn candidates<'a>(
    contract: &Boxes,
    heads: &[Head],
    values: impl Fn(TensorId) -> Option<&'a [f32]>,
) -> Vec<FloatDetection> {
    let mut found = Vec::new();
    for head in heads {
        let boxes = values(head.boxes).unwrap_or_default();
        for anchor in 0..head.anchor_count() {
            for (class_index, score) in head.probabilities(&values, anchor).into_iter().enumerate() {
                if score >= contract.score_threshold {
                    let (bounds, keypoints) =
                        place(&head.spelling, &head.grid, anchor, head.fields_of(boxes, anchor));
                    let bounds = bounds.map(|edge| edge as f32);
                    let keypoints =
                        keypoints.into_iter().map(|point| point.map(|axis| axis as f32)).collect();
                    found.push(FloatDetection { class_index, score, bounds, keypoints });
                }
            }
        }
    }
    found
}

/// The mean of a cluster, weighted by score, with the score of its best.
fn blend(best: &FloatDetection, cluster: &[FloatDetection]) -> FloatDetection {
    let total: f32 = cluster.iter().map(|member| member.score).sum();
    let mean = |value: &dyn Fn(&FloatDetection) -> f32| {
        cluster.iter().map(|member| member.score * value(member)).sum::<f32>() / total
    };
    FloatDetection {
        class_index: best.class_index,
        score: best.score,
        bounds: std::array::from_fn(|edge| mean(&|member| member.bounds[edge])),
        keypoints: (0..best.keypoints.len())
            .map(|point| std::array::from_fn(|axis| mean(&|member| member.keypoints[point][axis])))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a head of two cells beside each other shows, with one keypoint.
    fn detect(suppression: &str, scores: &[f32], boxes: &[f32]) -> Vec<FloatDetection> {
        let text = format!(
            "[boxes]\nlabels = [\"thing\"]\nkeypoints = [\"k\"]\nscore_threshold = 0.5\niou_threshold = 0.3\n\
             suppression = \"{suppression}\"\n[boxes.layout]\nscores = \"s\"\nboxes = \"b\"\nlogits = true\n\
             decoder = \"linear\"\ncentre_scale = 10.0\nsize_scale = 10.0\n\
             heads = [{{ rows = 1, columns = 2, anchors = [[1.0, 1.0]] }}]\n"
        );
        let contract = Contract::parse("test", &text).unwrap().boxes.unwrap();
        let layout = contract.layout.as_ref().unwrap();
        let head = Head {
            scores: 0,
            first_score: 0,
            boxes: 1,
            first_box: 0,
            objectness: None,
            grid: layout.heads[0].clone(),
            classes: 1,
            has_background: false,
            logits: true,
            spelling: layout.spelling(1),
        };
        in_input(&contract, &[head], |id| [scores, boxes].get(id).copied())
    }

    fn near(values: &[f32], expected: &[f32]) -> bool {
        values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6)
    }

    #[test]
    fn a_box_stands_relative_to_its_anchor() {
        let boxes = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, -1.0, 2.0, 4.0, 1.0, 2.0];
        let found = detect("hard", &[-9.0, 0.0], &boxes);
        assert_eq!((found.len(), found[0].score), (1, 0.5));
        assert!(near(&found[0].bounds, &[0.7, 0.2, 0.9, 0.6]), "{:?}", found[0].bounds);
        assert!(near(&found[0].keypoints[0], &[0.85, 0.7]), "{:?}", found[0].keypoints);
    }

    #[test]
    fn boxes_of_one_object_become_one() {
        // Both stand at x 0.5: the first anchor's centre is 0.25, the second's 0.75.
        let boxes = [2.5, 0.0, 4.0, 4.0, 0.0, 0.0, -2.5, 0.4, 4.0, 4.0, 0.0, 0.0];
        let hard = detect("hard", &[3.0, 1.0], &boxes);
        assert_eq!(hard.len(), 1);
        assert!(near(&hard[0].bounds, &[0.3, 0.3, 0.7, 0.7]), "{:?}", hard[0].bounds);
        let weighted = detect("weighted", &[3.0, 1.0], &boxes);
        let (first, second) = (1.0 / (1.0 + (-3f32).exp()), 1.0 / (1.0 + (-1f32).exp()));
        let shift = 0.04 * second / (first + second);
        assert_eq!(weighted.len(), 1);
        assert!(near(&weighted[0].bounds, &[0.3, 0.3 + shift, 0.7, 0.7 + shift]), "{:?}", weighted[0].bounds);
        assert_eq!(weighted[0].score, hard[0].score);
    }

    #[test]
    fn overlap_is_a_ratio_of_areas() {
        assert_eq!(overlap(&[0.0, 0.0, 2.0, 2.0], &[1.0, 0.0, 3.0, 2.0]), 1.0 / 3.0);
        assert_eq!(overlap(&[0.0, 0.0, 1.0, 1.0], &[2.0, 2.0, 3.0, 3.0]), 0.0);
        assert_eq!(overlap(&[0.0; 4], &[0.0; 4]), 0.0);
    }
}
