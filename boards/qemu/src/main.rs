//! The firmware for QEMU's Arm machines: runs the job that the simulator loaded, prints facts, exits.
//!
//! Without a job it tests its own instruments, the instruction counter and the stack gauge.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(target_os = "none", allow(unsafe_code))]

#[cfg(target_os = "none")]
mod firmware;

/// On the host there is nothing to run.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is firmware for QEMU's Arm machines. Run it with `cargo xtask qemu`.");
    std::process::exit(2);
}
