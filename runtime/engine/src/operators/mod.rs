//! The operators that a firmware can link: each a name for [`ops!`](crate::ops).
//!
//! One operator a file: it reads operands and attributes into the parameters of its kernel, asks
//! the kernel whether it can run them, and runs it.

mod conv_2d;
mod depthwise_conv_2d;
mod fully_connected;
mod relaid;
mod rows;
mod transpose_conv_2d;
mod wide_conv_2d;
mod wide_depthwise_conv_2d;
mod wide_fully_connected;

mod arg_max;
mod average_pool_2d;
mod max_pool_2d;
mod mean;
mod pool;
mod sum;
mod wide_average_pool_2d;
mod wide_max_pool_2d;

mod batch_matmul;

mod local_response_normalization;
mod normalize;

mod add;
mod div;
mod maximum;
mod minimum;
mod mul;
mod pair;
mod prelu;
mod squared_difference;
mod sub;
mod wide_add;

mod concatenate;
mod gather;
mod interpolate;
mod pad;
mod rearrange;
mod reshape;
mod resize;
mod resize_bilinear;
mod resize_nearest;

mod lookup;
mod requantize;
mod softmax;

pub use add::Add;
pub use arg_max::ArgMax;
pub use average_pool_2d::AveragePool2d;
pub use batch_matmul::BatchMatmul;
pub use concatenate::Concatenate;
pub use conv_2d::Conv2d;
pub use depthwise_conv_2d::{DepthwiseConv2d, DepthwiseConv2dInLines, DepthwiseConv2dInScratch};
pub use div::Div;
pub use fully_connected::FullyConnected;
pub use gather::Gather;
pub use interpolate::Interpolate;
pub use local_response_normalization::LocalResponseNormalization;
pub use lookup::Lookup;
pub use max_pool_2d::MaxPool2d;
pub use maximum::Maximum;
pub use mean::Mean;
pub use minimum::Minimum;
pub use mul::Mul;
pub use normalize::Normalize;
pub use pad::Pad;
pub use prelu::Prelu;
pub use rearrange::Rearrange;
pub use relaid::{Conv2dRelaid, FullyConnectedRelaid};
pub use requantize::Requantize;
pub use reshape::Reshape;
pub use resize_bilinear::ResizeBilinear;
pub use resize_nearest::ResizeNearest;
pub use rows::{
    Conv2dBlocks, Conv2dCoded, Conv2dFours, Conv2dPacked, Conv2dSparse, FullyConnectedBlocks,
    FullyConnectedCoded, FullyConnectedFours, FullyConnectedPacked, FullyConnectedSparse, RowKernel,
};
pub use softmax::Softmax;
pub use squared_difference::SquaredDifference;
pub use sub::Sub;
pub use sum::Sum;
pub use transpose_conv_2d::TransposeConv2d;
pub use wide_add::WideAdd;
pub use wide_average_pool_2d::WideAveragePool2d;
pub use wide_conv_2d::WideConv2d;
pub use wide_depthwise_conv_2d::WideDepthwiseConv2d;
pub use wide_fully_connected::WideFullyConnected;
pub use wide_max_pool_2d::WideMaxPool2d;

use crate::layer::Kernel;
use crate::rolling::RowGroups;

/// What a firmware links, made by [`ops!`](crate::ops): what it does not name, the linker leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Operators {
    #[doc(hidden)]
    pub kernels: &'static [&'static Kernel],
    #[doc(hidden)]
    pub rows: &'static [&'static RowKernel],
    #[doc(hidden)]
    pub row_groups: Option<&'static RowGroups>,
}

/// The operators that a firmware links, by name: `ops![Conv2d, Softmax]`. Behind a semicolon stand `RowGroups`,
/// for schedules that roll rows through several operators, and operators for weights that are not stored dense or that
/// the schedule lays out anew: `ops![Conv2d, Softmax; RowGroups, FullyConnectedCoded, Conv2dRelaid]`.
#[macro_export]
macro_rules! ops {
    ($($name:ident),* $(,)?) => {
        $crate::ops!(@ None; $($name),*;)
    };
    ($($name:ident),* $(,)?; RowGroups $(, $rows:ident)* $(,)?) => {
        $crate::ops!(@ Some($crate::RowGroups::LINKED); $($name),*; $($rows),*)
    };
    ($($name:ident),* $(,)?; $($rows:ident),* $(,)?) => {
        $crate::ops!(@ None; $($name),*; $($rows),*)
    };
    (@ $row_groups:expr; $($name:ident),*; $($rows:ident),*) => {{
        const KERNELS: &[&$crate::Kernel] = &[$($crate::operators::$name::KERNEL),*];
        const ROWS: &[&$crate::operators::RowKernel] = &[$($crate::operators::$rows::KERNEL),*];
        $crate::operators::Operators { kernels: KERNELS, rows: ROWS, row_groups: $row_groups }
    }};
}

/// Every operator, for hosts and for firmware that runs any model.
pub const ALL: Operators = ops![
    Conv2d,
    DepthwiseConv2d,
    FullyConnected,
    TransposeConv2d,
    AveragePool2d,
    MaxPool2d,
    Mean,
    Add,
    Mul,
    Sub,
    Div,
    Minimum,
    Maximum,
    SquaredDifference,
    Sum,
    ArgMax,
    BatchMatmul,
    LocalResponseNormalization,
    Normalize,
    Prelu,
    Concatenate,
    Pad,
    Rearrange,
    Gather,
    Reshape,
    ResizeBilinear,
    ResizeNearest,
    Interpolate,
    Lookup,
    Softmax,
    WideConv2d,
    WideDepthwiseConv2d,
    WideFullyConnected,
    WideAveragePool2d,
    WideMaxPool2d,
    WideAdd,
    Requantize;
    RowGroups,
    Conv2dRelaid,
    FullyConnectedRelaid,
    Conv2dPacked,
    Conv2dFours,
    Conv2dBlocks,
    Conv2dSparse,
    Conv2dCoded,
    FullyConnectedPacked,
    FullyConnectedFours,
    FullyConnectedBlocks,
    FullyConnectedSparse,
    FullyConnectedCoded
];
