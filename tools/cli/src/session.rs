//! An artefact planned on this computer, with the same engine and the same pipeline as on a device.

use std::time::{Duration, Instant};

use ocelli::{
    Artefact, ByContract, Frame, ImageInput, Infer, Outcome, OutputContractView, Pipeline, Plan, SUBPIXELS,
    SelfTestError, operators, scratch_words,
};
use ocelli_format::{AlignedBytes, crc32};
use serde_json::{Value, json};

use crate::artefact_file::{ArtefactFile, arena};
use crate::failure::Failure;
use crate::picture::{Picture, colour_of_class};
use crate::terminal;

// Room that no photograph fills; devices choose less.
const DETECTIONS: usize = 256;
const KEYPOINTS: usize = 32;
const CANDIDATES: usize = 4096;
const CLASSES: usize = 5;

/// What to do with frames and an artefact that cannot take them.
pub const WITHOUT_CONTRACT: &str =
    "give it one with `ocelli convert --contract`, or feed it `--input seed:5:2`";

/// The profile that a computer runs.
pub const PROFILE: &str = "portable";

/// A pipeline for any artefact.
pub type HostPipeline<'a> =
    Pipeline<'a, Plan<'a>, ByContract<'a, DETECTIONS, KEYPOINTS, CANDIDATES, CLASSES>>;

/// An answer of a [`HostPipeline`].
pub type HostOutcome<'o> = Outcome<'o, DETECTIONS, KEYPOINTS>;

/// The memory that a planned model borrows.
pub struct Memory {
    arena: AlignedBytes,
    scratch: Vec<u32>,
}

/// How long the stages of one frame took.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Camera pixels to input tensors.
    pub preprocess: Duration,
    /// Input tensors to output tensors.
    pub infer: Duration,
    /// Output tensors to an answer.
    pub postprocess: Duration,
}

impl Memory {
    /// What `artefact` needs.
    pub fn of(artefact: &Artefact<'_>) -> Memory {
        let schedule = artefact.schedule_for(PROFILE);
        let words = artefact.input_contracts().filter_map(|contract| {
            let image = ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape).ok()?;
            Some(scratch_words(image.width, image.layout))
        });
        Memory {
            arena: arena(schedule.map_or(0, |schedule| schedule.arena_bytes)),
            scratch: vec![0; words.max().unwrap_or(0)],
        }
    }

    /// Plans a model and checks its self-test.
    pub fn plan<'a>(&'a mut self, file: &ArtefactFile, artefact: &Artefact<'a>) -> Result<Plan<'a>, Failure> {
        plan(file, artefact, &mut self.arena)
    }

    /// Plans a model, checks its self-test, and puts it between its contracts.
    pub fn pipeline<'a>(
        &'a mut self,
        file: &ArtefactFile,
        artefact: &Artefact<'a>,
    ) -> Result<HostPipeline<'a>, Failure> {
        let model = plan(file, artefact, &mut self.arena)?;
        Pipeline::new(*artefact, model, &mut self.scratch).map_err(|error| {
            let failure = Failure::at(file.path().display(), error);
            match artefact.input_contracts().next() {
                Some(_) => failure,
                None => failure.advise(WITHOUT_CONTRACT),
            }
        })
    }
}

fn plan<'a>(file: &ArtefactFile, artefact: &Artefact<'a>, arena: &'a mut [u8]) -> Result<Plan<'a>, Failure> {
    let at = |error: &dyn std::error::Error| Failure::from(format!("{}: {error}", file.path().display()));
    let mut model = Plan::new(artefact, PROFILE, operators::ALL, arena).map_err(|error| at(&error))?;
    match model.self_test() {
        Ok(()) => Ok(model),
        Err(SelfTestError::Missing) => {
            terminal::print_warning(&format!("{}: it carries no self-test", file.path().display()));
            Ok(model)
        }
        Err(error) => {
            Err(at(&error).advise("this computer does not compute what the compiler did: please report it"))
        }
    }
}

/// Takes a frame through the stages and says how long each took.
pub fn run_timed<'p>(pipeline: &'p mut HostPipeline<'_>, frame: &Frame<'_>) -> (StageTimes, HostOutcome<'p>) {
    let start = Instant::now();
    pipeline.preprocess(frame);
    let preprocessed = Instant::now();
    pipeline.infer();
    let inferred = Instant::now();
    let outcome = pipeline.postprocess();
    let times = StageTimes {
        preprocess: preprocessed - start,
        infer: inferred - preprocessed,
        postprocess: inferred.elapsed(),
    };
    (times, outcome)
}

/// The bytes of all outputs, in order.
pub fn output_bytes(model: &impl Infer) -> Vec<u8> {
    let outputs = (0..).map_while(|index| model.output(index));
    outputs.flatten().map(|&value| value as u8).collect()
}

