//! What can go wrong between an artefact and a device: what, where, and what to do next.

use std::io;
use std::path::PathBuf;

use ocelli_simulator::SimulateError;
use ocelli_slots::Refusal;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is there already: a key is never written over.
    #[error("{}: there is a file already, and a key is never written over", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// Others on this computer can read the secret key.
    #[error("{}: others can read this secret key; run `chmod 600` on it, and make a new one if they may have", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{}: this is no key; one is 64 hexadecimal digits, as `ocelli key` writes them", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why an artefact cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// A device would refuse it.
    #[error("the artefact carries no self-test, so no device would take it: convert the model anew")]
    NoSelfTest,
    /// Release 0 means unsigned.
    #[error("a release is at least 1, and higher than the one before")]
    Release,
    /// The name does not fit.
    #[error("the name of a board has at most 24 bytes")]
    Board,
}

/// Why an artefact did not reach its device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The port cannot be opened.
    #[error("{port}: {source}")]
    Open {
        /// Which port.
        port: String,
        /// What the system said.
        source: io::Error,
    },
    /// The artefact is not signed.
    #[error("the artefact is not signed: `ocelli sign` does it")]
    Unsigned,
    /// Nothing came back, however often it was asked.
    #[error("the device does not answer, {sent_bytes} bytes in")]
    NoAnswer {
        /// How much of the artefact it has.
        sent_bytes: usize,
    },
    /// The device does not take the artefact; `None` for a reason that a later version has.
    #[error("the device refuses the artefact: {}", reason(*refusal))]
    Refused {
        /// Its reason.
        refusal: Option<Refusal>,
    },
    /// The port broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}

/// Why firmware did not get to its board, or a project was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlashError {
    /// The firmware takes more than the board has.
    #[error("the firmware takes {needed_bytes} bytes of {board}'s {what}, {available_bytes} are allowed")]
    TooLarge {
        /// Which board.
        board: String,
        /// Flash or RAM.
        what: &'static str,
        /// What it takes.
        needed_bytes: u64,
        /// From board.toml.
        available_bytes: u64,
    },
    /// Neither a probe nor a boot drive nor a boot loader is there.
    #[error("no way to the board is open")]
    NoWay,
    /// A program is not there.
    #[error("{program}: {source}")]
    Program {
        /// Which.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended badly.
    #[error("this failed: {command}")]
    Failed {
        /// What was run.
        command: String,
    },
    /// A name that cargo would not take.
    #[error("{name:?} is no name for a package: letters, digits, - and _, a letter first")]
    Name {
        /// What was asked for.
        name: String,
    },
    /// There is something already.
    #[error("{}: there is something already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The file holds no public key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Toolchain, repository or the firmware's file.
    #[error(transparent)]
    Firmware(#[from] SimulateError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn reason(refusal: Option<Refusal>) -> String {
    refusal.map_or_else(
        || "for a reason that this version does not know".to_owned(),
        |refusal| refusal.to_string(),
    )
}
