//! x86-64 with AVX2, or with AVX-512 and its byte products (VNNI): laptops and servers.
//!
//! Which of the two a processor has is found out at run time, once. The kernels are those of `vector`.
#![allow(unsafe_code)]
// Loops over arrays of vectors count: unrolled, each element is a register.
#![allow(clippy::needless_range_loop)]

mod detect;

mod avx2;
mod avx512_vnni;

pub(super) use detect::run;
pub use detect::{available_backends, backend, use_backend};
