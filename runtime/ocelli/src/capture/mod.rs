//! The capture stage on a microcontroller: frames that come by interrupt while the model runs.
//!
//! ```text
//! Sensor -> FrameGrabber -> Capture -> FrameRing -> RingCamera -> Pipeline::next
//!           hardware        interrupt               main loop, or the other core
//! ```
//!
//! A buffer belongs to one side at a time: ring, grabber or reader. It moves between them as a `&'static mut` in a
//! short critical section, so no frame can be torn, and that takes no compare-and-swap, which Armv6-M lacks.

mod frame_ring;

mod engine;

mod ring_camera;

mod polled_camera;

pub use engine::Capture;
pub use frame_ring::{FrameBuffer, FrameRing, RingReader, RingWriter};
pub use polled_camera::PolledCamera;
pub use ring_camera::{RingCamera, RingLoan};
