//! The reference in safe Rust: the backend of every core that has none of its own, and what a backend
//! leaves to it.

pub(crate) use crate::add::reference::add_s8;
pub(crate) use crate::conv_2d::reference::{conv_2d_channels_s8, conv_2d_s8};
pub(crate) use crate::conv_2d::rows::conv_2d_rows_s8;
pub(crate) use crate::depthwise_conv_2d::reference::depthwise_conv_2d_s8;
pub(crate) use crate::fully_connected::reference::fully_connected_s8;
pub(crate) use crate::fully_connected::rows::fully_connected_rows_s8;
use crate::{Conv2dParameters, Filter, FullyConnectedParameters};

/// The reference reads the canonical layout alone: the check refuses any other, and nothing is left to do.
pub(crate) fn conv_2d_relaid_s8(_: &Conv2dParameters, _: &Filter<'_>, _: &[i8], _: &mut [i8], _: &mut [u8]) {}

/// The same of a fully connected layer.
pub(crate) fn fully_connected_relaid_s8(
    _: &FullyConnectedParameters,
    _: &Filter<'_>,
    _: &[i8],
    _: &mut [i8],
    _: &mut [u8],
) {
}
