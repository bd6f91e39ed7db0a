//! One job through the stages: preprocess, infer, postprocess, and what is to be told of it.
//!
//! The firmware runs this on the machine and the simulator on the host, with other instruments but the same
//! lines of output, so that comparing the two is comparing text.

use core::fmt;

use ocelli::{Artefact, ByContract, Frame, Infer, Outcome, ParseError, Pipeline, PipelineError};
use ocelli_engine::{Plan, PlanError, SelfTestError, operators};
use ocelli_format::{Crc32, OperatorId, SeedStream, StepView};

use crate::job::{Input, Job};

/// Detections that find room.
pub const DETECTIONS: usize = 32;
/// Keypoints of a detection that find room.
pub const KEYPOINTS: usize = 8;
/// Anchors above the threshold that find room.
pub const CANDIDATES: usize = 128;
/// Classes told, best first.
pub const CLASSES: usize = 5;
/// Words of scratch for the preprocess stage: model inputs of up to 1,024 colour columns.
pub const SCRATCH_WORDS: usize = 3 * 1024;

/// The stages whose instructions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From camera pixels to input tensors.
    Preprocess,
    /// From input tensors to output tensors.
    Infer,
    /// From output tensors to detections or classes.
    Postprocess,
}

/// Where a session runs: how it measures and how it tells.
pub trait Bench {
    /// Runs a stage and tells what it took.
    fn measure<T>(&mut self, stage: Stage, run: impl FnOnce() -> T) -> T;

    /// Runs one step of the schedule; gives the instructions that it took.
    fn count(&mut self, run: impl FnOnce()) -> u64;

    /// Deepest stack so far, asked for once, when all stages are done.
    fn stack_bytes(&mut self) -> usize;

    /// Tells one line.
    fn line(&mut self, text: fmt::Arguments<'_>);
}

/// Why a job was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The artefact is damaged or of another version.
    Parse(ParseError),
    /// The model does not fit this machine.
    Plan(PlanError),
    /// The model does not compute on this machine what it should.
    SelfTest(SelfTestError),
    /// The artefact cannot take a frame.
    Pipeline(PipelineError),
    /// The job's tensors are not as long as the artefact's inputs.
    Tensors {
        /// Bytes of all input tensors.
        needed_bytes: usize,
        /// Bytes in the job.
        available_bytes: usize,
    },
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::Parse(error) => write!(f, "artefact: {error}"),
            SessionError::Plan(error) => write!(f, "plan: {error}"),
            SessionError::SelfTest(error) => write!(f, "self-test: {error}"),
            SessionError::Pipeline(error) => write!(f, "pipeline: {error}"),
            SessionError::Tensors { needed_bytes, available_bytes } => {
                write!(f, "the model takes {needed_bytes} bytes of input, {available_bytes} were given")
            }
        }
    }
}

impl core::error::Error for SessionError {}

/// Runs a job in `arena`, which is aligned to 16 bytes, by the schedule for `profile`, and tells every fact of it.
///
/// # Errors
/// Every [`SessionError`].
// Never inlined: its frame belongs to the stack that is measured.
#[inline(never)]
pub fn run(
    job: &Job<'_>,
    profile: &str,
    arena: &mut [u8],
    scratch: &mut [u32],
    bench: &mut impl Bench,
) -> Result<(), SessionError> {
    let artefact = Artefact::parse(job.artefact).map_err(SessionError::Parse)?;
    let mut plan = Plan::new(&artefact, profile, operators::ALL, arena).map_err(SessionError::Plan)?;
    let self_test = match plan.self_test() {
        Ok(()) => "ok",
        Err(SelfTestError::Missing) => "missing",
        // A job that tells every step is there to look at a model that may be wrong.
        Err(_) if job.steps => "failed",
        Err(error) => return Err(SessionError::SelfTest(error)),
    };
    let arena_bytes = plan.schedule().arena_bytes;
    let stack_bytes = match job.input {
        Input::None => bench.stack_bytes(),
        Input::Seed { seed, shift } => {
            let mut stream = SeedStream::new(seed, shift);
            fill(&mut plan, bench, || stream.next().unwrap_or_default());
            infer(&mut plan, job.steps, bench);
            bench.stack_bytes()
        }
        Input::Tensors(bytes) => {
            let needed_bytes = artefact.inputs().iter().map(|&tensor| artefact.tensor(tensor).bytes()).sum();
            if bytes.len() != needed_bytes {
                return Err(SessionError::Tensors { needed_bytes, available_bytes: bytes.len() });
            }
            let mut bytes = bytes.iter();
            fill(&mut plan, bench, || bytes.next().map_or(0, |&byte| byte as i8));
            infer(&mut plan, job.steps, bench);
            bench.stack_bytes()
        }
        Input::Frame(frame) => {
            let stack_bytes;
            (plan, stack_bytes) = run_frame(artefact, plan, scratch, &frame, bench)?;
            stack_bytes
        }
    };
    bench.line(format_args!("self_test {self_test}"));
    bench.line(format_args!("arena_bytes {arena_bytes}"));
    bench.line(format_args!("stack_bytes {stack_bytes}"));
    if !matches!(job.input, Input::None) {
        tell_outputs(&plan, bench);
    }
    bench.line(format_args!("done"));
    Ok(())
}

