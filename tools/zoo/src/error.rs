//! What can go wrong between a name and a verified file, with what to do about it.

use std::path::PathBuf;

/// Why a catalogue is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// Not the TOML that was expected.
    #[error("the catalogue cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// Readable but wrong.
    #[error("the catalogue is wrong at `{place}`: {reason}")]
    Invalid {
        /// Entry, package or file at fault.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No entry has this name.
    #[error("the zoo has no `{name}`")]
    UnknownEntry {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The environment names no place for a cache.
    #[error("no place for a cache: neither OCELLI_CACHE nor a home folder is set")]
    NoCacheFolder,
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The package manager is not installed, or not its language.
    #[error("{missing} is not installed, and {specifier} comes through it")]
    ManagerMissing {
        /// The program.
        missing: &'static str,
        /// The package.
        specifier: String,
        /// How to get the program.
        install: &'static str,
    },
    /// The package manager did not reach its index.
    #[error("no network: `{command}` did not reach the package index ({message})")]
    NoNetwork {
        /// The whole command line.
        command: String,
        /// The telling line of what it printed.
        message: String,
    },
    /// The package manager failed for another reason.
    #[error("`{command}` failed: {message}")]
    ManagerFailed {
        /// The whole command line.
        command: String,
        /// The telling line of what it printed.
        message: String,
    },
    /// Other bytes than expected.
    #[error("{what} is not the expected one: SHA-256 {actual} instead of {expected}")]
    HashDiffers {
        /// Package or file.
        what: String,
        /// By the catalogue.
        expected: String,
        /// Of the bytes.
        actual: String,
    },
    /// The package cannot be unpacked.
    #[error("{}: not a readable package: {message}", path.display())]
    Archive {
        /// The package.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The package lacks a file.
    #[error("{} holds no `{file}`", path.display())]
    NotInPackage {
        /// The package.
        path: PathBuf,
        /// The path inside.
        file: String,
    },
}

impl FetchError {
    /// What to do next, when there is something.
    pub fn advice(&self) -> Option<String> {
        match self {
            FetchError::UnknownEntry { known, .. } => Some(format!("there is {}", known.join(", "))),
            FetchError::NoCacheFolder => Some("set OCELLI_CACHE to a folder".to_owned()),
            FetchError::ManagerMissing { install, .. } => Some((*install).to_owned()),
            FetchError::NoNetwork { command, .. } => Some(format!(
                "connect and try again; or run `{command}` on a machine with a network, bring the file here \
                 and run `ocelli zoo fetch NAME --from FILE`"
            )),
            FetchError::HashDiffers { .. } => Some(
                "the index or the network changed the file; try again, and if it stays so, do not use it"
                    .to_owned(),
            ),
            FetchError::Archive { .. } | FetchError::NotInPackage { .. } => {
                Some("check that the file is the package that `ocelli zoo` names".to_owned())
            }
            FetchError::File { .. } | FetchError::ManagerFailed { .. } => None,
        }
    }

    /// Whether the machine, not the catalogue or the package, is what is lacking: a test may be skipped.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, FetchError::NoNetwork { .. } | FetchError::ManagerMissing { .. })
    }
}
