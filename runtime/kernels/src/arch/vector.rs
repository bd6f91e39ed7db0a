//! Kernels for application processors: each written once, over the few instructions that [`Level`] names, and
//! compiled for every level of the instruction set.
//!
//! A level multiplies groups of neighbouring values, four bytes of them: four bytes as they are, four `u8` with 128
//! added, or two `i16` free of their zero point. Values are brought into that form in a buffer on the stack, with the
//! padding around them, so that no inner loop asks whether it is inside the picture; weights are laid out for a
//! block of output channels at a time.
//!
//! What has no way here (a picture row or a filter larger than the buffer) the reference computes.
#![allow(unsafe_code)]
// Loops over arrays of vectors count: unrolled, each element is a register.
#![allow(clippy::needless_range_loop)]

pub(super) mod level;

mod buffer;
mod finish;
mod packed;
mod picture;

mod add;
mod conv_2d;
mod depthwise_conv_2d;
mod fully_connected;

pub(crate) use add::add_s8;
pub(crate) use conv_2d::conv_2d_s8;
pub(crate) use depthwise_conv_2d::depthwise_conv_2d_s8;
pub(crate) use fully_connected::fully_connected_s8;

#[cfg(neon)]
use super::neon as detect;
#[cfg(x86)]
use super::x86 as detect;
