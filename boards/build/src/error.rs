//! Why a build script gets no memory map.

use std::path::PathBuf;

/// Why a build script gets no memory map: always with the file at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The table cannot be read, or the map not be written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The table is not what it should be.
    #[error("{}: {message}", path.display())]
    Board {
        /// Which file.
        path: PathBuf,
        /// Which key, and what is wrong with it.
        message: String,
    },
    /// The file holds no public key.
    #[error("{}: these are not the 64 hexadecimal digits of a public key; `ocelli key` writes one", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
    },
    /// Not run by cargo as a build script.
    #[error("OUT_DIR is not set: `generate` belongs into a build script")]
    NoOutDirectory,
}
