//! Kernels for the M-profile vector extension (MVE, also called Helium) of Armv8.1-M: Cortex-M52, M55, M85.
//!
//! `VMLADAVA` multiplies sixteen pairs of bytes and adds all products to one core register. Activations keep
//! their zero point in such sums; it is taken out once an output, by the sum of the weights. Where channels
//! are in lanes, four bytes are widened to words as they are loaded. A tail-predicated loop (`DLSTP`, `LETP`)
//! counts elements, and its loads leave alone what lies behind the last one, so no run has a remainder.
//!
//! Loops are naked functions, because the compiler does not take vector registers as operands. They read
//! their parameters from a `#[repr(C)]` record, whose neighbouring fields `LDRD` and `LDM` load at once.
#![allow(unsafe_code)]

mod finish;

mod conv_2d;
mod depthwise_conv_2d;
mod fully_connected;

mod add;

pub(crate) use add::add_s8;
pub(crate) use conv_2d::conv_2d_s8;
pub(crate) use depthwise_conv_2d::depthwise_conv_2d_s8;
pub(crate) use fully_connected::fully_connected_s8;
