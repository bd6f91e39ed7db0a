//! What can go wrong between an artefact and its run on an emulated machine.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::{boards, machines};

/// Why a simulation gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// No machine has that name.
    #[error("there is no machine {name:?}; known are {}", known_machines())]
    UnknownMachine {
        /// What was asked for.
        name: String,
    },
    /// No board has that name.
    #[error("there is no board {name:?}; known are {}", known_boards())]
    UnknownBoard {
        /// What was asked for.
        name: String,
    },
    /// QEMU is not installed.
    #[error("qemu-system-arm is not installed; run `cargo xtask setup`")]
    QemuMissing,
    /// No Rust toolchain here can build for the target.
    #[error("no Rust toolchain here builds for {target}; run `cargo xtask setup`")]
    ToolchainMissing {
        /// The target triple.
        target: String,
    },
    /// The firmware is built from the repository, and this program was not started in it.
    #[error("the firmware's sources are not at {path}: `simulate` needs a checkout of the repository")]
    SourcesMissing {
        /// Where they were looked for.
        path: PathBuf,
    },
    /// The firmware did not compile.
    #[error("building the firmware for {machine} failed:\n{output}")]
    Build {
        /// The machine's name.
        machine: String,
        /// What cargo wrote.
        output: String,
    },
    /// Artefact and input together are larger than the memory set aside for them.
    #[error("the job takes {needed_bytes} bytes, {machine} holds {available_bytes}")]
    JobTooLarge {
        /// The machine's name.
        machine: String,
        /// Header, artefact and input.
        needed_bytes: u64,
        /// From board.toml.
        available_bytes: u64,
    },
    /// QEMU was still running after the time allowed.
    #[error("{machine} did not finish within {} seconds", limit.as_secs())]
    Timeout {
        /// The machine's name.
        machine: String,
        /// The time allowed.
        limit: Duration,
    },
    /// The firmware found an error in the job.
    #[error("the firmware on {machine} says: {message}")]
    Firmware {
        /// The machine's name.
        machine: String,
        /// Its `error` line.
        message: String,
    },
    /// The firmware's output is not what this version understands.
    #[error("{machine} ended with {status} after printing:\n{output}")]
    Garbled {
        /// The machine's name.
        machine: String,
        /// How QEMU ended.
        status: String,
        /// Everything it printed.
        output: String,
    },
    /// A file that should be firmware is something else, or lacks a part.
    #[error("{}: not a 32-bit ELF file with {what}", path.display())]
    Elf {
        /// Which file.
        path: PathBuf,
        /// What it lacks.
        what: String,
    },
    /// A file could not be read or written, or a program not be started.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl SimulateError {
    /// Adds to an I/O error what was attempted, for `map_err`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> SimulateError {
        let what = what.into();
        move |source| SimulateError::Io { what, source }
    }
}

fn known_machines() -> String {
    machines().iter().map(|machine| machine.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn known_boards() -> String {
    boards().iter().map(|board| board.name.as_str()).collect::<Vec<_>>().join(", ")
}
