//! The programs that boards run, over a camera whose interrupt fires while the model runs.

use anyhow::{Context, Result, bail};
use ocelli_simulator::{Firmware, Input, Job, Machine, build, machines, run_elf};

use super::{LIMIT, in_parallel};

/// Frames through `detect` on every machine.
const FRAMES: u32 = 2_000;

/// On Cortex-M4F when there is more time.
const MANY_FRAMES: u32 = 10_000;

/// On every machine no frame is torn, and every lost one is counted under its cause.
pub fn run(takes_time: bool) -> Result<()> {
    let [(_, artefact), ..] = ocelli_samples::artefacts();
    let watch = |machine: &&'static Machine| {
        let elf = build(machine, Firmware::Camera)?;
        let frames = if takes_time && machine.name == "mps2-an386" { MANY_FRAMES } else { FRAMES };
        let job = Job { artefact: &artefact, input: Input::Seed { seed: frames, shift: 0 }, steps: false };
        run_elf(machine, &elf, Some(&job), LIMIT).with_context(|| format!("{}: camera", machine.name))
    };
    let machines: Vec<_> = machines().iter().collect();
    for (machine, facts) in machines.iter().zip(in_parallel(&machines, watch)?) {
        // `camera-check` tells some of it before.
        let fact = |key| facts.all(key).last().unwrap_or("?");
        if fact("torn") != "0" || facts.first("done").is_none() {
            bail!("{} printed:\n{}", machine.name, facts.text());
        }
        println!(
            "{:<12} camera: {} frames begun, {} delivered, {} torn, {} dropped, {} truncated, {} overrun, {} bus, \
             {} timeout, all counted exactly; {} interrupts during inference; test pattern {}",
            machine.name,
            fact("begun"),
            fact("delivered"),
            fact("torn"),
            fact("dropped"),
            fact("truncated"),
            fact("overrun"),
            fact("bus"),
            fact("timeout"),
            fact("interrupts_during_inference"),
            fact("test_pattern")
        );
    }
    Ok(())
}
