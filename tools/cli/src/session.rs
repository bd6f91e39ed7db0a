//! An artefact planned on this computer, with the same engine and the same pipeline as on a device.

use std::time::{Duration, Instant};

use ocelli::{
    Artefact, ByContract, Frame, ImageInput, Infer, Outcome, Pipeline, Plan, Postprocess, SelfTestError,
    Tracked, Tracker, operators, scratch_words,
};
use ocelli_format::{AlignedBytes, crc32};
use ocelli_tract::Executor;

use crate::artefact_file::{ArtefactFile, arena};
use crate::failure::Failure;
use crate::host_model::{HostModel, Through};
use crate::terminal;

// Room that no photograph fills; devices choose less.
const DETECTIONS: usize = 256;
const KEYPOINTS: usize = 32;
const CANDIDATES: usize = 4096;
const CLASSES: usize = 5;
const TRACKS: usize = 128;

/// What to do with frames and an artefact that cannot take them.
pub const WITHOUT_CONTRACT: &str =
    "give it one with `ocelli convert --contract`, or feed it `--input seed:5:2`";

/// The profile that a computer runs.
pub const PROFILE: &str = "portable";

/// Every decoder, with room for all that a photograph shows.
type HostPostprocess<'a> = ByContract<'a, DETECTIONS, KEYPOINTS, CANDIDATES, CLASSES>;

/// A pipeline for any artefact.
pub type HostPipeline<'a> = Pipeline<'a, HostModel<'a>, HostPostprocess<'a>>;

/// A pipeline for any artefact, that may follow what it finds.
pub type TrackedPipeline<'a> = Pipeline<'a, HostModel<'a>, Tracked<HostPostprocess<'a>, TRACKS>>;

/// What follows boxes from frame to frame.
pub type HostTracker = Tracker<TRACKS>;

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
            let image =
                ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape()).ok()?;
            Some(scratch_words(image.width, image.layout))
        });
        Memory {
            arena: arena(schedule.map_or(0, |schedule| schedule.arena_bytes)),
            scratch: vec![0; words.max().unwrap_or(0)],
        }
    }

    /// Plans a model and checks its self-test.
    pub fn plan<'a>(
        &'a mut self,
        file: &ArtefactFile,
        artefact: &Artefact<'a>,
        through: Through,
    ) -> Result<HostModel<'a>, Failure> {
        plan(file, artefact, through, &mut self.arena)
    }

    /// Plans a model, checks its self-test, and puts it between its contracts.
    pub fn pipeline<'a, P: Postprocess<'a>>(
        &'a mut self,
        file: &ArtefactFile,
        artefact: &Artefact<'a>,
        through: Through,
    ) -> Result<Pipeline<'a, HostModel<'a>, P>, Failure> {
        let model = plan(file, artefact, through, &mut self.arena)?;
        Pipeline::new(*artefact, model, &mut self.scratch).map_err(|error| {
            let failure = Failure::at(file.path().display(), error);
            match artefact.input_contracts().next() {
                Some(_) => failure,
                None => failure.advise(WITHOUT_CONTRACT),
            }
        })
    }
}

fn plan<'a>(
    file: &ArtefactFile,
    artefact: &Artefact<'a>,
    through: Through,
    arena: &'a mut [u8],
) -> Result<HostModel<'a>, Failure> {
    let at = |error: &dyn std::error::Error| Failure::from(format!("{}: {error}", file.path().display()));
    let mut model = Plan::new(artefact, PROFILE, operators::ALL, arena).map_err(|error| at(&error))?;
    match model.self_test() {
        Ok(()) => {}
        Err(SelfTestError::Missing) => {
            terminal::print_warning(&format!("{}: it carries no self-test", file.path().display()));
        }
        Err(error) => {
            return Err(
                at(&error).advise("this computer does not compute what the compiler did: please report it")
            );
        }
    }
    match through {
        Through::Engine => Ok(HostModel::Engine(Box::new(model))),
        Through::Tract => {
            let executor = Executor::new(file.bytes()).map_err(|error| at(&error))?;
            Ok(HostModel::Tract(Box::new(executor)))
        }
    }
}

/// Takes a frame through the stages and says how long each took.
pub fn run_timed<'p, 'a, P: Postprocess<'a>>(
    pipeline: &'p mut Pipeline<'a, HostModel<'a>, P>,
    frame: &Frame<'_>,
) -> (StageTimes, P::Outcome<'p>) {
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
