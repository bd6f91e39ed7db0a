//! `cargo xtask bench-host`: time of one inference on this machine, beside other engines in the same run, and the share
//! of each stage from a camera's frame to the answer.
//!
//! Ours is measured by criterion (`tests/benches/engine.rs`), theirs by `tests/benches/peers.py`, in turn and several
//! times over, so that a machine whose speed drifts is fair to both; the least median of each counts. Other engines
//! come from PyPI into an environment of their own; without Python or a network, ours stand alone.

mod stages;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_simulator::{repository, target_directory};
use serde::Deserialize;

use crate::golden::{self, Model};
use crate::{command, python};

/// What to measure.
#[derive(Args)]
pub struct Options {
    /// How often the engines take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Files of the same models as quantized ONNX, for onnxruntime, named <model>_qdq.onnx
    #[arg(long, value_name = "FOLDER")]
    onnx: Option<PathBuf>,
}

/// Median microseconds by engine, for one model.
type Times = BTreeMap<String, f64>;

/// Prints the table.
pub fn run(options: &Options) -> Result<()> {
    let models = golden::models()?;
    if models.is_empty() {
        return Ok(());
    }
    let python = match python::environment("peers", "tests/benches/peers.txt") {
        Ok(python) => Some(python),
        Err(error) => {
            println!("skipped: other engines ({error:#})");
            None
        }
    };
    let mut times: Vec<Times> = vec![Times::new(); models.len()];
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        ours(&models, &mut times)?;
        if let Some(python) = &python {
            theirs(python, &models, options, &mut times)?;
        }
    }
    print(&models, &times);
    stages::run(&models)?;
    through_tract(&models, &times)
}

/// Keeps the lesser of two times.
fn keep(times: &mut Times, engine: &str, time_us: f64) {
    let kept = times.entry(engine.to_owned()).or_insert(time_us);
    *kept = kept.min(time_us);
}

/// Criterion's estimates, which it leaves in files.
fn ours(models: &[Model], times: &mut [Times]) -> Result<()> {
    let results = target_directory()?.join("criterion");
    let folder = models[0].path.parent().context("an artefact lies in a folder")?;
    let mut cargo = command::cargo(["bench", "--quiet", "--package", "ocelli-tests", "--bench", "engine"])?;
    // Where the estimates go, wherever the build goes.
    cargo.env("OCELLI_BENCH_MODELS", folder).env("CRITERION_HOME", &results);
    cargo.args(["--", "--warm-up-time", "0.2", "--measurement-time", "1", "--noplot"]);
    cargo.stdout(std::process::Stdio::null());
    command::run(&mut cargo)?;
    for (model, times) in models.iter().zip(times) {
        let stem = model.path.file_stem().unwrap_or_default();
        for backend in fs::read_dir(results.join(stem)).context("reading criterion's results")? {
            let backend = backend?;
            let path = backend.path().join("new/estimates.json");
            if path.exists() {
                let estimates: Estimates = serde_json::from_str(&fs::read_to_string(&path)?)?;
                let name = backend.file_name().to_string_lossy().into_owned();
                keep(times, &name, estimates.median.point_estimate / 1000.0);
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    /// Nanoseconds.
    point_estimate: f64,
}

/// What the script prints of LiteRT, and of onnxruntime where there are ONNX files.
fn theirs(python: &Path, models: &[Model], options: &Options, times: &mut [Times]) -> Result<()> {
    for (model, times) in models.iter().zip(times) {
        let stem = model.path.file_stem().unwrap_or_default().to_string_lossy();
        let folders = [model.source.parent().map(Path::to_owned), options.onnx.clone()];
        let onnx = folders.into_iter().flatten().map(|folder| folder.join(format!("{stem}_qdq.onnx")));
        let mut script = Command::new(python);
        script.arg(repository()?.join("tests/benches/peers.py")).arg(&model.source);
        let output = script.args(onnx.filter(|path| path.exists())).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("tests/benches/peers.py failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        for line in text.lines() {
            if let [_, engine, time_us] = line.split('\t').collect::<Vec<_>>()[..] {
                keep(times, engine, time_us.parse().context("reading what peers.py prints")?);
            }
        }
    }
    Ok(())
}

/// The engine through tract may take so much longer than called directly: a share, or microseconds.
const MOST_THROUGH_TRACT: (f64, f64) = (0.03, 5.0);

/// What tract adds around the engine; fails where it is more than it may be.
fn through_tract(models: &[Model], times: &[Times]) -> Result<()> {
    println!("what tract adds to the engine, which is one operator of it");
    let (share, microseconds) = MOST_THROUGH_TRACT;
    let mut slow = Vec::new();
    for (model, times) in models.iter().zip(times) {
        let time = |engine: &str| times.get(engine).copied().with_context(|| format!("no time of {engine}"));
        let (direct, through) = (time(ocelli_kernels::available_backends()[0])?, time("through tract")?);
        let (more, title) = (through - direct, &model.peer.title);
        println!("  {title:<30} {more:>6.2} microseconds, {:>5.1} %", 100.0 * more / direct);
        if more > microseconds.max(share * direct) {
            slow.push(title.as_str());
        }
    }
    if !slow.is_empty() {
        bail!("through tract these take more than {microseconds} microseconds or {share} longer: {slow:?}");
    }
    Ok(())
}

/// Microseconds, and how many times as long as ours another engine takes.
fn print(models: &[Model], times: &[Times]) {
    println!("median microseconds of one inference on one thread; in brackets: times our best backend's");
    for (model, times) in models.iter().zip(times) {
        println!("{}", model.peer.title);
        let best = ocelli_kernels::available_backends()[0];
        let ours = times.get(best).copied().unwrap_or(f64::NAN);
        for (engine, time_us) in times {
            println!("  {engine:<24} {time_us:>9.1}  ({:.2})", time_us / ours);
        }
    }
}
