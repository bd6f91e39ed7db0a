//! What `ocelli eval` measures: the artefact and its float source as functions from a frame to a prediction.

use std::path::Path;

use ocelli::{Artefact, Frame, Infer, Outcome, OutputContractView, SUBPIXELS};
use ocelli_compiler::float_detector::FloatDetector;
use ocelli_compiler::float_model::FloatModel;
use ocelli_eval::{FoundBox, Mask, Model, Prediction};

use crate::failure::Failure;
use crate::session::HostPipeline;

/// What decides where a model leaves it open.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    /// Value from which a map of one channel shows the object.
    pub mask_threshold: f32,
    /// Least score of a detection, where it is not the contract's.
    pub score_threshold: Option<f32>,
    /// The contract of the float model, where it is not found by name.
    pub contract: Option<&'a Path>,
}

/// Labels of an artefact, and how many classes it has.
pub fn labels(artefact: &Artefact<'_>) -> (Vec<String>, usize) {
    let texts = match artefact.output_contracts().next() {
        Some(OutputContractView::Classes(classes)) => classes.labels,
        Some(OutputContractView::Boxes(boxes)) => boxes.labels,
        _ => return (Vec::new(), classes_of_tensor(artefact)),
    };
    let labels: Vec<String> = texts.iter().map(str::to_owned).collect();
    let classes = if labels.is_empty() { classes_of_tensor(artefact) } else { labels.len() };
    (labels, classes)
}

fn classes_of_tensor(artefact: &Artefact<'_>) -> usize {
    let shape = artefact.outputs().first().map(|&id| artefact.tensor(id).shape());
    shape.and_then(|shape| shape.axes().last().copied()).unwrap_or(0) as usize
}

/// The artefact on this computer.
pub fn int8<'m>(pipeline: &'m mut HostPipeline<'_>, choices: Choices<'m>) -> Model<'m> {
    let predict = move |frame: &Frame<'_>| {
        pipeline.preprocess(frame);
        pipeline.infer();
        if let Outcome::Detections(detections) = pipeline.postprocess() {
            let pixels = |sub_pixels: i32| sub_pixels as f32 / SUBPIXELS as f32;
            let found = detections.found.iter().map(|found| {
                let bounds = &found.bounds;
                FoundBox {
                    class: found.class_index.into(),
                    score: f32::from(found.score.0) / 65536.0,
                    bounds: [bounds.left, bounds.top, bounds.right, bounds.bottom].map(pixels),
                }
            });
            return Ok(Prediction::Boxes(found.collect()));
        }
        let artefact = *pipeline.artefact();
        let tensor = match artefact.output_contracts().next() {
            Some(OutputContractView::Classes(classes)) => classes.tensor,
            _ => *artefact.outputs().first().ok_or("it has no output")?,
        };
        let view = artefact.tensor(tensor);
        let index = artefact.output_index(tensor).unwrap_or(0);
        let stored = pipeline.model().output(index).unwrap_or_default();
        let scale = f32::from_bits(view.scale_bits());
        let real = |&stored: &i8| scale * (i32::from(stored) - i32::from(view.zero_point())) as f32;
        let values: Vec<f32> = stored.iter().map(real).collect();
        let shape: Vec<usize> = view.axes().iter().map(|&axis| axis as usize).collect();
        Ok(dense(values, &shape, frame, pipeline.transform(), choices))
    };
    Model { name: "int8".to_owned(), predict: Box::new(predict) }
}

/// The source in tract.
pub fn float<'m>(path: &Path, artefact: &Artefact<'_>, choices: Choices<'m>) -> Result<Model<'m>, Failure> {
    let name = "float".to_owned();
    if let Some(OutputContractView::Boxes(_)) = artefact.output_contracts().next() {
        let mut detector = FloatDetector::open(path, choices.contract)
            .map_err(|error| Failure::at(path.display(), error))?;
        if let Some(threshold) = choices.score_threshold {
            detector = detector.with_score_threshold(threshold);
        }
        let found = |found: ocelli_compiler::float_detector::FloatDetection| FoundBox {
            class: found.class_index,
            score: found.score,
            bounds: found.bounds,
        };
        let predict = move |frame: &Frame<'_>| match detector.detect(frame) {
            Ok(detections) => Ok(Prediction::Boxes(detections.into_iter().map(found).collect())),
            Err(error) => Err(error.to_string()),
        };
        return Ok(Model { name, predict: Box::new(predict) });
    }
    let model = FloatModel::open(path, artefact).map_err(|error| Failure::at(path.display(), error))?;
    let wanted = match artefact.output_contracts().next() {
        Some(OutputContractView::Classes(classes)) => Some(artefact.tensor_name(classes.tensor).to_owned()),
        _ => None,
    };
    let place = model.outputs().iter().position(|(name, _)| Some(name) == wanted.as_ref()).unwrap_or(0);
    let shape = model.outputs().get(place).map(|(_, shape)| shape.clone()).unwrap_or_default();
    let predict = move |frame: &Frame<'_>| {
        let (mut outputs, transform) = model.run(frame).map_err(|error| error.to_string())?;
        Ok(dense(outputs.swap_remove(place), &shape, frame, &transform, choices))
    };
    Ok(Model { name, predict: Box::new(predict) })
}

/// Scores of classes, or a mask where the tensor is a map.
fn dense(
    values: Vec<f32>,
    shape: &[usize],
    frame: &Frame<'_>,
    transform: &ocelli::Transform,
    choices: Choices<'_>,
) -> Prediction {
    match *shape {
        [1, rows, columns, channels] if rows * columns > 1 => Prediction::Mask(Mask::from_map(
            &values,
            [rows, columns, channels],
            choices.mask_threshold,
            transform,
            [frame.width(), frame.height()],
        )),
        _ => Prediction::Scores(values),
    }
}
