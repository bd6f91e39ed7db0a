//! The workspace's packages, sorted by what it takes to build them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ocelli_simulator::repository;

/// Packages over tract: built in the release profile only, because tract takes minutes in each.
pub const IMPORTERS: [&str; 4] = ["ocelli-compiler", "ocelli-cli", "ocelli-tests", "ocelli-tract"];

/// The features of the program in packages, soaks and tests that the demo is built without.
pub const EMITTERS: [&str; 2] = ["--features", "ocelli-cli/mqtt,ocelli-cli/gpio"];

/// What lints and tests build besides [`IMPORTERS`], in the same command, so that what both need is built once:
/// training, and the program with it and with every emitter.
pub const TRAINING: [&str; 4] =
    ["--package", "ocelli-train", "--features", "ocelli-cli/train,ocelli-cli/mqtt,ocelli-cli/gpio"];

/// The same emitters where the program is not built.
pub const LIVE_EMITTERS: [&str; 2] = ["--features", "ocelli-live/mqtt,ocelli-live/gpio"];

/// Names of the packages in one of the workspace's folders that build for microcontrollers.
pub fn in_folder(folder: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for directory in directories(folder)? {
        let manifest = fs::read_to_string(directory.join("Cargo.toml"))?;
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        names.extend(name.filter(|name| !IMPORTERS.contains(name)).map(str::to_owned));
    }
    Ok(names)
}

/// The package directories in one of the workspace's folders, sorted.
pub fn directories(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = repository()?.join(folder);
    let entries = fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
    let mut directories: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .filter(|path| path.as_ref().is_ok_and(|path| path.join("Cargo.toml").exists()))
        .collect::<Result<_>>()?;
    directories.sort();
    Ok(directories)
}
