//! `cargo xtask test`: everything that can be wrong with behaviour.

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_simulator::{Firmware, Toolchain, build, elf, machines, repository, target_directory};

use crate::packages::{self, IMPORTERS, LIVE_EMITTERS, TRAINING};
use crate::{aarch64, boards, command, conformance, executors, page, qemu, sanitize, setup, sizes, soak};

/// What to leave out.
#[derive(Args, Default)]
pub struct Options {
    /// Leave out QEMU and the cross toolchain
    #[arg(long)]
    host_only: bool,
}

/// The host's tests, the runtime for a microcontroller without heap, QEMU, budgets, and what crosses crates.
pub fn run(options: &Options) -> Result<()> {
    if !options.host_only {
        setup::run()?;
    }
    let shared = repository()?.join("../shared");
    match shared.exists() {
        true => println!("with the models and data in {}", shared.display()),
        false => {
            println!("skipped: tests of the models and data in {}, which is not there", shared.display())
        }
    }
    if !conformance::available() {
        println!("skipped: ONNX's node cases, which `cargo xtask conformance` gets");
    }
    let excluded = IMPORTERS.iter().chain([&"ocelli-train"]).flat_map(|package| ["--exclude", package]);
    let host = ["test", "--workspace", "--quiet"].into_iter().chain(excluded);
    command::run(command::cargo(host)?.args(LIVE_EMITTERS))?;
    if !options.host_only {
        sanitize::run()?;
        runtime_for_microcontrollers()?;
        qemu::run(&qemu::Options::default())?;
        sizes::run()?;
        boards::run(&boards::Options::default())?;
        aarch64::run(&aarch64::Options::default())?;
        page::run()?;
    }
    if options.host_only {
        executors::run(&[])?;
    }
    let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
    command::run(command::cargo(["test", "--release"].into_iter().chain(selected))?.args(TRAINING))?;
    soak::run(&soak::Options::short())
}

/// The runtime builds for the smallest core, and a firmware without an allocator and without floats links it.
fn runtime_for_microcontrollers() -> Result<()> {
    const TARGET: &str = "thumbv6m-none-eabi";
    let packages = packages::in_folder("runtime")?;
    if packages.is_empty() {
        bail!("there are no packages under runtime/");
    }
    let selected = packages.iter().flat_map(|package| ["--package", package]);
    let mut cargo = Toolchain::find(TARGET)?.cargo("build", TARGET, "");
    cargo.current_dir(repository()?).env("CARGO_TARGET_DIR", target_directory()?);
    command::run(cargo.args(selected).args(["--quiet", "--profile", "firmware"]))?;
    let machine =
        machines().iter().find(|machine| machine.target == TARGET).context("a machine runs Armv6-M code")?;
    let functions = elf::functions(&build(machine, Firmware::Generic)?)?;
    no_float(functions.iter().map(|(name, _)| name.as_str()))
}

/// No float on the device's way: a core without a floating-point unit would call these functions for it.
fn no_float<'a>(mut functions: impl Iterator<Item = &'a str>) -> Result<()> {
    const FLOAT: [&str; 16] = [
        "fadd", "fsub", "fmul", "fdiv", "fcmp", "f2", "i2f", "ui2f", "dadd", "dsub", "dmul", "ddiv", "dcmp",
        "d2", "i2d", "ui2d",
    ];
    let is_float = |name: &&str| {
        name.strip_prefix("__aeabi_").is_some_and(|rest| FLOAT.iter().any(|float| rest.starts_with(float)))
    };
    match functions.find(is_float) {
        Some(name) => bail!("the firmware computes with floats: it calls {name}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_the_float_library_is_seen() {
        assert!(no_float(["__aeabi_uidiv", "__aeabi_memcpy4"].into_iter()).is_ok());
        let error = no_float(["__aeabi_uidiv", "__aeabi_fmul"].into_iter()).unwrap_err();
        assert!(error.to_string().contains("__aeabi_fmul"));
        assert!(no_float(["__aeabi_ui2d"].into_iter()).is_err());
    }
}
