//! The builder that a build script calls.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use crate::Error;
use crate::facts::Facts;
use crate::names::is_identifier;

/// An artefact that a module is to be made of.
#[derive(Clone, Debug)]
pub struct Artefact {
    path: PathBuf,
    module: Option<String>,
    profile: String,
    detections: usize,
    candidates: usize,
}

impl Artefact {
    /// The artefact at `path`, which counts from the package's folder, as cargo runs build scripts.
    pub fn from_path(path: impl Into<PathBuf>) -> Artefact {
        Artefact {
            path: path.into(),
            module: None,
            profile: "portable".into(),
            detections: 16,
            candidates: 64,
        }
    }

    /// Names the module, and the file in `OUT_DIR`; the file name without extension otherwise.
    pub fn module(mut self, name: impl Into<String>) -> Artefact {
        self.module = Some(name.into());
        self
    }

    /// The target profile whose schedule counts; `portable` otherwise, and where there is no other.
    pub fn profile(mut self, profile: impl Into<String>) -> Artefact {
        self.profile = profile.into();
        self
    }

    /// Room for objects in a frame; 16 otherwise.
    pub fn detections(mut self, capacity: usize) -> Artefact {
        self.detections = capacity;
        self
    }

    /// Room for anchors above the threshold, before those that mean the same object become one; 64
    /// otherwise.
    pub fn candidates(mut self, capacity: usize) -> Artefact {
        self.candidates = capacity;
        self
    }

    /// Writes the module to `OUT_DIR` and tells cargo when to run the build script again.
    ///
    /// # Errors
    /// Every [`Error`].
    pub fn generate(self) -> Result<(), Error> {
        let directory = env::var_os("OUT_DIR").ok_or(Error::NoOutDirectory)?;
        println!("cargo:rerun-if-changed={}", self.path.display());
        self.generate_in(Path::new(&directory)).map(|_| ())
    }

    /// Writes the module to `directory` and gives the path of the file.
    ///
    /// # Errors
    /// Every [`Error`] but [`Error::NoOutDirectory`].
    pub fn generate_in(&self, directory: &Path) -> Result<PathBuf, Error> {
        let stem =
            || self.path.file_stem().unwrap_or_default().to_string_lossy().replace(['-', '.', ' '], "_");
        let module = self.module.clone().unwrap_or_else(stem);
        if !is_identifier(&module) {
            return Err(Error::ModuleName { path: self.path.clone(), name: module });
        }
        let read = |source| Error::File { path: self.path.clone(), source };
        // `include_bytes!` counts from the generated file, so the path has to be whole.
        let path = fs::canonicalize(&self.path).map_err(read)?;
        let bytes = fs::read(&path).map_err(read)?;
        let facts = Facts::read(&bytes, &self.path, &self.profile)?;
        let source = crate::source::module(&facts, &path, self.detections, self.candidates);
        let place = directory.join(format!("{module}.rs"));
        // Whole or not at all: a build that is stopped here leaves no half module behind.
        let temporary = directory.join(format!("{module}.rs.{}.tmp", process::id()));
        fs::write(&temporary, source)
            .and_then(|()| fs::rename(&temporary, &place))
            .map_err(|source| Error::File { path: place.clone(), source })?;
        Ok(place)
    }
}
