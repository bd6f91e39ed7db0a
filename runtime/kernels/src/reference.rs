//! The reference in safe Rust: the backend of every core that has none of its own, and what a backend
//! leaves to it.

pub(crate) use crate::add::reference::add_s8;
pub(crate) use crate::conv_2d::reference::{conv_2d_channels_s8, conv_2d_s8};
pub(crate) use crate::conv_2d::rows::conv_2d_rows_s8;
pub(crate) use crate::depthwise_conv_2d::reference::depthwise_conv_2d_s8;
pub(crate) use crate::fully_connected::reference::fully_connected_s8;
pub(crate) use crate::fully_connected::rows::fully_connected_rows_s8;
