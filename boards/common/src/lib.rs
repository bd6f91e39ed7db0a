//! What boards share: the programs `camera-check` and `detect`, and what every device needs around them.
//!
//! A board's crate makes a [`Board`]: pins, clocks, a camera, a sensor. Everything after that is here, once, and
//! runs on the host under test and in QEMU against a simulated grabber as it does on a device.
#![no_std]
#![cfg_attr(not(target_os = "none"), forbid(unsafe_code))]

mod port;

mod board;

mod brightness;

mod test_pattern;

pub mod camera_check;

pub mod detect;

#[cfg(feature = "field")]
pub mod field;

mod patience;

mod shared_capture;

pub mod parallel_port;

#[cfg(all(target_os = "none", feature = "device"))]
pub mod device;

#[cfg(all(target_os = "none", feature = "rp"))]
pub mod rp;

pub use board::Board;
#[cfg(feature = "field")]
pub use ocelli_slots as slots;
pub use port::Port;
pub use shared_capture::{SLOTS, SharedCapture};
pub use test_pattern::{TestPattern, judge};
