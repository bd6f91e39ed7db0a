//! Camera sensors over embedded-hal: the settings half of the capture stage.
//!
//! Drivers are written from the datasheets of the sensors and name every register that they touch. They implement
//! [`Sensor`](ocelli_core::Sensor); pixels take another way, a board's grabber or [`Arducam`]'s FIFO. None of them has met
//! hardware yet: tests hold each function to the bytes on the bus, and break the bus at every one of them.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "jpeg")]
extern crate alloc;

mod error;

mod registers;

mod gain;

mod ov7670;

mod ov2640;

mod ov5640;

mod hm01b0;

mod any;

mod arducam;

#[cfg(feature = "jpeg")]
mod jpeg;

pub use any::AnySensor;
pub use arducam::Arducam;
pub use error::SensorError;
pub use hm01b0::Hm01b0;
#[cfg(feature = "jpeg")]
pub use jpeg::{Decoded, JpegError, decode};
pub use ov2640::Ov2640;
pub use ov5640::Ov5640;
pub use ov7670::Ov7670;
