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
//! ```ignore
//! static MODEL: &[u8] = ocelli::include_artefact!("face.ocelli");
//! let artefact = Artefact::parse(MODEL)?;
//! let model = plan(&artefact, &mut arena, ops![Conv2d, DepthwiseConv2d, Add])?;
//! let mut faces = Detector::<_, 16, 6, 64>::new(artefact, model, &mut scratch)?;
//! loop {
//!     for face in &nb::block!(faces.next(&mut camera))?.found { /* emit */ }
//! }
//! ```
//!
//! `ocelli-build` writes the operator list, the sizes and the names from the artefact.
#![no_std]
#![forbid(unsafe_code)]

mod include;

mod pipeline;

mod outcome;

mod error;

pub use error::PipelineError;
pub use include::Aligned;
pub use ocelli_core::{
    BoundingBox, Camera, Classification, Detection, Frame, FrameError, Infer, Loan, PixelFormat, Point,
    SUBPIXEL_BITS, SUBPIXELS, Score, Shape,
};
pub use ocelli_format::{
    Artefact, BoxesView, ClassesView, InputContractView, OperatorKind, OutputContractView, ParseError,
    PixelLayout, ResizeMode, SelfTest,
};
pub use ocelli_vision::{
    Detections, ImageInput, OutputRow, PostprocessError, PreprocessError, Preprocessor, Region, SourceRow,
    Transform, scratch_words,
};
pub use outcome::{Boxes, ByContract, Outcome, Postprocess, TopClasses};
pub use pipeline::{Classifier, Detector, Pipeline};
