//! Runs an artefact on an emulated Cortex-M: builds the firmware, loads the job, reads the facts.
//!
//! It builds the programs of real boards as well, which it cannot run. The firmware of `boards/qemu` does the work and
//! knows nothing of hosts; this crate knows where the cross toolchain is, how QEMU is started and what the firmware
//! prints. The program `ocelli simulate`, `cargo xtask qemu` and the tests all run firmware through it.
#![forbid(unsafe_code)]

mod machine;

mod toolchain;

mod firmware;

mod board;

pub mod elf;

mod emulator;

mod device;

mod host;

mod report;

mod steps;

mod error;

pub use board::{Board, Dfu, Flashing, Program, Slots, Uf2, boards};
pub use device::Device;
pub use emulator::{Simulation, find_qemu, run_elf, run_elf_with};
pub use error::SimulateError;
pub use firmware::{Firmware, build, repository, target_directory};
pub use host::run_on_host;
pub use machine::{Budget, Machine, machines};
pub use ocelli_qemu::job::{Input, Job};
pub use report::{Detection, Facts, Instructions, Run, Step};
pub use steps::{StepRun, run_steps};
pub use toolchain::{MINIMUM_RUST, TARGETS, Toolchain};
