//! Kernels written for an instruction set: one folder each, and what they need of the arena.
//!
//! The only unsafe code of the runtime. `backend.rs` chooses among them.

pub(crate) mod scratch;

pub(crate) mod memory;

#[cfg(armv6m)]
pub(crate) mod armv6m;

#[cfg(armv7em)]
pub(crate) mod armv7em;

#[cfg(mve)]
pub(crate) mod mve;

#[cfg(any(neon, x86))]
mod selection;
#[cfg(any(neon, x86))]
pub(crate) mod vector;

#[cfg(neon)]
pub(crate) mod neon;
#[cfg(x86)]
pub(crate) mod x86;
