//! Integer operators under Ocelli's arithmetic contract: the infer stage, one layer at a time.
//!
//! Every output is bit for bit that of the TFLite reference kernels, as TFLite Micro computes them,
//! on every machine and every backend; operators that TFLite Micro lacks in int8 say what they round. [`requantize`](Requantize) holds the contract.
//!
//! # How a kernel is used
//! 1. Describe the layer with the kernel's plain parameter struct.
//! 2. Call its `check` once, when planning. It refuses inconsistent sizes and lengths with a
//!    [`KernelError`] and does its own arithmetic checked, so hostile parameters stay harmless.
//! 3. Call the kernel as often as wanted, with slices of the lengths that were checked. It has no
//!    way to fail. Without a successful `check` it still never reads or writes outside its slices,
//!    but what it leaves in the output is unspecified, and debug builds may report an overflow.
//!
//! Tensors are slices in the order `[N, H, W, C]`, channels innermost. Operands are apart from the
//! output, or wholly in place where a kernel takes a [`Source`].
//!
//! # Where code lives
//! `conv_2d.rs` documents an operator and chooses its backend; `conv_2d/reference.rs` implements it
//! in safe Rust. `arch/` holds the backends; [`backend()`] names the one that runs. `table/` holds the unary operators: scalar functions from which the compiler fills
//! the 256 bytes that [`lookup_s8`] reads on the device.
#![no_std]
#![deny(unsafe_code)]
// Where a backend serves every layer of an operator, nothing is left to the reference.
#![cfg_attr(any(armv6m, armv7em, mve), allow(dead_code, unused_imports))]

mod activation;
mod requantize;

mod arch;
mod backend;
mod reference;

mod dot;
mod elementwise;
mod error;
mod filter;
mod finish;
mod layout;
mod rows;
mod runs;
mod source;
mod wide;
mod window;

mod conv_2d;
mod depthwise_conv_2d;
mod fully_connected;
mod transpose_conv_2d;

mod pool;

mod arg_max;
mod average_pool_2d;
mod max_pool_2d;
mod mean;
mod sum;

mod batch_matmul;

mod local_response_normalization;
mod normalize;
mod power;

mod broadcast;

mod add;
mod div;
mod maximum;
mod minimum;
mod mul;
mod prelu;
mod squared_difference;
mod sub;

mod concatenate;
mod gather;
mod interpolate;
mod pad;
mod rearrange;
mod reshape;
mod resize_bilinear;
mod resize_nearest;

mod fixed_point;
mod softmax;

mod rescale;

mod lookup;
pub mod table;

pub use activation::{Activation, Sum};
pub use add::{AddParameters, add_s8, add_s16};
pub use arg_max::{ArgMaxParameters, arg_max_s8};
pub use average_pool_2d::{average_pool_2d_s8, average_pool_2d_s16};
pub use backend::{available_backends, backend, use_backend};
pub use batch_matmul::{BatchMatmulParameters, batch_matmul_s8};
pub use broadcast::Broadcast;
pub use concatenate::{ConcatenateParameters, concatenate_s8};
pub use conv_2d::{Conv2dParameters, conv_2d_relaid_s8, conv_2d_rows_s8, conv_2d_s8, conv_2d_s16};
pub use depthwise_conv_2d::{
    DepthwiseConv2dParameters, depthwise_conv_2d_in_lines_s8, depthwise_conv_2d_in_scratch_s8,
    depthwise_conv_2d_s8, depthwise_conv_2d_s16,
};
pub use div::{DivParameters, div_s8};
pub use error::{KernelError, Operand};
pub use filter::Filter;
pub use fully_connected::{
    FullyConnectedParameters, fully_connected_relaid_s8, fully_connected_rows_s8, fully_connected_s8,
    fully_connected_s16,
};
pub use gather::{GatherParameters, gather_s8};
pub use interpolate::{InterpolateParameters, interpolate_s8};
pub use layout::Layout;
pub use local_response_normalization::{
    LocalResponseNormalizationParameters, local_response_normalization_s8,
};
pub use lookup::{LOOKUP_ENTRIES, fill_lookup, lookup_s8};
pub use max_pool_2d::{max_pool_2d_s8, max_pool_2d_s16};
pub use maximum::maximum_s8;
pub use mean::{MeanParameters, mean_s8};
pub use minimum::minimum_s8;
pub use mul::{MulParameters, mul_s8};
pub use normalize::{Affine, NormalizeParameters, normalize_s8};
pub use pad::{PadParameters, pad_s8};
pub use pool::Pool2dParameters;
pub use power::POWER_ENTRIES;
pub use prelu::{PreluParameters, prelu_s8};
pub use rearrange::{RearrangeParameters, rearrange_s8};
pub use requantize::{
    MAX_SHIFT, MAX_WIDE_SHIFT, MIN_SHIFT, Requantize, multiply_by_quantized_multiplier,
    rounding_divide_by_power_of_two, saturating_rounding_doubling_high_multiply,
};
pub use rescale::{RescaleParameters, rescale};
pub use reshape::reshape_s8;
pub use resize_bilinear::resize_bilinear_s8;
pub use resize_nearest::{ResizeParameters, Sampling, resize_nearest_s8};
pub use rows::{Blocks, Sparse, WeightRows, tile_rows};
pub use softmax::{SoftmaxParameters, softmax_s8};
pub use source::Source;
pub use squared_difference::{SquaredDifferenceParameters, squared_difference_s8};
pub use sub::sub_s8;
pub use sum::sum_s8;
pub use transpose_conv_2d::{check_transpose_conv_2d, transpose_conv_2d_s8};
pub use window::Axis;

/// The largest tensor of a kernel, in elements: every index and byte offset fits 31 bits.
pub const MAX_ELEMENTS: usize = 1 << 28;