/// The infer stage, as a whole or step by step.
fn infer(plan: &mut Plan<'_>, steps: bool, bench: &mut impl Bench) {
    if !steps {
        return bench.measure(Stage::Infer, || plan.infer());
    }
    for step in 0..plan.step_count() {
        let instructions = bench.count(|| plan.run_step(step));
        let mut checksum = Crc32::new();
        let mut add = |operator: OperatorId, rings: &[[u16; 2]]| {
            for &output in plan.artefact().operator(operator).outputs {
                // Of a ring only the newest rows exist.
                let is_whole = rings.iter().all(|ring| ring[0] != output);
                let values = plan.tensor(output).filter(|_| is_whole).unwrap_or_default();
                values.iter().for_each(|&value| checksum.update(&[value as u8]));
            }
        };
        match plan.schedule().step(step) {
            Some(StepView::Operator(view)) => add(view.operator, &[]),
            Some(StepView::RowGroup(group)) => {
                group.inner().for_each(|row| add(row.step.operator, group.rings));
            }
            _ => {}
        }
        bench.line(format_args!("step {step} {:08x} {instructions}", checksum.value()));
    }
    plan.carry_states();
}

/// All stages on a camera frame; gives the plan back, and the deepest stack.
// Never inlined: only a job with a frame takes stack for the pipeline.
#[inline(never)]
fn run_frame<'a>(
    artefact: Artefact<'a>,
    plan: Plan<'a>,
    scratch: &'a mut [u32],
    frame: &Frame<'_>,
    bench: &mut impl Bench,
) -> Result<(Plan<'a>, usize), SessionError> {
    let mut pipeline: Pipeline<_, ByContract<DETECTIONS, KEYPOINTS, CANDIDATES, CLASSES>> =
        Pipeline::new(artefact, plan, scratch).map_err(SessionError::Pipeline)?;
    bench.measure(Stage::Preprocess, || pipeline.preprocess(frame));
    bench.measure(Stage::Infer, || pipeline.infer());
    bench.measure(Stage::Postprocess, || {
        pipeline.postprocess();
    });
    let stack_bytes = bench.stack_bytes();
    tell_outcome(&pipeline.postprocess(), bench);
    Ok((pipeline.release(), stack_bytes))
}

/// Fills every input, in order. A streamed one runs most of the model meanwhile, which counts as preprocess.
fn fill(plan: &mut Plan<'_>, bench: &mut impl Bench, mut next: impl FnMut() -> i8) {
    for index in 0..plan.artefact().inputs().len() {
        if plan.input(index).is_some() {
            plan.fill_input(index, &mut next);
        } else {
            bench.measure(Stage::Preprocess, || plan.fill_input(index, &mut next));
        }
    }
}

fn tell_outputs(plan: &Plan<'_>, bench: &mut impl Bench) {
    let mut checksum = Crc32::new();
    for index in 0..plan.artefact().outputs().len() {
        let values = plan.output(index).unwrap_or_default();
        values.iter().for_each(|&value| checksum.update(&[value as u8]));
        bench.line(format_args!("output {index} {}", Hex(values)));
    }
    bench.line(format_args!("output_hash {:08x}", checksum.value()));
}

fn tell_outcome<const D: usize, const K: usize>(outcome: &Outcome<'_, D, K>, bench: &mut impl Bench) {
    match outcome {
        Outcome::Detections(detections) => {
            for found in &detections.found {
                let (score, box_) = (found.score.0, &found.bounds);
                let keypoints = Points(&found.keypoints);
                bench.line(format_args!(
                    "detection {} {score} {} {} {} {}{keypoints}",
                    found.class_index, box_.left, box_.top, box_.right, box_.bottom
                ));
            }
            let (candidates, objects) = (detections.overflowed_candidates, detections.overflowed_detections);
            bench.line(format_args!("overflow {}", candidates.saturating_add(objects)));
        }
        Outcome::Classes(classes) => {
            for class in *classes {
                bench.line(format_args!("class {} {}", class.class_index, class.score.0));
            }
        }
        _ => {}
    }
}

/// Bytes in hexadecimal.
struct Hex<'a>(&'a [i8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| write!(f, "{value:02x}"))
    }
}

/// x and y of every point, each behind a space.
struct Points<'a>(&'a [ocelli::Point]);

impl fmt::Display for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|point| write!(f, " {} {}", point.x, point.y))
    }
}
