//! `ocelli inspect`: what is in an artefact, as a table for people and as JSON for machines.

use std::path::PathBuf;

use comfy_table::Table;
use ocelli_compiler::inspect::{Inspection, Layer, Memory, inspect};
use ocelli_format::{Artefact, TensorId, TensorView};
use serde_json::{Value, json};

use crate::artefact_file::ArtefactFile;
use crate::commands::simulate::machine_names;
use crate::contracts::{input_json, input_line, output_json, output_line};
use crate::failure::{Failure, Verdict};
use crate::instructions::Instructions;
use crate::terminal::{self, FAINT, STRONG, say, thousands};

/// Arguments of `ocelli inspect`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The artefact
    model: PathBuf,
    /// Also count each layer's instructions on one of QEMU's machines
    #[arg(long, value_name = "MACHINE", value_parser = machine_names())]
    on: Option<String>,
    /// How long the emulated run may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what is in the artefact.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let file = ArtefactFile::read(&arguments.model)?;
    let artefact = file.parse()?;
    let inspection = inspect(&artefact, artefact.bytes().len());
    let instructions = match &arguments.on {
        Some(machine) => Some(Instructions::count(&file, &artefact, machine, arguments.limit)?),
        None => None,
    };
    if arguments.json {
        terminal::print_json(&as_json(&artefact, &inspection, instructions.as_ref()))?;
    } else {
        print(&artefact, &inspection)?;
        print_layers(&inspection, instructions.as_ref())?;
    }
    Ok(Verdict::Done)
}

fn as_json(artefact: &Artefact<'_>, numbers: &Inspection, instructions: Option<&Instructions>) -> Value {
    let mut layers = json!(numbers.layers);
    if let Some(instructions) = instructions {
        for (index, layer) in numbers.layers.iter().enumerate() {
            layers[index]["instructions"] = json!(instructions.of(index));
            layers[index]["instructions_per_mac"] = json!(instructions.per_mac(index, &numbers.layers));
            layers[index]["counted_with"] = json!(instructions.counted_with(index, &numbers.layers));
            debug_assert_eq!(layers[index]["name"], layer.name);
        }
    }
    let tensor = |&id: &TensorId| {
        let view = artefact.tensor(id);
        json!({
            "name": artefact.tensor_name(id),
            "shape": view.axes(),
            "scale": f32::from_bits(view.scale_bits()),
            "zero_point": view.zero_point(),
        })
    };
    let schedule = |view: ocelli_format::ScheduleView<'_>| json!({ "profile": view.profile(), "arena_bytes": view.arena_bytes, "scratch_bytes": view.scratch_bytes });
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
        "machine": instructions.map(|instructions| instructions.machine.name.clone()),
        "steps": numbers.steps,
        "layers": layers,
        "blocks": numbers.blocks,
    })
}

fn print(artefact: &Artefact<'_>, numbers: &Inspection) -> Result<(), Failure> {
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
        fact(
            "arena",
            format!("{arena} bytes on {}, of these {scratch} for scratch alone", schedule.profile()),
        );
    }
    fact("memory", memory_line(&numbers.memory));
    fact("artefact", format!("{} bytes", thousands(numbers.artefact_bytes)));
    fact("weights", format!("{} bytes", thousands(numbers.weight_bytes)));
    fact("work", format!("{} multiply-accumulates", thousands(numbers.macs)));
    fact("operators", numbers.operators.join(", "));
    fact("answer id", hexadecimal(&artefact.answer_id()));
    fact("self-test", if artefact.self_test().is_some() { "yes" } else { "no" }.to_owned());
    for (key, value) in artefact.provenance() {
        fact(key, terminal::cut(value));
    }
    say!("{}\n", facts.trim_fmt())
}

fn print_layers(numbers: &Inspection, instructions: Option<&Instructions>) -> Result<(), Failure> {
    let mut headings =
        vec!["layer", "operator", "output", "MACs", "weights", "result", "scratch", "scale", "zero"];
    if let Some(instructions) = instructions {
        headings.extend([instructions.machine.name.as_str(), "per MAC"]);
    }
    headings.push("plan");
    let has_forms = numbers.layers.iter().any(|layer| layer.form != "Dense");
    if has_forms {
        headings.splice(5..5, ["dense", "form"]);
    }
    let mut table = terminal::table(&headings, &(3..headings.len() - 1).collect::<Vec<_>>());
    for (index, layer) in numbers.layers.iter().enumerate() {
        let mut row = vec![
            terminal::shortened(&layer.name),
            layer.operator.clone(),
            axes(&layer.output_shape),
            thousands(layer.macs),
            thousands(layer.weight_bytes),
            thousands(layer.activation_bytes),
            thousands(layer.scratch_bytes),
            format!("{:.6}", layer.scale),
            layer.zero_point.to_string(),
        ];
        if has_forms {
            row.splice(5..5, [thousands(layer.dense_bytes), layer.form.clone()]);
        }
        if let Some(instructions) = instructions {
            row.push(instructions.of(index).map_or_else(|| "with the last".to_owned(), thousands));
            let per_mac = instructions.per_mac(index, &numbers.layers);
            row.push(per_mac.map_or_else(String::new, |per_mac| format!("{per_mac:.2}")));
        }
        row.push(plan_text(layer));
        table.add_row(row);
    }
    say!("{table}")?;
    let mut notes = "Weights count with their biases, factors and tables; all sizes in bytes.".to_owned();
    if let Some(instructions) = instructions {
        let total = instructions.total();
        let per_mac = total as f64 / numbers.macs.max(1) as f64;
        notes.push_str(&format!(
            " {} instructions in all, {per_mac:.2} for a multiply-accumulate, on pseudo-random input.",
            thousands(total)
        ));
    }
    say!("{FAINT}{notes}{FAINT:#}")
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

/// What the memory plan does with a layer.
pub fn plan_text(layer: &Layer) -> String {
    match (layer.rolls, layer.rows_kept, layer.in_place) {
        (true, Some(1), _) => "rolls, 1 row kept".to_owned(),
        (true, Some(rows), _) => format!("rolls, {rows} rows kept"),
        (true, None, _) => "rolls".to_owned(),
        (false, _, true) => "in place".to_owned(),
        (false, ..) => String::new(),
    }
}

/// `1 x 28 x 28 x 1`.
pub fn axes(axes: &[u32]) -> String {
    axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

fn shape(tensor: &TensorView<'_>) -> String {
    let scale = f32::from_bits(tensor.scale_bits());
    format!("{} of scale {scale:.6}, zero point {}", axes(tensor.axes()), tensor.zero_point())
}

/// Bytes as text.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
