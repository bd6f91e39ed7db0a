//! `cargo xtask sanitize`: the kernels' properties on every backend of this machine, under tools that see what no
//! comparison of outputs does: a read behind a slice, a byte that nobody wrote.
//!
//! AddressSanitizer needs a flag that stable compilers hide, valgrind and Miri have to be there; what is not, is said.

use std::env;
use std::process::Command;

use anyhow::Result;
use ocelli_simulator::target_directory;

use crate::command;

/// Cases of each property; these tools are slow.
const VALGRIND_CASES: u32 = 200;
const MIRI_CASES: u32 = 8;

/// Runs each tool that this machine has.
pub fn run() -> Result<()> {
    if env::consts::OS != "linux" {
        println!("skipped: AddressSanitizer and valgrind, which this job runs on Linux alone");
        return miri();
    }
    address_sanitizer()?;
    valgrind()?;
    miri()
}

/// With its own target directory, and only the target's code under the flag.
fn address_sanitizer() -> Result<()> {
    println!("AddressSanitizer:");
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let mut tests = properties(["test"])?;
    tests.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    tests.env("CARGO_TARGET_DIR", target_directory()?.join("sanitize")).args(["--target", &target]);
    command::run(only_backends(&mut tests))
}

/// The ordinary build; valgrind knows no AVX-512, so the backends up to AVX2 run.
fn valgrind() -> Result<()> {
    if !command::exists("valgrind") {
        println!("skipped: valgrind, which is not installed");
        return Ok(());
    }
    println!("valgrind:");
    let mut tests = properties(["test"])?;
    let runner = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", env::consts::ARCH.to_uppercase());
    tests.env(runner, "valgrind --quiet --error-exitcode=1").env(CASES, VALGRIND_CASES.to_string());
    command::run(only_backends(&mut tests))
}

/// An interpreter: without vectors, so the reference runs, and the views of scratch that it shares with all backends.
fn miri() -> Result<()> {
    let there = Command::new("cargo").args(["+nightly", "miri", "--version"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: Miri, which `rustup +nightly component add miri` installs");
        return Ok(());
    }
    println!("Miri:");
    let mut tests = properties(["+nightly", "miri", "test"])?;
    tests.env("MIRIFLAGS", format!("-Zmiri-env-forward={CASES}")).env(CASES, MIRI_CASES.to_string());
    tests.env("CARGO_TARGET_DIR", target_directory()?.join("miri"));
    command::run(only_backends(&mut tests))
}

/// How many cases of each property the test compares.
pub const CASES: &str = "OCELLI_KERNEL_CASES";

fn properties<const N: usize>(verb: [&str; N]) -> Result<Command> {
    let mut cargo = command::cargo(verb)?;
    cargo.args(["--quiet", "--package", "ocelli-kernels", "--test", "kernels"]);
    Ok(cargo)
}

/// Printing the cases of every backend.
fn only_backends(tests: &mut Command) -> &mut Command {
    tests.args(["--", "--nocapture", "--exact", "backends"])
}
