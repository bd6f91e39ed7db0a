//! The program `detect`: all five stages on every frame, for any model whose artefact carries its contracts.

use core::fmt;

use ocelli::{
    Artefact, ByContract, Camera, CaptureError, Operators, Outcome, OutputContractView, ParseError, Pipeline,
    PipelineError, Plan, PlanError,
};

use crate::Board;
use crate::patience::Patience;

/// A model as `ocelli-build` spells it out.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// The artefact's bytes, on a multiple of 16.
    pub artefact: &'a [u8],
    /// The target profile whose schedule counts.
    pub profile: &'a str,
    /// The operators that are linked.
    pub operators: Operators,
}

/// Why a model cannot run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetectError {
    /// The bytes are no artefact.
    Parse(ParseError),
    /// The artefact and this firmware do not fit together.
    Plan(PlanError),
    /// Its contracts are not those of a camera.
    Pipeline(PipelineError),
    /// The camera brings nothing but errors.
    Camera(CaptureError),
}

impl fmt::Display for DetectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DetectError::Parse(error) => write!(f, "artefact: {error}"),
            DetectError::Plan(error) => write!(f, "plan: {error}"),
            DetectError::Pipeline(error) => write!(f, "pipeline: {error}"),
            DetectError::Camera(error) => write!(f, "camera: {error}"),
        }
    }
}

impl core::error::Error for DetectError {}

/// Takes frames through all stages as long as `goes_on` says so, which is asked all the while, with how many there have
/// been; tells what was seen.
///
/// # Errors
/// Every [`DetectError`].
pub fn run<'a, B: Board>(
    board: &mut B,
    model: &Model<'a>,
    arena: &'a mut [u8],
    scratch: &'a mut [u32],
    mut goes_on: impl FnMut(&mut B, u32) -> bool,
) -> Result<(), DetectError> {
    let artefact = Artefact::parse(model.artefact).map_err(DetectError::Parse)?;
    let plan = Plan::new(&artefact, model.profile, model.operators, arena).map_err(DetectError::Plan)?;
    let mut pipeline: Pipeline<_, AnyAnswer> =
        Pipeline::new(artefact, plan, scratch).map_err(DetectError::Pipeline)?;
    board.line(format_args!("model {} {}", artefact.name(), artefact.version()));
    let mut seen = 0_u32;
    let mut patience = Patience::new();
    while goes_on(board, seen) {
        match pipeline.next(board.camera()) {
            Ok(outcome) => {
                let found = emit(board, &artefact, &outcome);
                board.set_led(found);
                board.feed_watchdog();
                seen = seen.saturating_add(1);
                patience = Patience::new();
            }
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(cause)) => patience.endure(board, cause).map_err(DetectError::Camera)?,
        }
    }
    let counts = board.camera().counts();
    board.line(format_args!("dropped {}", counts.dropped));
    board.line(format_args!("failed {}", counts.failed()));
    Ok(())
}

const DETECTIONS: usize = 8;
const KEYPOINTS: usize = 7;
type AnyAnswer<'a> = ByContract<'a, DETECTIONS, KEYPOINTS, 32, 1>;

/// Tells an answer; whether it is worth a light: an object, or a class whose name does not begin with "no".
fn emit(
    board: &mut impl Board,
    artefact: &Artefact<'_>,
    outcome: &Outcome<'_, DETECTIONS, KEYPOINTS>,
) -> bool {
    match outcome {
        Outcome::Detections(detections) => {
            for object in &detections.found {
                let (bounds, per_mille) = (&object.bounds, object.score.per_mille());
                let pixel = |subpixels: i32| subpixels >> ocelli::SUBPIXEL_BITS;
                board.line(format_args!(
                    "object {} {per_mille} {} {} {} {}",
                    label(artefact, object.class_index),
                    pixel(bounds.left),
                    pixel(bounds.top),
                    pixel(bounds.right),
                    pixel(bounds.bottom)
                ));
            }
            !detections.found.is_empty()
        }
        Outcome::Classes(classes) => {
            let Some(best) = classes.first() else { return false };
            let (name, per_mille) = (label(artefact, best.class_index), best.score.per_mille());
            board.line(format_args!("class {name} {per_mille}"));
            !name.starts_with("no ")
        }
        _ => false,
    }
}

/// The name that the artefact has for a class, or nothing.
fn label<'a>(artefact: &Artefact<'a>, class_index: u16) -> &'a str {
    let labels = match artefact.output_contracts().next() {
        Some(OutputContractView::Boxes(boxes)) => boxes.labels,
        Some(OutputContractView::Classes(classes)) => classes.labels,
        _ => return "",
    };
    labels.iter().nth(class_index.into()).unwrap_or("")
}
