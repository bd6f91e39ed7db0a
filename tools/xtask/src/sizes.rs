//! `cargo xtask sizes`: RAM and flash by model, against TFLite Micro and against the boards' budgets.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ocelli_format::ScheduleView;
use ocelli_simulator::{Firmware, Machine, build, find_qemu, machines, run_elf};

use crate::golden::{self, Budget, Memory, Model, Striped};
use ocelli_simulator::elf::{Footprint, footprint};

/// Prints all tables; fails when anything is larger than it may be.
pub fn run() -> Result<()> {
    let mut too_large = Vec::new();
    let models = golden::models()?;
    memory(&models, &mut too_large);
    firmware(&mut too_large)?;
    code(&models, &mut too_large)?;
    if !too_large.is_empty() {
        bail!("{}", too_large.join("\n"));
    }
    Ok(())
}

/// What a firmware for an image model may take of flash besides the model, on Cortex-M4F, on the reference and with kernels in
/// assembly.
const CODE_BUDGET_BYTES: u64 = 24 * 1024;

/// The machine on which code is measured.
const CODE_MACHINE: &str = "mps2-an386";

/// The generic firmware of every board within its budget.
fn firmware(too_large: &mut Vec<String>) -> Result<()> {
    println!("{:<12} {:>10} {:>10} {:>10} {:>10}", "firmware", "flash", "budget", "RAM", "budget");
    for machine in machines() {
        let Footprint { flash_bytes, ram_bytes, .. } = footprint(&build(machine, Firmware::Generic)?)?;
        let (ram_bytes, budget) = (ram_bytes + machine.budget.stack_bytes, &machine.budget);
        println!(
            "{:<12} {flash_bytes:>10} {:>10} {ram_bytes:>10} {:>10}",
            machine.name, budget.flash_bytes, budget.ram_bytes
        );
        limit(too_large, &machine.name, "flash", flash_bytes, budget.flash_bytes);
        limit(too_large, &machine.name, "RAM and stack", ram_bytes, budget.ram_bytes);
    }
    println!();
    Ok(())
}

/// Every golden model's tensors beside their floor, scratch, and both under budgets of RAM.
fn memory(models: &[Model], too_large: &mut Vec<String>) {
    if models.is_empty() {
        return;
    }
    println!(
        "{:<30} {:>9} {:>8} {:>8} {:>8} {:>8} {:>10}",
        "memory", "floor", "tensors", "scratch", "arena", "budget", "extra MACs"
    );
    for Model { peer, memory, striped, .. } in models {
        let row = |title: &str, memory: &Memory, budget: String| {
            let floor = format!("{}{}", if memory.is_floor_exact { "" } else { "<=" }, memory.floor_bytes);
            println!(
                "{title:<30} {floor:>9} {:>8} {:>8} {:>8} {budget:>8} {:>10}",
                memory.tensor_bytes,
                memory.scratch_bytes,
                memory.arena_bytes(),
                memory.extra_macs
            );
        };
        row(&peer.title, memory, "-".to_owned());
        limit(
            too_large,
            &peer.title,
            "memory for tensors",
            memory.tensor_bytes,
            most_above(memory.floor_bytes),
        );
        for Striped { budget, memory, .. } in striped {
            row(budget_title(budget), memory, budget.ram_bytes.to_string());
            limit(too_large, &peer.title, "striped arena", memory.arena_bytes(), budget.ram_bytes);
        }
    }
    println!();
}

/// What a plan may need where its floor is so much: 2 % more.
fn most_above(floor_bytes: u64) -> u64 {
    floor_bytes + floor_bytes / 50
}

/// How a budget is kept.
pub fn budget_title(budget: &Budget) -> &'static str {
    if budget.streams_input { "  striped, input streamed" } else { "  striped" }
}

/// Every golden model's code.
fn code(models: &[Model], too_large: &mut Vec<String>) -> Result<()> {
    if models.is_empty() {
        return Ok(());
    }
    let machine = Machine::named(CODE_MACHINE)?;
    println!(
        "{:<30} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>9}",
        "model", "arena", "TFLM", "artefact", "code", "budget", "TFLM", "fast"
    );
    for model in models {
        let peer = model.peer.on(CODE_MACHINE).context("tests/peers.toml lacks a machine")?;
        let (arena_bytes, code_bytes) = fixed_firmware(machine, model, false)?;
        let (_, fast_code_bytes) = fixed_firmware(machine, model, true)?;
        let (title, artefact_bytes) = (&model.peer.title, model.artefact.len());
        let budget = if model.peer.image { CODE_BUDGET_BYTES.to_string() } else { "-".to_owned() };
        println!(
            "{title:<30} {arena_bytes:>8} {:>8} {artefact_bytes:>10} {code_bytes:>8} {budget:>8} {:>8} {fast_code_bytes:>9}",
            peer.arena_bytes, peer.code_bytes
        );
        limit(too_large, title, "arena", arena_bytes, peer.arena_bytes);
        if model.peer.image {
            limit(too_large, title, "code", code_bytes, CODE_BUDGET_BYTES);
            limit(too_large, title, "code with kernels in assembly", fast_code_bytes, CODE_BUDGET_BYTES);
        }
    }
    Ok(())
}

/// Arena and code bytes of the firmware that carries one model, which has run and passed its self-test; `fast`
/// with kernels in assembly.
pub fn fixed_firmware(machine: &Machine, model: &Model, fast: bool) -> Result<(u64, u64)> {
    let artefact = &model.device_file(if fast { &machine.schedule } else { ScheduleView::PORTABLE })?;
    let elf = build(machine, Firmware::Fixed { artefact, fast })?;
    find_qemu()?;
    let title = &model.peer.title;
    run_elf(machine, &elf, None, Duration::from_secs(600))
        .with_context(|| format!("{title} in its own firmware"))?;
    let Footprint { code_bytes, ram_bytes, .. } = footprint(&elf)?;
    let code_bytes =
        code_bytes.checked_sub(fs::metadata(artefact)?.len()).context("the firmware lacks the model")?;
    // The arena is the only variable of this firmware; what is left is alignment.
    Ok((ram_bytes, code_bytes))
}

fn limit(too_large: &mut Vec<String>, name: &str, what: &str, bytes: u64, limit: u64) {
    if bytes > limit {
        too_large.push(format!("{name}: {what} takes {bytes} bytes, {limit} are allowed"));
    }
}
