//! Kernels for Armv6-M: Cortex-M0 and M0+, with sixteen-bit instructions on eight registers.
//!
//! The drivers are the reference's; what is written for this core is the innermost loop of convolutions and fully
//! connected layers, which the compiler cannot keep in registers: sums live in the upper registers, where additions
//! can still reach them.
#![allow(unsafe_code)]

mod four_products;

use four_products::FourProducts;

use crate::{Conv2dParameters, Filter, FullyConnectedParameters, conv_2d, fully_connected};

pub(crate) use crate::reference::{add_s8, depthwise_conv_2d_s8};

/// See [`conv_2d_s8`](crate::conv_2d_s8).
pub(crate) fn conv_2d_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    _scratch: &mut [u8],
) {
    conv_2d::reference::convolve::<FourProducts>(parameters, filter, input, output);
}

/// See [`fully_connected_s8`](crate::fully_connected_s8).
pub(crate) fn fully_connected_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    _scratch: &mut [u8],
) {
    fully_connected::reference::multiply::<FourProducts>(parameters, filter, input, output);
}
