//! Why a build script gets no module.

use std::path::PathBuf;

/// Why a build script gets no module: always with the file at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The artefact cannot be read, or the module not be written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The file is no artefact.
    #[error("{}: {source}", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What the reader said.
        source: ocelli_format::ParseError,
    },
    /// The artefact was stripped to other targets.
    #[error("{}: no schedule for `{profile}`, only for {}", path.display(), available.join(", "))]
    NoSchedule {
        /// Which file.
        path: PathBuf,
        /// The target profile that was asked for.
        profile: String,
        /// The profiles that there are.
        available: Vec<String>,
    },
    /// The file's name makes no module name.
    #[error("{}: `{name}` is no name for a Rust module: use `Artefact::module`", path.display())]
    ModuleName {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        name: String,
    },
    /// Not run by cargo as a build script.
    #[error("OUT_DIR is not set: `generate` belongs into a build script")]
    NoOutDirectory,
}
