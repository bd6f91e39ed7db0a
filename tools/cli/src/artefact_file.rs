//! Artefacts in files, read whole and checked.

use std::path::{Path, PathBuf};

use ocelli_format::{ALIGNMENT, AlignedBytes, Artefact};

use crate::failure::Failure;

/// The bytes of an artefact's file.
pub struct ArtefactFile {
    path: PathBuf,
    bytes: AlignedBytes,
}

impl ArtefactFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<ArtefactFile, Failure> {
        let bytes = std::fs::read(path).map_err(|error| Failure::at(path.display(), error))?;
        Ok(ArtefactFile::from_bytes(path, &bytes))
    }

    /// Bytes that are, or will be, the file at `path`.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> ArtefactFile {
        ArtefactFile { path: path.to_owned(), bytes: AlignedBytes::copy_of(bytes) }
    }

    /// Checks the bytes.
    pub fn parse(&self) -> Result<Artefact<'_>, Failure> {
        Artefact::parse(&self.bytes).map_err(|error| {
            let failure = Failure::at(self.path.display(), error);
            match self.bytes.get(4..8) {
                Some(b"TFL3") => {
                    failure.advise("this is a TFLite model: `ocelli convert` makes an artefact of it")
                }
                _ => failure.advise("artefacts are made by `ocelli convert`"),
            }
        })
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// An arena for a schedule.
pub fn arena(bytes: u32) -> AlignedBytes {
    AlignedBytes::zeros((bytes as usize).next_multiple_of(ALIGNMENT))
}
