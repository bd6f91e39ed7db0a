//! Which backend runs: decided here, when compiling, and nowhere else.

/// The name of the backend that this build runs on: that of a folder under `arch`, or `reference`.
pub const BACKEND: &str = if cfg!(armv7em) {
    "armv7em"
} else if cfg!(mve) {
    "mve"
} else {
    "reference"
};

#[cfg(armv7em)]
pub(crate) use crate::arch::armv7em::{add_s8, conv_2d_s8, depthwise_conv_2d_s8, fully_connected_s8};

#[cfg(mve)]
pub(crate) use crate::arch::mve::{add_s8, conv_2d_s8, depthwise_conv_2d_s8, fully_connected_s8};

#[cfg(not(any(armv7em, mve)))]
pub(crate) use crate::reference::{add_s8, conv_2d_s8, depthwise_conv_2d_s8, fully_connected_s8};
