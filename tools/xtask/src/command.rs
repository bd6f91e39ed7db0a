//! Runs other programs: prints what is run, fails when it fails.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context, Result, bail};
use ocelli_simulator::repository;

/// `cargo` with these arguments, in the repository's root.
pub fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Command> {
    let mut command = Command::new("cargo");
    command.current_dir(repository()?).args(arguments);
    Ok(command)
}

/// Tells and runs a command; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let text = text(command);
    eprintln!("+ {text}");
    let status = command.status().with_context(|| format!("starting `{text}`"))?;
    if !status.success() {
        bail!("`{text}` ended with {status}");
    }
    Ok(())
}

/// Runs a command without a word; fails when it fails.
pub fn run_quietly(command: &mut Command) -> Result<()> {
    let text = text(command);
    let output = command.output().with_context(|| format!("starting `{text}`"))?;
    if !output.status.success() {
        bail!("`{text}` ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Whether a program of that name can be started.
pub fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn text(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
