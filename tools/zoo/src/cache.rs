//! The cache: verified files in a folder of the user's, and a lock so that two programs download once.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Entry, FetchError, File, hash};

/// A folder of verified files, one folder an entry.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$OCELLI_CACHE`, or `ocelli` in the folder where this system keeps caches.
    ///
    /// # Errors
    /// [`FetchError::NoCacheFolder`] when the environment names no home.
    pub fn of_user() -> Result<Cache, FetchError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = variable("OCELLI_CACHE").or_else(|| {
            let caches = if cfg!(windows) {
                variable("LOCALAPPDATA")
            } else if cfg!(target_os = "macos") {
                variable("HOME").map(|home| home.join("Library/Caches"))
            } else {
                variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
            };
            caches.map(|caches| caches.join("ocelli"))
        });
        root.map(Cache::at).ok_or(FetchError::NoCacheFolder)
    }

    /// A cache in `root`, which is created when something is stored.
    pub fn at(root: PathBuf) -> Cache {
        Cache { root }
    }

    /// Where everything lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where `file` of `entry` lies, or would.
    pub fn path(&self, entry: &Entry, file: &File) -> PathBuf {
        self.root.join("zoo").join(&entry.name).join(file.file_name())
    }

    /// Whether every file of `entry` is there with the right bytes.
    pub fn holds(&self, entry: &Entry) -> bool {
        entry.files.iter().all(|file| {
            let path = self.path(entry, file);
            fs::metadata(&path).is_ok_and(|metadata| metadata.len() == file.bytes)
                && hash::of_file(&path).is_ok_and(|actual| actual == file.sha256)
        })
    }

    /// Holds off other programs that fetch the package `key` until the result is dropped.
    pub(crate) fn lock(&self, key: &str) -> Result<fs::File, FetchError> {
        let path = self.root.join("zoo").join(format!("{key}.lock"));
        let attempt = || {
            create_parent(&path)?;
            let lock = fs::File::create(&path)?;
            lock.lock()?;
            Ok(lock)
        };
        attempt().map_err(|source| FetchError::File { path: path.clone(), source })
    }

    /// An empty folder for one download; gone when dropped.
    pub(crate) fn scratch(&self, key: &str) -> Result<Scratch, FetchError> {
        let path = self.root.join("zoo").join(format!("{key}-{}.tmp", std::process::id()));
        fs::create_dir_all(&path).map_err(|source| FetchError::File { path: path.clone(), source })?;
        Ok(Scratch { path })
    }
}

/// A folder that is removed when dropped.
pub(crate) struct Scratch {
    pub(crate) path: PathBuf,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed costs room, not correctness.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Writes a file whole or not at all: beside its place first, then renamed. Makes missing folders.
///
/// # Errors
/// Those of the file system.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    static UNIQUE: AtomicU32 = AtomicU32::new(0);
    create_parent(path)?;
    let unique = UNIQUE.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{unique}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn create_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => fs::create_dir_all(parent),
        _ => Ok(()),
    }
}
