//! `cargo xtask qemu`: models on the host and on five emulated Cortex-M, byte by byte.
//!
//! First every machine checks its own instruments and its kernels against the oracle, then a simulated camera interrupts the
//! programs that boards run, small sample models run with frames of every pixel format, then the repository's own models, and
//! others, where they are, against TFLite Micro's outputs.

mod camera;

mod golden;

mod models;

pub mod samples;

mod slots;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_simulator::{Firmware, Job, Machine, Run, build, find_qemu, machines, run_elf};

/// What to run.
#[derive(Args, Default)]
pub struct Options {
    /// Only boot every machine and check its instruction counter and stack gauge
    #[arg(long)]
    smoke: bool,
    /// Only push models into an emulated device's slots
    #[arg(long, conflicts_with = "smoke")]
    slots: bool,
    /// Only run `camera-check` and `detect` over the simulated camera, on Cortex-M4F for 10,000 frames
    #[arg(long, conflicts_with = "smoke")]
    camera: bool,
    /// Only compare every machine's kernels with the oracle, and its tracker with the host's
    #[arg(long, conflicts_with = "smoke")]
    kernels: bool,
}

/// A machine with its firmware.
pub struct Target {
    machine: &'static Machine,
    elf: PathBuf,
}

impl Target {
    /// Runs a job.
    fn run(&self, job: &Job<'_>) -> Result<Run> {
        let facts = run_elf(self.machine, &self.elf, Some(job), LIMIT)?;
        Ok(Run::read(&self.machine.name, &facts)?)
    }
}

/// Runs everything, or with `--smoke` only the instruments.
pub fn run(options: &Options) -> Result<()> {
    println!("{}", find_qemu()?);
    if options.camera {
        return camera::run(true);
    }
    if options.slots {
        return slots::run();
    }
    if options.kernels {
        return kernels();
    }
    let targets = targets()?;
    instruments(&targets)?;
    if options.smoke {
        return Ok(());
    }
    kernels()?;
    camera::run(false)?;
    samples::run(&targets)?;
    models::run(&targets)?;
    slots::run()?;
    golden::run(&targets)
}

/// Longer than any model takes on a slow host.
const LIMIT: Duration = Duration::from_secs(600);

/// Builds the firmware of every machine.
fn targets() -> Result<Vec<Target>> {
    let with_elf = |machine| Ok(Target { machine, elf: build(machine, Firmware::Generic)? });
    machines().iter().map(with_elf).collect()
}

/// Every machine boots, counts instructions exactly and gauges its stack.
fn instruments(targets: &[Target]) -> Result<()> {
    for Target { machine, elf } in targets {
        let facts = run_elf(machine, elf, None, LIMIT).context("testing the instruments")?;
        if facts.first("instruments") != Some("ok") || facts.first("machine") != Some(&machine.name) {
            bail!("{} printed:\n{}", machine.name, facts.text());
        }
        println!("{:<12} {:<32} instruments ok", machine.name, machine.core);
    }
    Ok(())
}

/// On every machine the backend of its core gives the oracle's answers, and the tracker the host's.
fn kernels() -> Result<()> {
    let run = |machine: &&'static Machine| {
        let facts = run_elf(machine, &build(machine, Firmware::Kernels)?, None, LIMIT)?;
        let fact = |key| facts.first(key).unwrap_or_default().to_owned();
        let cases: Vec<_> = facts.all("cases").map(str::to_owned).collect();
        Ok((fact("backend"), cases, fact("tracks")))
    };
    let machines: Vec<_> = machines().iter().collect();
    for (machine, (backend, cases, tracks)) in machines.iter().zip(in_parallel(&machines, run)?) {
        let counts = cases.iter().filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok());
        let total: u32 = counts.sum();
        if total == 0 || tracks.is_empty() {
            bail!("{} tried no kernel, or not the tracker", machine.name);
        }
        println!(
            "{:<12} {backend:<10} equals the oracle in {total} cases: {}",
            machine.name,
            cases.join(", ")
        );
        println!("{:<12} {:<10} the tracker's scenario has the host's hash: {tracks}", machine.name, "");
    }
    Ok(())
}

/// Does `work` for every item, on as many threads as there are processors; results in order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<(usize, Result<R>)> = thread::scope(|scope| {
        let start = |first: usize| {
            let work = &work;
            let mine = items.iter().enumerate().skip(first).step_by(threads);
            scope.spawn(move || mine.map(|(index, item)| (index, work(item))).collect::<Vec<_>>())
        };
        let handles: Vec<_> = (0..threads).map(start).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a worker does not panic")).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
