//! What the firmware for QEMU's Arm machines is made of, and what it shares with the simulator on the host.
//!
//! One firmware per machine runs every model: QEMU loads a job (artefact, input and what to do with
//! them) into RAM that stands for external flash, and the firmware runs all five stages on it.
//! On the host, [`job`] and [`session`] exist: the same job runs there for comparison.
#![no_std]

pub mod job;

pub mod session;

#[cfg(target_os = "none")]
pub mod console;

#[cfg(target_os = "none")]
pub mod clock;

#[cfg(feature = "slots")]
pub mod ram_flash;

#[cfg(target_os = "none")]
pub mod uart;

#[cfg(target_os = "none")]
pub mod stack;

// Its interrupt handler would be linked into the smallest application, too, which has no camera.
#[cfg(all(target_os = "none", not(feature = "fixed")))]
pub mod simulated_camera;

#[cfg(target_os = "none")]
pub mod machine {
    //! The row of `board.toml` that this firmware was built for.
    include!(concat!(env!("OUT_DIR"), "/machine.rs"));
}
