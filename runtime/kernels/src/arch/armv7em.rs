//! Kernels for the DSP extension of Armv7E-M and Armv8-M: Cortex-M4, M7, M33.
//!
//! Bytes are widened to pairs of halfwords by `SXTB16` and `SXTAB16`, elements 0 and 2 of four in one
//! word and 1 and 3 in another, because that is how the instructions take bytes apart. Activations
//! lose their zero point on the way, so a tap outside the image is a 0 and no sum of weights is
//! needed. `SMLAD` then multiplies and adds two pairs.
//!
//! Loops that need every register are naked functions. They read their parameters from a
//! `#[repr(C)]` record whose fields stand in the order in which `LDM` fills registers. Words at any
//! address are read by `LDR`, which these cores do in hardware and the compiler relies on, too.
#![allow(unsafe_code)]

mod finish;
mod pairs;
mod simd;

mod conv_2d;
mod depthwise_conv_2d;
mod fully_connected;

mod add;

pub(crate) use add::add_s8;
pub(crate) use conv_2d::{conv_2d_channels_s8, conv_2d_relaid_s8, conv_2d_rows_s8, conv_2d_s8};
pub(crate) use depthwise_conv_2d::{
    depthwise_conv_2d_in_lines_s8, depthwise_conv_2d_in_scratch_s8, depthwise_conv_2d_s8,
};
pub(crate) use fully_connected::{fully_connected_relaid_s8, fully_connected_rows_s8, fully_connected_s8};
