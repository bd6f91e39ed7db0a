//! Cameras of Linux boards, the Raspberry Pi among them: the capture stage over V4L2.
//!
//! [`open`] takes every name that [`ocelli_host::open`] takes, and `/dev/video0` or `v4l2:/dev/video0:1280x720`.
//! What only root or a sensor's own pipeline can set up (`rpicam-vid`) comes through a pipe instead.
//!
//! The kernel is behind the trait [`Driver`], so everything but four system calls is tested without a camera.

mod error;

mod abi;
mod bayer;
mod driver;
mod kernel;

mod negotiate;

mod camera;

mod open;

pub use camera::V4l2Camera;
pub use driver::{Driver, Filled, Format, FourCc};
pub use error::{DeviceError, LinuxCaptureError, LinuxOpenError};
pub use kernel::KernelDriver;
pub use open::{LinuxCamera, NAMES, open};