/// The checksum that self-tests use, over all outputs.
pub fn output_crc32(model: &impl Infer) -> String {
    format!("{:08x}", crc32(&output_bytes(model)))
}

/// The name of a class: its label, or its number where there is none.
pub fn class_name(artefact: &Artefact<'_>, class_index: u16) -> String {
    let label = match artefact.output_contracts().next() {
        Some(OutputContractView::Boxes(boxes)) => boxes.labels.get(class_index.into()),
        Some(OutputContractView::Classes(classes)) => classes.labels.get(class_index.into()),
        _ => None,
    };
    label.map_or_else(|| format!("class {class_index}"), str::to_owned)
}

/// An answer for machines: pixels with their fractions, scores from 0 to 1.
pub fn outcome_json(artefact: &Artefact<'_>, outcome: &HostOutcome<'_>) -> Value {
    let score = |score: ocelli::Score| f64::from(score.0) / 65536.0;
    let class = |index: u16| class_name(artefact, index);
    match outcome {
        Outcome::Detections(detections) => {
            let keypoint_names: Vec<&str> = match artefact.output_contracts().next() {
                Some(OutputContractView::Boxes(boxes)) => boxes.keypoints.iter().collect(),
                _ => vec![],
            };
            let found = detections.found.iter().map(|detection| {
                let keypoints = keypoint_names.iter().zip(&detection.keypoints);
                let keypoints: Vec<_> = keypoints
                    .map(|(name, point)| json!({ "name": name, "x": pixels(point.x), "y": pixels(point.y) }))
                    .collect();
                let bounds = &detection.bounds;
                json!({
                    "class": class(detection.class_index),
                    "score": score(detection.score),
                    "left": pixels(bounds.left),
                    "top": pixels(bounds.top),
                    "right": pixels(bounds.right),
                    "bottom": pixels(bounds.bottom),
                    "keypoints": keypoints,
                })
            });
            json!({
                "detections": found.collect::<Vec<_>>(),
                "overflowed_candidates": detections.overflowed_candidates,
                "overflowed_detections": detections.overflowed_detections,
            })
        }
        Outcome::Classes(classes) => {
            let classes = classes
                .iter()
                .map(|best| json!({ "class": class(best.class_index), "score": score(best.score) }));
            json!({ "classes": classes.collect::<Vec<_>>() })
        }
        _ => json!({}),
    }
}

/// An answer for people, a line each.
pub fn outcome_lines(artefact: &Artefact<'_>, outcome: &HostOutcome<'_>) -> Vec<String> {
    let line = |class_index: u16, score: ocelli::Score| {
        format!("{:<14} {:>5.1} %", class_name(artefact, class_index), f64::from(score.per_mille()) / 10.0)
    };
    match outcome {
        Outcome::Detections(detections) => {
            let mut lines: Vec<String> = detections
                .found
                .iter()
                .map(|detection| {
                    let (bounds, line) = (&detection.bounds, line(detection.class_index, detection.score));
                    let [left, top, width, height] =
                        [bounds.left, bounds.top, bounds.width(), bounds.height()].map(pixels);
                    format!("{line}   {width:.0} x {height:.0} pixels at {left:.0}, {top:.0}")
                })
                .collect();
            if lines.is_empty() {
                lines.push("nothing found".to_owned());
            }
            if detections.overflowed_detections > 0 {
                lines.push(format!("and {} more than fit", detections.overflowed_detections));
            }
            if detections.overflowed_candidates > 0 {
                lines.push(format!("{} candidates were left out", detections.overflowed_candidates));
            }
            lines
        }
        Outcome::Classes(classes) => classes.iter().map(|best| line(best.class_index, best.score)).collect(),
        _ => vec!["tensors without a contract: see --json".to_owned()],
    }
}

/// Draws an answer.
pub fn annotate(picture: &mut Picture, artefact: &Artefact<'_>, outcome: &HostOutcome<'_>) {
    if let Outcome::Detections(detections) = outcome {
        // The best last, on top.
        for detection in detections.found.iter().rev() {
            let colour = colour_of_class(detection.class_index);
            picture.outline(&detection.bounds, colour);
            for point in &detection.keypoints {
                picture.dot(point, colour);
            }
            let per_mille = detection.score.per_mille();
            let name = class_name(artefact, detection.class_index);
            picture.label(&detection.bounds, &format!("{name} {:.1} %", f64::from(per_mille) / 10.0), colour);
        }
    }
}

fn pixels(sub_pixels: i32) -> f64 {
    f64::from(sub_pixels) / f64::from(SUBPIXELS)
}
