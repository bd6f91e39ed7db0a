//! `cargo xtask test`: everything that can be wrong with behaviour.

use anyhow::{Result, bail};
use clap::Args;
use ocelli_simulator::{Toolchain, repository, target_directory};

use crate::packages::{self, IMPORTERS};
use crate::{command, qemu, setup};

/// What to leave out.
#[derive(Args, Default)]
pub struct Options {
    /// Leave out QEMU and the cross toolchain
    #[arg(long)]
    host_only: bool,
}

/// The host's tests, the runtime for a microcontroller without heap, QEMU, and what crosses crates.
pub fn run(options: &Options) -> Result<()> {
    if !options.host_only {
        setup::run()?;
    }
    let excluded = IMPORTERS.iter().flat_map(|package| ["--exclude", package]);
    command::run(command::cargo(["test", "--workspace"].into_iter().chain(excluded))?.arg("--quiet"))?;
    if !options.host_only {
        runtime_for_microcontrollers()?;
        qemu::run(&qemu::Options::default())?;
    }
    let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
    command::run(&mut command::cargo(["test", "--release"].into_iter().chain(selected))?)
}

/// The runtime builds for the smallest core, and a firmware without an allocator links it.
fn runtime_for_microcontrollers() -> Result<()> {
    const TARGET: &str = "thumbv6m-none-eabi";
    let packages = packages::in_folder("runtime")?;
    if packages.is_empty() {
        bail!("there are no packages under runtime/");
    }
    let selected = packages.iter().flat_map(|package| ["--package", package]);
    let mut cargo = Toolchain::find(TARGET)?.cargo("build", TARGET, "");
    cargo.current_dir(repository()?).env("CARGO_TARGET_DIR", target_directory()?);
    command::run(cargo.args(selected).args(["--quiet", "--profile", "firmware"]))
}
