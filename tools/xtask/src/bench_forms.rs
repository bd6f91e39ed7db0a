//! `cargo xtask bench-forms`: what weights cost in each of their forms, layer by layer, on Cortex-M4F.
//!
//! Each layer runs with weights of every pattern, dense on our fastest kernels and in the forms that suit it, and
//! all outputs of a pattern must be equal. The compiler's table of costs comes from these counts. Before them stands
//! LeNet-300-100 as Deep Compression leaves it, in codes.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_format::model::Model;
use ocelli_format::{AlignedBytes, Artefact, ScheduleView, Storage, strip, write};
use ocelli_samples::{
    FORMS, LENET_300_100_PARAMETERS, Layer, Pattern, coded, forms_of, lenet_300_100, with_self_test,
};
use ocelli_simulator::{Firmware, Input, Job, Machine, Run, build, find_qemu, run_elf};
use serde_json::json;

/// How to tell.
#[derive(Args)]
pub struct Options {
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// The machine on which costs are counted.
const MACHINE: &str = "mps2-an386";

/// How many times fewer instructions runs of four must take than dense weights, three quarters of them 0.
const LEAST_GAIN: f64 = 1.8;

/// In layers with so many weights a row and in all; in smaller ones, what surrounds the loops takes the most.
const LEAST_ROW: u32 = 64;
const LEAST_WORK: u32 = 1 << 16;

/// The layers of ResNet-8, of a MobileNet of 96 pixels, of the autoencoder and of LeNet-300-100.
const LAYERS: [Layer; 11] = [
    conv([32, 32, 16], 3, 16),
    conv([16, 16, 32], 3, 32),
    conv([8, 8, 64], 3, 64),
    conv([16, 16, 16], 1, 32),
    conv([24, 24, 32], 1, 32),
    conv([12, 12, 64], 1, 64),
    conv([6, 6, 128], 1, 128),
    conv([3, 3, 256], 1, 256),
    fully_connected(640, 128),
    fully_connected(784, 300),
    fully_connected(300, 100),
];

const fn conv(input: [u32; 3], filter: u16, channels: u32) -> Layer {
    Layer { input, filter: Some(filter), channels }
}

const fn fully_connected(depth: u32, channels: u32) -> Layer {
    Layer { input: [1, 1, depth], filter: None, channels }
}

/// Runs every layer in every form, and fails where outputs differ or runs of four gain too little.
pub fn run(options: &Options) -> Result<()> {
    find_qemu()?;
    let machine = Machine::named(MACHINE)?;
    let elf = build(machine, Firmware::Generic)?;
    let mut failures = Vec::new();
    failures.extend(net(options, machine, &elf)?);
    if !options.json {
        print_headings();
    }
    for layer in &LAYERS {
        let title = title(layer);
        let bytes = AlignedBytes::copy_of(&write(&forms_of(&title, &[*layer]))?);
        let inputs: Vec<u8> = ocelli_format::SeedStream::new(5, 0)
            .take(layer.input.iter().product::<u32>() as usize)
            .map(|value| value as u8)
            .collect();
        let job = Job { artefact: &bytes, input: Input::Tensors(&inputs), steps: true };
        let run = Run::read(&machine.name, &run_elf(machine, &elf, Some(&job), LIMIT)?)?;
        let artefact = Artefact::parse(&bytes)?;
        let weight_bytes = |step: usize| {
            let weights = artefact.tensor(artefact.operator(step as u16).input(1));
            weights.data().map_or(0, <[u8]>::len)
        };
        for (step, (pattern, storage)) in FORMS.iter().enumerate() {
            let dense = dense_step(*pattern);
            if run.steps[step].crc32 != run.steps[dense].crc32 {
                bail!("{title}, {pattern:?} as {storage}: the output is not that of dense weights");
            }
            let (instructions, bytes) = (run.steps[step].instructions, weight_bytes(step));
            let gain = run.steps[dense].instructions as f64 / instructions as f64;
            let is_judged =
                (*pattern, *storage) == (Pattern::QuarterOfRuns, Storage::Blocks) && is_large(layer);
            if is_judged && gain < LEAST_GAIN {
                failures.push(format!("{title}: runs of four take {gain:.2} times fewer instructions"));
            }
            let ratio = weight_bytes(dense) as f64 / bytes as f64;
            let (pattern, form) = (format!("{pattern:?}"), storage.to_string());
            if options.json {
                let row = json!({ "layer": title, "weights": pattern, "form": form, "bytes": bytes,
                    "instructions": instructions, "gain": gain });
                println!("{row}");
            } else {
                println!(
                    "{title:<24} {pattern:<14} {form:<7} {bytes:>8} {ratio:>6.2} {instructions:>12} {gain:>6.2}"
                );
            }
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        bail!("{}\n{LEAST_GAIN} times is the least", failures.join("\n"))
    }
}

/// Runs LeNet-300-100 with dense weights and in codes; what is larger than it may be.
fn net(options: &Options, machine: &Machine, elf: &Path) -> Result<Option<String>> {
    let (model, name) = (lenet_300_100(), "LeNet-300-100");
    let run = |model: Model| -> Result<(usize, Run)> {
        let stripped = strip(&model, ScheduleView::PORTABLE).context("a sample has a portable schedule")?;
        let artefact = with_self_test(stripped);
        let job = Job { artefact: &artefact, input: Input::Seed { seed: 5, shift: 0 }, steps: false };
        Ok((artefact.len(), Run::read(&machine.name, &run_elf(machine, elf, Some(&job), LIMIT)?)?))
    };
    let ((_, dense), (bytes, run)) = (run(model.clone())?, run(coded(model))?);
    if run.output_hex != dense.output_hex {
        bail!("{name} in codes: the output is not that of dense weights");
    }
    let ratio = (4 * LENET_300_100_PARAMETERS) as f64 / bytes as f64;
    let (arena_bytes, instructions) = (run.arena_bytes, run.instructions.infer);
    if options.json {
        let row = json!({ "net": name, "bytes": bytes, "under_float": ratio, "arena_bytes": arena_bytes,
            "instructions": instructions });
        println!("{row}");
    } else {
        println!(
            "{name} in codes: {bytes} bytes, {ratio:.1} times under float weights; arena {arena_bytes} bytes, {instructions} instructions"
        );
    }
    let is_larger = arena_bytes > MOST_ARENA_BYTES;
    Ok(is_larger.then(|| format!("{name}: {arena_bytes} bytes of arena, {MOST_ARENA_BYTES} are allowed")))
}

/// Arena and scratch of LeNet-300-100.
const MOST_ARENA_BYTES: u64 = 8 * 1024;

/// Longer than any layer takes on a slow host.
const LIMIT: Duration = Duration::from_secs(600);

/// The step of a pattern's dense weights.
fn dense_step(pattern: Pattern) -> usize {
    FORMS.iter().position(|form| *form == (pattern, Storage::Dense)).unwrap_or(0)
}

/// Whether a layer has [`LEAST_ROW`] weights a row and [`LEAST_WORK`] multiply-accumulates.
fn is_large(layer: &Layer) -> bool {
    let [height, width, depth] = layer.input;
    let pixels = height * width;
    let (row, positions) =
        layer.filter.map_or((pixels * depth, 1), |filter| (u32::from(filter).pow(2) * depth, pixels));
    row >= LEAST_ROW && row * layer.channels * positions >= LEAST_WORK
}

fn title(layer: &Layer) -> String {
    let Layer { input: [height, width, depth], filter, channels } = layer;
    match filter {
        Some(filter) => format!("{filter}x{filter} {height}x{width}x{depth} to {channels}"),
        None => format!("connected {depth} to {channels}"),
    }
}

fn print_headings() {
    println!(
        "On {MACHINE}: weights of a layer by pattern and form, in bytes and times fewer than dense; instructions"
    );
    println!("of the layer, and times fewer than with dense weights on the fast kernels.");
    println!(
        "{:<24} {:<14} {:<7} {:>8} {:>6} {:>12} {:>6}",
        "layer", "weights", "form", "bytes", "fewer", "instructions", "fewer"
    );
}
