//! `cargo xtask ci`: what continuous integration runs.

use anyhow::Result;

use crate::{lint, test};

/// Lint, then test.
pub fn run() -> Result<()> {
    lint::run()?;
    test::run(&test::Options::default())
}
