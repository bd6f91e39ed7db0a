//! Every kernel against the oracle, on random shapes and parameters: ones, odd and prime sizes, strides over the edge,
//! padding, dilation, groups, zero points and saturation at both ends, every alignment, and guard zones around what a
//! kernel may write.
//!
//! One line brings an operator under its property. Without `std`, so that the same cases run on each backend of the
//! host and in firmware. Oracles are plain loops over wide integers, or real arithmetic where a kernel approximates it.

mod constants;
mod filters;
mod fixed_point;
mod lookups;
mod moves;
mod normalizations;
mod operands;
pub mod oracle;
mod pairs;
mod pools;
mod products;
pub mod random;
pub mod real;
mod reductions;
pub mod resize_oracle;
mod resizes;
mod rows;
mod stored;

use ocelli_kernels::Layout;

/// An operator's name and its property, which is told a number of cases and returns how many it compared: the cases that
/// a backend has a way to run, or fewer where the oracle is slow.
pub type Property = (&'static str, fn(usize) -> usize);

/// Every property.
pub const PROPERTIES: [Property; 37] = [
    ("requantize", fixed_point::requantize),
    ("conv_2d", |cases| filters::conv_2d(Layout::Canonical, cases)),
    ("conv_2d_relaid", |cases| filters::conv_2d(Layout::Paired, cases)),
    ("conv_2d_rows", rows::conv_2d),
    ("depthwise_conv_2d", |cases| filters::depthwise_conv_2d(false, cases)),
    ("depthwise_conv_2d_lines", |cases| filters::depthwise_conv_2d(true, cases)),
    ("transpose_conv_2d", filters::transpose_conv_2d),
    ("fully_connected", |cases| filters::fully_connected(Layout::Canonical, cases)),
    ("fully_connected_relaid", |cases| filters::fully_connected(Layout::Paired, cases)),
    ("fully_connected_rows", rows::fully_connected),
    ("batch_matmul", products::batch_matmul),
    ("average_pool_2d", pools::average_pool_2d),
    ("max_pool_2d", pools::max_pool_2d),
    ("mean", reductions::mean),
    ("sum", reductions::sum),
    ("arg_max", reductions::arg_max),
    ("local_response_normalization", normalizations::local_response_normalization),
    ("normalize", normalizations::normalize),
    ("softmax", normalizations::softmax),
    ("add", pairs::add),
    ("sub", pairs::sub),
    ("mul", pairs::mul),
    ("div", pairs::div),
    ("minimum", pairs::minimum),
    ("maximum", pairs::maximum),
    ("squared_difference", pairs::squared_difference),
    ("broadcast", pairs::broadcast),
    ("prelu", lookups::prelu),
    ("lookup", lookups::lookup),
    ("reshape", moves::reshape),
    ("pad", moves::pad),
    ("concatenate", moves::concatenate),
    ("rearrange", moves::rearrange),
    ("gather", moves::gather),
    ("resize_nearest", resizes::resize_nearest),
    ("resize_bilinear", resizes::resize_bilinear),
    ("interpolate", resizes::interpolate),
];
