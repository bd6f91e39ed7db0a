//! `cargo xtask mutants`: changes the reference kernels, one operator, constant or result at a time; each time a test
//! has to fail.
//!
//! `.cargo/mutants.toml` says where, and names the changes that change no output. All of it takes hours.

use anyhow::Result;
use clap::Args;
use ocelli_simulator::target_directory;

use crate::command;
use crate::sanitize::CASES;

/// Which changes.
#[derive(Args)]
pub struct Options {
    /// Only one part of all changes, such as 0/8
    #[arg(long, value_name = "PART/PARTS")]
    shard: Option<String>,
    /// Only changes of files that a pattern matches, such as '**/requantize.rs'
    #[arg(long, value_name = "PATTERN")]
    file: Option<String>,
}

/// Cases of each property; few, because each change is compiled and tested.
const FEW_CASES: &str = "200";

/// Mutates and tests.
pub fn run(options: &Options) -> Result<()> {
    if !command::exists("cargo-mutants") {
        command::run(&mut command::cargo(["install", "cargo-mutants", "--locked"])?)?;
    }
    let mut cargo =
        command::cargo(["mutants", "--package", "ocelli-kernels", "--timeout", "60", "--output"])?;
    cargo.arg(target_directory()?).env(CASES, FEW_CASES);
    cargo.env("CARGO_PROFILE_TEST_OPT_LEVEL", "1").env("CARGO_PROFILE_TEST_DEBUG", "0");
    for (option, value) in [("--shard", &options.shard), ("--file", &options.file)] {
        if let Some(value) = value {
            cargo.args([option, value]);
        }
    }
    command::run(cargo.args(["--", "--test", "kernels"]))
}
