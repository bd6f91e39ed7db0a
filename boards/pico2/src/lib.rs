//! Raspberry Pi Pico 2: RP2350, two Cortex-M33 at 150 MHz, 520 KB of RAM, 4 MB of flash. **Built, not run on hardware.**
//!
//! Wired as the Pico (see `boards/pico`), whose pins it has. Its first block of flash holds the image's
//! description, which `sections.x` places; kernels use the DSP instructions.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

#[cfg(target_os = "none")]
pub use ocelli_boards::rp::start;
