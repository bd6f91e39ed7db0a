//! The float side of a detector: the source model in tract, and boxes out of it in plain loops.
//!
//! What int8 detections are compared with, in `ocelli demo` and in the tests. Of the device's way it shares
//! the pixels and the contract, and not the decoder, so that a mistake in one shows as a difference.

use std::path::Path;

use ocelli_core::Frame;
use ocelli_vision::{ImageInput, PreprocessError, Preprocessor, Transform, scratch_words};

use crate::contract::{Boxes, Contract, Decoder, Grid, Suppression};
use crate::convert::{ConvertError, image_input};
use crate::fold::fold;
use crate::import::import;
use crate::oracle::Oracle;
use crate::quantize::InputScaling;

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
    image: ImageInput,
    scaling: InputScaling,
    boxes: Boxes,
    /// Index of the scores and of the boxes among the outputs.
    outputs: [usize; 2],
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
        let find = |name: &str| {
            let mut names = graph.outputs.iter().map(|&id| graph.tensors[id].name.as_str());
            names
                .position(|output| output == name || output.split(':').next() == Some(name))
                .ok_or_else(|| missing(&format!("it has no output {name:?}")))
        };
        let outputs = [find(&boxes.scores_output)?, find(&boxes.boxes_output)?];
        let image = image_input(&graph, &input)?;
        Ok(FloatDetector { oracle: Oracle::new(&graph)?, image, scaling: input.scaling(), boxes, outputs })
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
        let mut scratch = vec![0; scratch_words(self.image.width, self.image.layout)];
        let mut pixels = vec![0; self.image.elements()];
        let mut preprocessor =
            Preprocessor::new(self.image, frame.width(), frame.height(), None, &mut scratch)
                .map_err(FloatDetectorError::Preprocess)?;
        preprocessor.frame_to_pixels(frame, &mut pixels).map_err(FloatDetectorError::Preprocess)?;
        let channels = self.image.channels();
        let real = |(index, &pixel): (usize, &u8)| self.scaling.real(pixel, index % channels);
        Ok((pixels.iter().enumerate().map(real).collect(), preprocessor.transform()))
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
        let [scores, boxes] = self.outputs.map(|index| outputs[index].as_slice());
        let mut found = decode(&self.boxes, scores, boxes);
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
}

/// Intersection over union of two boxes; 0 where neither has an area.
pub fn overlap(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let area = |bounds: &[f32; 4]| (bounds[2] - bounds[0]).max(0.0) * (bounds[3] - bounds[1]).max(0.0);
    let common = [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])];
    let intersection = area(&common);
    let union = area(a) + area(b) - intersection;
    if union > 0.0 { intersection / union } else { 0.0 }
}

/// The objects that scores and boxes of all anchors show, where 1 is the input's width and height.
fn decode(contract: &Boxes, scores: &[f32], boxes: &[f32]) -> Vec<FloatDetection> {
    let mut candidates = candidates(contract, scores, boxes);
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

fn candidates(contract: &Boxes, scores: &[f32], boxes: &[f32]) -> Vec<FloatDetection> {
    let background = usize::from(contract.has_background);
    let mut scores = scores.chunks_exact(contract.labels.len() + background);
    let mut rows = boxes.chunks_exact(4 + 2 * contract.keypoints.len());
    let mut found = Vec::new();
    for grid in &contract.heads {
        for anchor in 0..grid.rows * grid.columns * grid.anchors.len() {
            let (Some(scores), Some(row)) = (scores.next(), rows.next()) else { return found };
            for (class_index, &score) in scores[background..].iter().enumerate() {
                let score = if contract.logits { 1.0 / (1.0 + (-score).exp()) } else { score };
                if score >= contract.score_threshold {
                    let (bounds, keypoints) = place(contract, grid, anchor, row);
                    found.push(FloatDetection { class_index, score, bounds, keypoints });
                }
            }
        }
    }
    found
}

/// Bounds and keypoints of an anchor of a grid.
fn place(contract: &Boxes, grid: &Grid, anchor: usize, row: &[f32]) -> ([f32; 4], Vec<[f32; 2]>) {
    let (cell, size) = (anchor / grid.anchors.len(), grid.anchors[anchor % grid.anchors.len()]);
    let centre = [
        ((cell % grid.columns) as f32 + 0.5) / grid.columns as f32,
        ((cell / grid.columns) as f32 + 0.5) / grid.rows as f32,
    ];
    let field = |index: usize, scale: f32| row[usize::from(contract.field_order[index])] / scale;
    let side = |index: usize| {
        let t = field(index, contract.size_scale);
        size[index - 2] * if contract.decoder == Decoder::Exponential { t.exp() } else { t }
    };
    let x = centre[0] + field(0, contract.centre_scale) * size[0];
    let y = centre[1] + field(1, contract.centre_scale) * size[1];
    let (width, height) = (side(2), side(3));
    let bounds = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0];
    let keypoint = |point: &[f32]| {
        let t = [point[0] / contract.centre_scale, point[1] / contract.centre_scale];
        [centre[0] + t[0] * size[0], centre[1] + t[1] * size[1]]
    };
    (bounds, row[4..].chunks_exact(2).map(keypoint).collect())
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

    fn contract(suppression: &str) -> Boxes {
        let text = format!(
            "[boxes]\nscores_output = \"s\"\nboxes_output = \"b\"\nlabels = [\"thing\"]\nkeypoints = [\"k\"]\n\
             logits = true\nscore_threshold = 0.5\niou_threshold = 0.3\nsuppression = \"{suppression}\"\n\
             decoder = \"linear\"\nfield_order = [0, 1, 2, 3]\ncentre_scale = 10.0\nsize_scale = 10.0\n\
             heads = [{{ rows = 1, columns = 2, anchors = [[1.0, 1.0]] }}]\n"
        );
        Contract::parse("test", &text).unwrap().boxes.unwrap()
    }

    fn near(values: &[f32], expected: &[f32]) -> bool {
        values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6)
    }

    #[test]
    fn a_box_stands_relative_to_its_anchor() {
        let boxes = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, -1.0, 2.0, 4.0, 1.0, 2.0];
        let found = decode(&contract("hard"), &[-9.0, 0.0], &boxes);
        assert_eq!((found.len(), found[0].score), (1, 0.5));
        assert!(near(&found[0].bounds, &[0.7, 0.2, 0.9, 0.6]), "{:?}", found[0].bounds);
        assert!(near(&found[0].keypoints[0], &[0.85, 0.7]), "{:?}", found[0].keypoints);
    }

    #[test]
    fn boxes_of_one_object_become_one() {
        // Both stand at x 0.5: the first anchor's centre is 0.25, the second's 0.75.
        let boxes = [2.5, 0.0, 4.0, 4.0, 0.0, 0.0, -2.5, 0.4, 4.0, 4.0, 0.0, 0.0];
        let hard = decode(&contract("hard"), &[3.0, 1.0], &boxes);
        assert_eq!(hard.len(), 1);
        assert!(near(&hard[0].bounds, &[0.3, 0.3, 0.7, 0.7]), "{:?}", hard[0].bounds);
        let weighted = decode(&contract("weighted"), &[3.0, 1.0], &boxes);
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
