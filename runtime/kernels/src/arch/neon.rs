//! aarch64: NEON as every such processor has it, or with the dot products of Armv8.2: Raspberry Pi and phones.
//!
//! Which of the two a processor has is found out at run time, once. The kernels are those of `vector`.
#![allow(unsafe_code)]
// Loops over arrays of vectors count: unrolled, each element is a register.
#![allow(clippy::needless_range_loop)]

mod detect;
mod lanes;

pub(super) use detect::run;
pub use detect::{available_backends, backend, use_backend};
