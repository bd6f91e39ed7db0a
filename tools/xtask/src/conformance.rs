//! `cargo xtask conformance`: ONNX's own node cases, for every operator that `ocelli ops` lists.
//!
//! The cases are files of Debian's package `libonnx-testdata`. `cargo xtask test` runs them too where they are.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::packages::IMPORTERS;
use crate::{command, setup};

/// Where the package puts the cases.
const FOLDER: &str = "/usr/share/libonnx-testdata/data/node";

/// Which cases.
#[derive(Args)]
pub struct Options {
    /// Only cases whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

/// Gets the cases and prints which of them hold.
pub fn run(options: &Options) -> Result<()> {
    if !available() {
        setup::apt_install(&["libonnx-testdata"]);
    }
    if !available() {
        bail!(
            "ONNX's node cases are missing. Install them:\n  \
             - Debian, Ubuntu: apt-get install libonnx-testdata\n  \
             - elsewhere: unpack that package's usr/share/libonnx-testdata/data/node anywhere and name the \
             folder in OCELLI_NODE_CASES"
        );
    }
    // The three packages together, so that nothing is built with other features than by the other jobs.
    let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
    let mut cargo = command::cargo(["test", "--quiet", "--release"].into_iter().chain(selected))?;
    cargo.args(["--test", "conformance", "--", "--nocapture"]).env("OCELLI_NODE_CASES_ONLY", &options.only);
    command::run(&mut cargo)
}

/// Whether the cases are there.
pub fn available() -> bool {
    std::env::var_os("OCELLI_NODE_CASES").is_some() || Path::new(FOLDER).exists()
}
