//! The vocabulary of Ocelli: shapes, frames, boxes, and the traits `Camera` and `Infer`.
//!
//! Every stage (capture, preprocess, infer, postprocess, emit) speaks in these types, on a
//! microcontroller as on a laptop, so this crate has no heap, no float and changes slowest.
#![no_std]
#![forbid(unsafe_code)]

mod shape;

mod frame;

mod geometry;

mod detection;

mod camera;

mod infer;

pub use camera::{Camera, Loan};
pub use detection::{Classification, Detection, Score};
pub use frame::{Frame, FrameError, PixelFormat};
pub use geometry::{BoundingBox, Point, SUBPIXEL_BITS, SUBPIXELS};
pub use infer::Infer;
pub use shape::Shape;
