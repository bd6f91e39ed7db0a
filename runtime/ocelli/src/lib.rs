//! From camera pixels to boxes: the five stages in one pipeline, and the only crate that an
//! application names.
//!
//! ```text
//! capture -> preprocess -> infer -> postprocess -> emit
//! Camera     Pipeline::run . . . . . . . . . . .   the application
//! ```
//!
//! An artefact carries the whole job, so the same few lines run any detector:
//!
//! ```
//! use ocelli::{Artefact, Camera, Detector, Plan, PlanError, ops};
//!
//! fn watch<C: Camera>(
//!     bytes: &[u8],
//!     arena: &mut [u8],
//!     scratch: &mut [u32],
//!     camera: &mut C,
//! ) -> Result<usize, Error<C::Error>> {
//!     let artefact = Artefact::parse(bytes)?;
//!     let model = Plan::new(&artefact, "portable", ops![Conv2d, DepthwiseConv2d, Add], arena)?;
//!     let mut faces = Detector::<_, 16, 6, 64>::new(artefact, model, scratch)?;
//!     let seen = nb::block!(faces.next(camera)).map_err(Error::Camera)?;
//!     Ok(seen.found.len())
//! }
//! # enum Error<C> { Camera(C), Other }
//! # impl<C> From<ocelli::ParseError> for Error<C> { fn from(_: ocelli::ParseError) -> Self { Error::Other } }
//! # impl<C> From<PlanError> for Error<C> { fn from(_: PlanError) -> Self { Error::Other } }
//! # impl<C> From<ocelli::PipelineError> for Error<C> { fn from(_: ocelli::PipelineError) -> Self { Error::Other } }
//! ```
//!
//! [`include_artefact!`] puts a file's bytes where they can be read in place. `ocelli-build` writes that
//! line, the operator list, the sizes and the names from the artefact.
#![no_std]
#![forbid(unsafe_code)]

mod include;

mod capture;

mod pipeline;

mod frame_rows;

mod outcome;

mod readings;

mod by_contract;

mod tracked;

mod error;

pub use by_contract::{ByContract, Outcome};
pub use capture::{
    Capture, FrameBuffer, FrameRing, PolledCamera, RingCamera, RingLoan, RingReader, RingWriter,
};
pub use error::PipelineError;
pub use frame_rows::FrameRows;
pub use include::Aligned;
pub use ocelli_core::{
    BoundingBox, Camera, CaptureCounts, CaptureError, Classification, Detection, Exposure, Frame, FrameError,
    FrameFormat, FrameGrabber, FrameStamp, Gain, Grabbing, Infer, Loan, Mirror, PixelFormat, Point,
    SUBPIXEL_BITS, SUBPIXELS, Score, Sensor, Shape, Window,
};
pub use ocelli_engine::{Kernel, Operators, Plan, PlanError, RowGroups, SelfTestError, operators, ops};
pub use ocelli_format::{
    Artefact, BoxesView, ClassesView, InputContractView, OperatorKind, OutputContractView, ParseError,
    PixelLayout, ResizeMode, SelfTest,
};
pub use ocelli_vision::{
    Detections, Embedding, ImageInput, Mask, Numbers, Observation, OutputRow, Points, PostprocessError,
    PreprocessError, Preprocessor, Region, SourceRow, Thresholds, Track, Tracker, TrackerOptions, Transform,
    scratch_words,
};
pub use outcome::{Boxes, Postprocess, TopClasses};
pub use pipeline::{Classifier, Detector, Pipeline};
pub use readings::{Embeddings, Landmarks, Readings, Segments, Spots};
pub use tracked::{FindsBoxes, Tracked, TrackedOutcome};
