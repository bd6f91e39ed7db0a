//! `cargo xtask models`: every vision model that we know of through `convert`, against float and against its floor.

use anyhow::Result;
use clap::Args;

use crate::command;
use crate::packages::IMPORTERS;

/// Which models.
#[derive(Args)]
pub struct Options {
    /// Only models whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

/// Prints the table; fails where an output has fallen under its floor.
pub fn run(options: &Options) -> Result<()> {
    // The three packages together, so that nothing is built with other features than by the other jobs.
    let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
    let mut cargo = command::cargo(["test", "--quiet", "--release"].into_iter().chain(selected))?;
    cargo.args(["--test", "models", "--", "--ignored", "--nocapture"]);
    cargo.env("OCELLI_MODELS_ONLY", &options.only);
    command::run(&mut cargo)
}
