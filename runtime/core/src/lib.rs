//! The vocabulary of Ocelli: shapes, frames, boxes, and the traits `Camera` and `Infer`,
//! and of a camera's two halves, `Sensor` and `FrameGrabber`.
//!
//! Every stage (capture, preprocess, infer, postprocess, emit) speaks in these types, on a
//! microcontroller as on a laptop, so this crate has no heap, no float and changes slowest.
#![no_std]
#![forbid(unsafe_code)]

mod shape;

mod frame;

mod geometry;

mod detection;

mod capture_error;

mod ring;

mod camera;

mod sensor;

mod infer;

pub use camera::{Camera, Loan};
pub use capture_error::{CaptureCounts, CaptureError};
pub use detection::{Classification, Detection, Score};
pub use frame::{Frame, FrameError, FrameFormat, PixelFormat};
pub use geometry::{BoundingBox, Point, SUBPIXEL_BITS, SUBPIXELS};
pub use infer::Infer;
pub use ring::{FrameStamp, Grabbing, Ring};
pub use sensor::{Exposure, FrameGrabber, Gain, Mirror, Sensor, Window};
pub use shape::{Shape, nhwc};
