//! `cargo xtask test`: everything that can be wrong with behaviour.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_simulator::{Firmware, Toolchain, build, machines, repository, target_directory};

use crate::packages::{self, IMPORTERS};
use crate::{aarch64, command, conformance, qemu, setup, sizes};

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
    let excluded = IMPORTERS.iter().flat_map(|package| ["--exclude", package]);
    command::run(command::cargo(["test", "--workspace"].into_iter().chain(excluded))?.arg("--quiet"))?;
    if !options.host_only {
        runtime_for_microcontrollers()?;
        qemu::run(&qemu::Options::default())?;
        sizes::run()?;
        aarch64::run()?;
    }
    let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
    command::run(&mut command::cargo(["test", "--release"].into_iter().chain(selected))?)
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
    no_float(&fs::read(build(machine, Firmware::Generic)?)?)
}

/// No float on the device's way: a core without a floating-point unit would call these functions for it.
fn no_float(elf: &[u8]) -> Result<()> {
    const PREFIX: &[u8] = b"__aeabi_";
    const FLOAT: [&str; 16] = [
        "fadd", "fsub", "fmul", "fdiv", "fcmp", "f2", "i2f", "ui2f", "dadd", "dsub", "dmul", "ddiv", "dcmp",
        "d2", "i2d", "ui2d",
    ];
    let mut symbols = elf.windows(PREFIX.len()).enumerate().filter(|(_, window)| *window == PREFIX);
    let float = symbols.find_map(|(at, _)| {
        let name = elf[at + PREFIX.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
        FLOAT
            .iter()
            .any(|float| name.starts_with(float.as_bytes()))
            .then(|| String::from_utf8_lossy(name).into_owned())
    });
    match float {
        Some(name) => bail!("the firmware computes with floats: it calls __aeabi_{name}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_the_float_library_is_seen() {
        assert!(no_float(b"\0__aeabi_uidiv\0__aeabi_memcpy4\0").is_ok());
        assert!(
            no_float(b"\0__aeabi_uidiv\0__aeabi_fmul\0").unwrap_err().to_string().contains("__aeabi_fmul")
        );
        assert!(no_float(b"__aeabi_ui2d").is_err());
    }
}
