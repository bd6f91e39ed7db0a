//! Measuring: a float network and an artefact on pictures, as `ocelli eval` measures them.
//!
//! A detector's artefact runs in the engine and its boxes come from the device's own decoder, so its score here is
//! the one that `eval` tells at the same least score.

use burn::tensor::Device;
use ocelli_compiler::contract::Boxes as Contract;
use ocelli_compiler::execute::{ExecuteError, Executor};
use ocelli_compiler::float_detector::decode;
use ocelli_eval::{Boxes, FoundBox};
use ocelli_format::{AlignedBytes, Artefact, OutputContractView};
use ocelli_vision::{BoxPostprocessor, Detections, Thresholds};

use crate::batch::Batch;
use crate::data::{Examples, Reader, Seen};
use crate::detect::Detector;
use crate::error::TrainError;
use crate::learn::{count_right, numbers};
use crate::network::Network;
use crate::pass::{self, Leaves, Outcome, to_rows};
use crate::random::Random;
use crate::score::Score;

/// From this score on boxes count for a precision; with more of them it costs time and changes nothing that shows.
pub const LEAST_SCORE: f32 = 0.05;

/// Pictures of a pass.
const BATCH: usize = 250;
const BATCH_OF_FRAMES: usize = 16;

/// The score of a float network on pictures, in batches.
///
/// # Errors
/// [`TrainError::Node`] and [`TrainError::Model`].
pub fn float(network: &Network, reader: &Reader, examples: &Examples) -> Result<Score, TrainError> {
    let pictures = examples.len();
    match &reader.detector {
        None => {
            let (id, classes) = (network.logits(), reader.labels.len());
            let mut right = 0;
            each_batch(network, reader, examples, BATCH, |batch, _, outcome| {
                if let Some(logits) = outcome.activation(id) {
                    right += count_right(&to_rows(logits, classes), &batch.classes());
                }
            })?;
            Ok(Score::Right { right, pictures })
        }
        Some(detector) => Ok(Score::of_boxes(&mut boxes(network, reader, detector, examples)?, pictures)),
    }
}

/// What a float classifier says of pictures, a row of logits each.
///
/// # Errors
/// As [`float`].
pub(crate) fn logits(
    network: &Network,
    reader: &Reader,
    examples: &Examples,
) -> Result<Vec<f32>, TrainError> {
    let (id, classes) = (network.logits(), reader.labels.len());
    let mut rows = Vec::with_capacity(examples.len() * classes);
    each_batch(network, reader, examples, BATCH, |_, _, outcome| {
        if let Some(logits) = outcome.activation(id) {
            rows.extend(numbers(to_rows(logits, classes)));
        }
    })?;
    Ok(rows)
}

/// As [`float`], with all that a card tells.
///
/// # Errors
/// As [`float`].
pub fn float_in_detail(network: &Network, reader: &Reader, examples: &Examples) -> Result<Score, TrainError> {
    match &reader.detector {
        None => float(network, reader, examples),
        Some(detector) => {
            let mut boxes = boxes(network, reader, detector, examples)?;
            Ok(Score::of_boxes_in_detail(&mut boxes, &reader.labels, examples.len()))
        }
    }
}

