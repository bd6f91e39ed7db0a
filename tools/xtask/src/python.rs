//! Python environments with packages from PyPI, made below the target directory, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use ocelli_simulator::{repository, target_directory};

use crate::command;

/// The Python of environment `name`, with what the file `requirements` of the repository lists.
pub fn environment(name: &str, requirements: impl AsRef<Path>) -> Result<PathBuf> {
    let environment = target_directory()?.join(name);
    let python = environment.join("bin/python3");
    let requirements = repository()?.join(requirements);
    let installed = environment.join("installed.txt");
    if fs::read(&installed).ok() != Some(fs::read(&requirements)?) {
        command::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let mut pip = Command::new(&python);
        command::run(pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements))?;
        fs::copy(&requirements, &installed)?;
    }
    Ok(python)
}
