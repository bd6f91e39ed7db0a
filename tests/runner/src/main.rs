//! `ocelli-runner ARTEFACT BACKEND SEED SHIFT RUNS`: runs an artefact on one backend and prints its outputs in hex.
//!
//! Small enough to be cross-built and emulated; `cargo xtask aarch64` compares what it prints, and counts the
//! instructions by which one run more differs.
#![forbid(unsafe_code)]

use std::{env, fs};

use anyhow::{Context, Result, anyhow, bail};
use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact, SeedStream};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [path, backend, seed, shift, runs] = &arguments[..] else {
        bail!("usage: ocelli-runner ARTEFACT BACKEND SEED SHIFT RUNS");
    };
    if !ocelli_kernels::use_backend(backend) {
        let available = ocelli_kernels::available_backends().join(", ");
        bail!("backend {backend:?} does not run here; these do: {available}");
    }
    let bytes = AlignedBytes::copy_of(&fs::read(path).with_context(|| format!("reading {path}"))?);
    let artefact = Artefact::parse(&bytes).map_err(|error| anyhow!("{path}: {error}"))?;
    let schedule =
        artefact.schedule_for("portable").with_context(|| format!("{path}: no portable schedule"))?;
    let mut arena = AlignedBytes::zeros(schedule.arena_bytes as usize);
    let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena)
        .map_err(|error| anyhow!("{path}: {error}"))?;
    for _ in 0..runs.parse::<u32>().context("RUNS is a number")? {
        let mut stream = SeedStream::new(seed.parse()?, shift.parse()?);
        for index in 0..artefact.inputs().len() {
            let input = plan.input(index).unwrap_or_default();
            input.iter_mut().zip(&mut stream).for_each(|(value, byte)| *value = byte);
        }
        plan.infer();
    }
    for index in 0..artefact.outputs().len() {
        let output = plan.output(index).unwrap_or_default();
        println!("{}", output.iter().map(|byte| format!("{:02x}", *byte as u8)).collect::<String>());
    }
    Ok(())
}