/// The score of a detector's artefact.
///
/// # Errors
/// [`TrainError::Execute`].
pub fn artefact(bytes: &[u8], reader: &Reader, examples: &Examples) -> Result<Score, TrainError> {
    let refused =
        |problem: String| TrainError::Execute(ExecuteError::Engine { model: "the artefact".into(), problem });
    let mut executor = Executor::from_bytes("the artefact", bytes)?;
    let aligned = AlignedBytes::copy_of(bytes);
    let parsed = Artefact::parse(&aligned).map_err(|error| refused(error.to_string()))?;
    let (Some(input), Some(OutputContractView::Boxes(contract))) =
        (parsed.input_contracts().next(), parsed.output_contracts().next())
    else {
        return Err(refused("it has no contracts of a picture and of boxes".into()));
    };
    let mut postprocessor =
        BoxPostprocessor::<'_, 4096, 0>::new(contract).map_err(|error| refused(error.to_string()))?;
    let overlap = postprocessor.thresholds().overlap;
    let score = ocelli_core::Score((LEAST_SCORE * 65536.0).round() as u16);
    postprocessor.set_thresholds(Thresholds { score, overlap });
    let mut detections = Detections::<256, 0>::new();
    let mut boxes = Boxes::default();
    for (index, truth) in examples.truths.iter().enumerate() {
        let Seen::Objects { boxes: truths, transform } = truth else { continue };
        let channels = input.tables.len().max(1);
        let pixels = examples.picture(index).iter().enumerate();
        let stored = pixels.map(|(place, &pixel)| input.tables[place % channels][usize::from(pixel)]);
        let outputs = executor.run(&[stored.collect()])?;
        let find = |id| parsed.output_index(id).and_then(|index| outputs.get(index)).map(Vec::as_slice);
        postprocessor.run(find, transform, &mut detections).map_err(|error| refused(error.to_string()))?;
        let found = detections.found.iter().map(|found| {
            let bounds = &found.bounds;
            let pixels = |sub_pixels: i32| sub_pixels as f32 / ocelli_core::SUBPIXELS as f32;
            FoundBox {
                class: found.class_index.into(),
                score: f32::from(found.score.0) / 65536.0,
                bounds: [bounds.left, bounds.top, bounds.right, bounds.bottom].map(pixels),
            }
        });
        boxes.add(truths, &found.collect::<Vec<_>>());
    }
    Ok(Score::of_boxes_in_detail(&mut boxes, &reader.labels, examples.len()))
}

/// What a float detector finds in pictures, beside what is there.
fn boxes(
    network: &Network,
    reader: &Reader,
    detector: &Detector,
    examples: &Examples,
) -> Result<Boxes, TrainError> {
    let [scores, fields] = detector.outputs(network)?;
    let heads = detector.heads();
    let contract = Contract { score_threshold: LEAST_SCORE, ..detector.contract().clone() };
    let mut boxes = Boxes::default();
    each_batch(network, reader, examples, BATCH_OF_FRAMES, |batch, first, outcome| {
        let rows = |id| outcome.activation(id).map_or_else(Vec::new, |tensor| numbers(to_rows(tensor, 1)));
        let outputs = [rows(scores), rows(fields)];
        for place in 0..batch.len() {
            let Seen::Objects { boxes: truths, transform } = &examples.truths[first + place] else {
                continue;
            };
            let values = |id: usize| {
                let length = outputs[id].len() / batch.len();
                outputs[id].get(place * length..(place + 1) * length)
            };
            let found = decode(&contract, &heads, values, transform);
            let found = found.into_iter().map(|found| FoundBox {
                class: found.class_index,
                score: found.score,
                bounds: found.bounds,
            });
            boxes.add(truths, &found.collect::<Vec<_>>());
        }
    })?;
    Ok(boxes)
}

/// Shows a network all pictures; `see` gets each batch, the index of its first picture, and what came out.
fn each_batch(
    network: &Network,
    reader: &Reader,
    examples: &Examples,
    size: usize,
    mut see: impl FnMut(&Batch, usize, &Outcome),
) -> Result<(), TrainError> {
    let device = Device::default();
    let picture = network.picture()?;
    let parameters = network.parameters();
    let leaves = Leaves::fixed(network, &parameters, &device);
    for first in (0..examples.len()).step_by(size) {
        let indices: Vec<usize> = (first..examples.len().min(first + size)).collect();
        let batch = Batch::draw(examples, &indices, &Default::default(), picture, &mut Random::of(0, &[]));
        let input = batch.input(&reader.scaling, picture, &device);
        let outcome = pass::forward(network, &leaves, input, &mut pass::Options::default())?;
        see(&batch, first, &outcome);
    }
    Ok(())
}
