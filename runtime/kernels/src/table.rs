//! Unary operators as scalar functions, in the integer arithmetic of the TFLite reference kernels.
//!
//! The compiler fills tables with them ([`fill_lookup`](crate::fill_lookup)); the device only looks
//! up. So they may take their time.

mod hard_swish;
mod leaky_relu;
mod logistic;
mod relu;
mod requantize;
mod tanh;

pub use hard_swish::{HardSwishParameters, hard_swish_s8};
pub use leaky_relu::{LeakyReluParameters, leaky_relu_s8};
pub use logistic::{SigmoidParameters, logistic_s8};
pub use relu::{relu_s8, relu6_s8};
pub use requantize::{RequantizeParameters, requantize_s8};
pub use tanh::tanh_s8;
