//! Which backend runs: decided here and nowhere else. On microcontrollers when compiling, on application
//! processors when the first kernel runs.

#[cfg(armv6m)]
use crate::arch::armv6m as chosen;
#[cfg(armv7em)]
use crate::arch::armv7em as chosen;
#[cfg(mve)]
use crate::arch::mve as chosen;
#[cfg(any(neon, x86))]
use crate::arch::vector as chosen;
#[cfg(not(any(armv6m, armv7em, mve, neon, x86)))]
use crate::reference as chosen;

pub(crate) use chosen::{add_s8, conv_2d_s8, depthwise_conv_2d_s8, fully_connected_s8};

// Only some backends have loops of their own for weights that are not dense, or stand in another layout.
#[cfg(armv7em)]
use crate::arch::armv7em as chosen_for_weights;
#[cfg(not(armv7em))]
use crate::reference as chosen_for_weights;

pub(crate) use chosen_for_weights::{
    conv_2d_channels_s8, conv_2d_relaid_s8, conv_2d_rows_s8, fully_connected_relaid_s8,
    fully_connected_rows_s8,
};

// Only one has loops over scratch that can do without the reference; the others run all that they have.
#[cfg(armv7em)]
pub(crate) use chosen::{depthwise_conv_2d_in_lines_s8, depthwise_conv_2d_in_scratch_s8};
#[cfg(not(armv7em))]
pub(crate) use chosen::{
    depthwise_conv_2d_s8 as depthwise_conv_2d_in_lines_s8,
    depthwise_conv_2d_s8 as depthwise_conv_2d_in_scratch_s8,
};

/// Whether the backend reads [`Layout::Paired`](crate::Layout::Paired).
pub(crate) const READS_PAIRED: bool = cfg!(armv7em);

#[cfg(neon)]
pub use crate::arch::neon::{available_backends, backend, use_backend};
#[cfg(x86)]
pub use crate::arch::x86::{available_backends, backend, use_backend};

/// The name of the backend that runs: `armv7em`, `x86-avx512-vnni`, ... or `reference`.
#[cfg(not(any(neon, x86)))]
pub fn backend() -> &'static str {
    available_backends()[0]
}

/// The backends that this build and this processor can run, best first.
#[cfg(not(any(neon, x86)))]
pub fn available_backends() -> &'static [&'static str] {
    if cfg!(armv6m) {
        &["armv6m"]
    } else if cfg!(armv7em) {
        &["armv7em"]
    } else if cfg!(mve) {
        &["mve"]
    } else {
        &["reference"]
    }
}

/// Runs one of [`available_backends`] from now on, on every thread; `false` for another name.
#[cfg(not(any(neon, x86)))]
pub fn use_backend(name: &str) -> bool {
    available_backends().contains(&name)
}
