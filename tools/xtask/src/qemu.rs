//! `cargo xtask qemu`: the golden models on the host and on five emulated Cortex-M, byte by byte.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_simulator::{Firmware, build, find_qemu, machines, run_elf};

/// What to run.
#[derive(Args, Default)]
pub struct Options {
    /// Only boot every machine and check its instruction counter and stack gauge
    #[arg(long)]
    smoke: bool,
}

/// Runs everything, or with `--smoke` only the instruments.
pub fn run(options: &Options) -> Result<()> {
    println!("{}", find_qemu()?);
    instruments()?;
    if options.smoke {
        return Ok(());
    }
    Ok(())
}

/// Every machine boots, counts instructions exactly and gauges its stack.
fn instruments() -> Result<()> {
    for machine in machines() {
        let elf = build(machine, Firmware::Generic)?;
        let facts =
            run_elf(machine, &elf, None, Duration::from_secs(60)).context("testing the instruments")?;
        if facts.first("instruments") != Some("ok") || facts.first("machine") != Some(&machine.name) {
            bail!("{} printed:\n{}", machine.name, facts.text());
        }
        println!("{:<12} {:<32} instruments ok", machine.name, machine.core);
    }
    Ok(())
}
