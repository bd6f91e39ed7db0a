//! `ocelli inspect`: what is in an artefact, as a table for people and as JSON for machines.

use std::path::PathBuf;

use comfy_table::Table;
use ocelli_compiler::inspect::{Memory, inspect};
use ocelli_format::{Artefact, TensorId, TensorView};
use serde_json::{Value, json};

use crate::artefact_file::ArtefactFile;
use crate::contracts::{input_json, input_line, output_json, output_line};
use crate::failure::{Failure, Verdict};
use crate::terminal::{self, FAINT, STRONG, say, thousands};

/// Arguments of `ocelli inspect`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The artefact
    model: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what is in the artefact.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let file = ArtefactFile::read(&arguments.model)?;
    let artefact = file.parse()?;
    if arguments.json {
        terminal::print_json(&as_json(&artefact))?;
    } else {
        print(&artefact)?;
    }
    Ok(Verdict::Done)
}

fn as_json(artefact: &Artefact<'_>) -> Value {
    let numbers = inspect(artefact, artefact.bytes().len());
    let tensor = |&id: &TensorId| {
        let view = artefact.tensor(id);
        json!({
            "name": artefact.tensor_name(id),
            "shape": view.shape.axes(),
            "scale": f32::from_bits(view.scale_bits),
            "zero_point": view.zero_point,
        })
    };
    let schedule = |view: ocelli_format::ScheduleView<'_>| json!({ "profile": view.profile, "arena_bytes": view.arena_bytes, "scratch_bytes": view.scratch_bytes });
    json!({
        "name": artefact.name(),
        "version": artefact.version(),
        "answer_id": hexadecimal(&artefact.answer_id()),
        "macs": numbers.macs,
        "weight_bytes": numbers.weight_bytes,
        "artefact_bytes": numbers.artefact_bytes,
        "arena_bytes": numbers.arena_bytes,
        "memory": numbers.memory,
        "operators": numbers.operators,
        "inputs": artefact.inputs().iter().map(tensor).collect::<Vec<_>>(),
        "outputs": artefact.outputs().iter().map(tensor).collect::<Vec<_>>(),
        "input_contracts": artefact.input_contracts().map(|contract| input_json(artefact, &contract)).collect::<Vec<_>>(),
        "output_contracts": artefact.output_contracts().map(|contract| output_json(&contract)).collect::<Vec<_>>(),
        "schedules": artefact.schedules().map(schedule).collect::<Vec<_>>(),
        "self_test": artefact.self_test().map(|test| json!({
            "seed": test.seed, "shift": test.shift, "output_crc32": format!("{:08x}", test.output_crc32),
        })),
        "provenance": artefact.provenance().map(|(key, value)| (key.to_owned(), Value::from(value)))
            .collect::<serde_json::Map<_, _>>(),
        "layers": numbers.layers,
    })
}

fn print(artefact: &Artefact<'_>) -> Result<(), Failure> {
    let numbers = inspect(artefact, artefact.bytes().len());
    let (name, version) = (artefact.name(), artefact.version());
    say!("{STRONG}{}{STRONG:#} {version}", if name.is_empty() { "(no name)" } else { name })?;
    let mut facts = Table::new();
    facts.load_style(comfy_table::presets::NOTHING);
    let mut fact = |key: &str, value: String| {
        facts.add_row([key.to_owned(), value]);
    };
    for (index, &id) in artefact.inputs().iter().enumerate() {
        fact(&format!("input {index}"), shape(&artefact.tensor(id)));
    }
    for contract in artefact.input_contracts() {
        fact("sees", input_line(artefact, &contract));
    }
    for (index, &id) in artefact.outputs().iter().enumerate() {
        fact(&format!("output {index}"), shape(&artefact.tensor(id)));
    }
    for contract in artefact.output_contracts() {
        fact("says", output_line(&contract));
    }
    for schedule in artefact.schedules() {
        let (arena, scratch) = (thousands(schedule.arena_bytes), thousands(schedule.scratch_bytes));
        fact("arena", format!("{arena} bytes on {}, of these {scratch} for scratch alone", schedule.profile));
    }
    fact("memory", memory_line(&numbers.memory));
    fact("artefact", format!("{} bytes", thousands(numbers.artefact_bytes)));
    fact("weights", format!("{} bytes", thousands(numbers.weight_bytes)));
    fact("work", format!("{} multiply-accumulates", thousands(numbers.macs)));
    fact("operators", numbers.operators.join(", "));
    fact("answer id", hexadecimal(&artefact.answer_id()));
    fact("self-test", if artefact.self_test().is_some() { "yes" } else { "no" }.to_owned());
    for (key, value) in artefact.provenance() {
        fact(key, shortened(value));
    }
    say!("{}\n", facts.trim_fmt())?;
    let mut table = terminal::table(&["layer", "operator", "output", "MACs", "weight bytes"], &[3, 4]);
    for layer in numbers.layers {
        let output = axes(&layer.output_shape);
        table.add_row([
            layer.name,
            layer.operator,
            output,
            thousands(layer.macs),
            thousands(layer.weight_bytes),
        ]);
    }
    say!("{table}")?;
    say!("{FAINT}Weights count with their biases, factors and tables.{FAINT:#}")
}

/// Tensors beside the floor, scratch, and what rolls.
pub fn memory_line(memory: &Memory) -> String {
    let floor = if memory.is_floor_exact { "floor" } else { "lowest peak found" };
    let mut line = format!(
        "{} bytes of tensors ({floor} of whole ones: {}), {} of scratch",
        thousands(memory.tensor_bytes),
        thousands(memory.floor_bytes),
        thousands(memory.scratch_bytes)
    );
    if memory.row_groups > 0 {
        let streamed = if memory.streams_input { ", input streamed" } else { "" };
        let (groups, extra) = (memory.row_groups, thousands(memory.extra_macs));
        line += &format!("; {groups} row groups{streamed}, {extra} extra multiply-accumulates");
    }
    line
}

/// A value of the provenance, cut where it would fill the screen; JSON has it whole.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 120;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ... ({} characters)", &value[..end], value.chars().count()),
        None => value.to_owned(),
    }
}

fn axes(axes: &[u32]) -> String {
    axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

fn shape(tensor: &TensorView<'_>) -> String {
    let scale = f32::from_bits(tensor.scale_bits);
    format!("{} of scale {scale:.6}, zero point {}", axes(tensor.shape.axes()), tensor.zero_point)
}

/// Bytes as text.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
