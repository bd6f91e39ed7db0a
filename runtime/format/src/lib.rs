//! The artefact's bytes: a borrowing reader, and a writer for the compiler.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod operator;

mod contract;

#[cfg(feature = "alloc")]
pub mod model;

pub use contract::{PixelLayout, ResizeMode};
pub use operator::{Clamp, Factor, Operator, Pair, Window};
