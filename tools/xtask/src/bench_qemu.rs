//! `cargo xtask bench-qemu`: what one inference of each golden model takes on each core, beside TFLite Micro and against
//! the committed baseline.
//!
//! `docs/benchmarks.md` says how to read it. Counts are the same in every run, so a figure that grows has a cause.

mod accesses;

mod baseline;

mod pixels;

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use ocelli_simulator::{Firmware, Input, Job, Machine, Run, build, find_qemu, machines, run_elf};
use serde::{Deserialize, Serialize};

use crate::golden::{self, Model};
use crate::sizes::fixed_firmware;
use accesses::Counter;

/// How to tell, and what to compare with.
#[derive(Args)]
pub struct Options {
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Make what was measured the new baseline
    #[arg(long)]
    bless: bool,
    /// Measure on these machines only, for example mps2-an386; all of them otherwise
    #[arg(long, value_name = "MACHINE", value_delimiter = ',')]
    on: Vec<String>,
    /// Only print what the way from pixels to tensors takes, for every camera format, on Cortex-M4F
    #[arg(long, conflicts_with_all = ["json", "bless", "on"])]
    pixels: bool,
}

/// What one inference takes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Row {
    /// The model's file.
    model: String,
    /// The core, as `board.toml` calls it.
    core: String,
    /// Executed instructions.
    instructions: u64,
    /// Instructions for each multiply-accumulate.
    per_mac: f64,
    /// Tensors and scratch.
    arena_bytes: u64,
    /// The deepest stack of the inference.
    stack_bytes: u64,
    /// Code and constants of a firmware for this model alone, without the model.
    code_bytes: u64,
    /// Instructions of TFLite Micro, if they were measured on this core, are 1.
    ratio: Option<f64>,
    /// Loaded elements of data: bytes, halfwords or words.
    loads: Option<u64>,
    /// Stored elements.
    stores: Option<u64>,
}

/// Measures everything, tells it, and compares.
pub fn run(options: &Options) -> Result<()> {
    if options.pixels {
        return pixels::run();
    }
    let models = golden::models()?;
    if models.is_empty() {
        return Ok(());
    }
    find_qemu()?;
    let machines: Vec<&Machine> = match options.on[..] {
        [] => machines().iter().collect(),
        _ => options.on.iter().map(|name| Machine::named(name)).collect::<Result<_, _>>()?,
    };
    let rows = measure(&models, &machines)?;
    if options.json {
        for row in &rows {
            println!("{}", serde_json::to_string(row)?);
        }
    } else {
        print_table(&models, &rows);
    }
    if options.bless { baseline::write(&rows) } else { baseline::compare(&rows) }
}

/// Longer than any model takes on a slow host.
const LIMIT: Duration = Duration::from_secs(600);

/// All models on some machines.
fn measure(models: &[Model], machines: &[&Machine]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for machine in machines {
        let elf = build(machine, Firmware::Generic)?;
        let counter = Counter::new(&elf)?;
        for model in models {
            let case = &model.cases[0];
            let input = Input::Seed { seed: case.seed, shift: case.shift };
            let job = Job { artefact: &model.artefact, input, steps: false };
            let run = Run::read(&machine.name, &run_elf(machine, &elf, Some(&job), LIMIT)?)?;
            if run.output_hex.concat() != case.output_hex {
                bail!("{} on {}: outputs are not TFLite Micro's", model.file, machine.name);
            }
            let accesses = counter.as_ref().map(|counter| counter.run(machine, &job, LIMIT)).transpose()?;
            let (_, code_bytes) = fixed_firmware(machine, model, true)?;
            rows.push(row(machine, model, &run, code_bytes, accesses));
        }
    }
    Ok(rows)
}

fn row(machine: &Machine, model: &Model, run: &Run, code_bytes: u64, accesses: Option<[u64; 2]>) -> Row {
    let instructions = run.instructions.infer;
    let in_thousandths = |value: f64| (value * 1000.0).round() / 1000.0;
    let ratio_to = |whole: u64| in_thousandths(instructions as f64 / whole as f64);
    Row {
        model: model.file.clone(),
        core: machine.core.clone(),
        instructions,
        per_mac: ratio_to(model.macs),
        arena_bytes: run.arena_bytes,
        stack_bytes: run.infer_stack_bytes,
        code_bytes,
        ratio: model.peer.on(&machine.name).map(|peer| ratio_to(peer.instructions)),
        loads: accesses.map(|[loads, _]| loads),
        stores: accesses.map(|[_, stores]| stores),
    }
}

fn print_table(models: &[Model], rows: &[Row]) {
    println!(
        "{:<30} {:<30} {:>12} {:>7} {:>6} {:>11} {:>11} {:>7} {:>6} {:>7}",
        "model", "core", "instructions", "per MAC", "TFLM", "loads", "stores", "arena", "stack", "code"
    );
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    for row in rows {
        let title = models.iter().find(|model| model.file == row.model).map_or("", |model| &model.peer.title);
        println!(
            "{title:<30} {:<30} {:>12} {:>7.3} {:>6} {:>11} {:>11} {:>7} {:>6} {:>7}",
            row.core,
            row.instructions,
            row.per_mac,
            or_dash(row.ratio.map(|ratio| format!("{ratio:.3}"))),
            or_dash(row.loads.map(|loads| loads.to_string())),
            or_dash(row.stores.map(|stores| stores.to_string())),
            row.arena_bytes,
            row.stack_bytes,
            row.code_bytes
        );
    }
}
