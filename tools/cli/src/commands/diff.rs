//! `ocelli diff`: an artefact beside its source, layer by layer: float in tract, int8 on this computer and, if
//! asked for, int8 on an emulated microcontroller. Names the first layer that parts.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use ocelli::Artefact;
use ocelli_compiler::diff::{Difference, Fault, LayerDifference, Source, diff};
use ocelli_simulator::{Machine, run_steps};
use serde_json::{Value, json};

use crate::artefact_file::ArtefactFile;
use crate::commands::simulate::machine_names;
use crate::failure::{Failure, Verdict};
use crate::input::{self, Input};
use crate::terminal::{self, FAINT, STRONG, shortened};

/// Arguments of `ocelli diff`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The trained model that the artefact was made of
    #[arg(value_hint = ValueHint::FilePath)]
    source: PathBuf,
    /// The artefact
    model: PathBuf,
    #[arg(long, short, default_value = "seed:5", help = input::HELP)]
    input: Input,
    /// The contract that the artefact was made with, where it was given with `--contract`
    #[arg(long, value_name = "TOML")]
    contract: Option<PathBuf>,
    /// Also run on one of QEMU's machines, and compare every step
    #[arg(long, value_name = "MACHINE", value_parser = machine_names())]
    on: Option<String>,
    /// How long the emulated run may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Compares and prints.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let file = ArtefactFile::read(&arguments.model)?;
    let artefact = file.parse()?;
    let inputs = input::tensors(&artefact, &arguments.input)?;
    let spinner = terminal::spinner(format!("Running {} in tract", arguments.source.display()));
    let source = Source::open(&arguments.source, arguments.contract.as_deref())
        .map_err(|error| Failure::at(arguments.source.display(), error))?;
    let difference =
        diff(&source, &artefact, &inputs).map_err(|error| Failure::at(file.path().display(), error))?;
    let device = match &arguments.on {
        Some(name) => {
            spinner.say(format!("Running on {name}"));
            Some(Device::run(&file, &artefact, &inputs, name, arguments.limit)?)
        }
        None => None,
    };
    drop(spinner);
    let parts = difference.first.is_some() || device.as_ref().is_some_and(|device| device.first.is_some());
    if arguments.json {
        terminal::print_json(&as_json(&difference, device.as_ref()))?;
    } else {
        terminal::print_text(&as_text(&difference, device.as_ref()))?;
    }
    Ok(if parts { Verdict::Differs } else { Verdict::Done })
}

/// The artefact's layers on a machine beside this computer's.
struct Device {
    machine: &'static Machine,
    /// For every layer whether the bytes of its step are equal.
    layers: Vec<Option<bool>>,
    /// The first layer that differs.
    first: Option<usize>,
}

impl Device {
    fn run(
        file: &ArtefactFile,
        artefact: &Artefact<'_>,
        inputs: &[Vec<i8>],
        name: &str,
        limit: u64,
    ) -> Result<Device, Failure> {
        let failed = |error: ocelli_simulator::SimulateError| Failure::at(file.path().display(), error);
        let machine = Machine::named(name).map_err(failed)?;
        let steps = run_steps(machine, artefact, inputs, Duration::from_secs(limit)).map_err(failed)?;
        let mut layers = vec![None; artefact.operator_count()];
        let mut first = None;
        for step in &steps {
            for &operator in &step.operators {
                layers[usize::from(operator)] = Some(step.is_equal);
            }
            let differing = step.operators.first().filter(|_| !step.is_equal);
            first = first.or(differing.map(|&operator| usize::from(operator)));
        }
        Ok(Device { machine, layers, first })
    }
}

fn as_json(difference: &Difference, device: Option<&Device>) -> Value {
    let mut json = json!(difference);
    json["first"] = json!(difference.first.map(|index| &difference.layers[index].name));
    if let Some(device) = device {
        json["machine"] = json!(device.machine.name);
        json["first_on_machine"] = json!(device.first.map(|index| &difference.layers[index].name));
        for (index, layer) in device.layers.iter().enumerate() {
            json["layers"][index]["equal_on_machine"] = json!(layer);
        }
    }
    json
}

fn as_text(difference: &Difference, device: Option<&Device>) -> String {
    let mut headings = vec!["layer", "operator", "SQNR, dB", "error", "own error", "of rounding"];
    headings.extend(device.map(|device| device.machine.name.as_str()));
    let mut table = terminal::table(&headings, &[2, 3, 4, 5]);
    let number = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => String::new(),
    };
    for (index, layer) in difference.layers.iter().enumerate() {
        let mut row = vec![
            shortened(&layer.name),
            layer.operator.clone(),
            number(layer.sqnr_db, 1),
            number(layer.max_error_steps, 1),
            number(layer.own_error_steps, 1),
            number(layer.own_over_rounding, 2),
        ];
        row.extend(device.map(|device| match device.layers[index] {
            Some(true) => "equal".to_owned(),
            Some(false) => "differs".to_owned(),
            None => String::new(),
        }));
        table.add_row(row);
    }
    let mut text = format!(
        "{table}\n{FAINT}Errors in steps of the layer's scale: against float from the input on, and of the layer alone on \
         the numbers that it read.{FAINT:#}\n"
    );
    for layer in &difference.layers {
        if let Some(why) = &layer.unmatched {
            text.push_str(&format!("{FAINT}not matched: {} ({why}){FAINT:#}\n", layer.name));
        }
    }
    text.push_str(&verdict(difference, device));
    text
}

/// The first layer that parts, and by how much.
fn verdict(difference: &Difference, device: Option<&Device>) -> String {
    let mut text = String::new();
    match difference.first.map(|index| &difference.layers[index]) {
        Some(layer) => text.push_str(&format!(
            "{STRONG}{} ({}) is the first layer that parts from {}:{STRONG:#} {}\n",
            layer.name,
            layer.operator,
            difference.source,
            fault_text(layer, difference.is_exact)
        )),
        None if difference.is_exact => {
            text.push_str("Every number is what the source's own int8 arithmetic gives.\n")
        }
        None => text.push_str("No layer parts from float by more than rounding explains.\n"),
    }
    if let Some(device) = device {
        let name = &device.machine.name;
        match device.first {
            Some(index) => text.push_str(&format!(
                "{STRONG}{} is the first layer whose bytes on {name} differ from this computer's.{STRONG:#}\n",
                difference.layers[index].name
            )),
            None => text.push_str(&format!("Every step on {name} gives the bytes of this computer.\n")),
        }
    }
    text
}

/// What is wrong with a layer.
pub fn fault_text(layer: &LayerDifference, is_exact: bool) -> String {
    let Some(Fault { constant, numbers }) = &layer.fault else { return String::new() };
    let mut texts = Vec::new();
    if let Some(constant) = constant {
        let expected =
            if is_exact { constant.expected.to_string() } else { format!("{:.1}", constant.expected) };
        let others = match constant.count {
            1 => String::new(),
            count => format!(", and {} more are wrong", count - 1),
        };
        texts.push(format!(
            "{} holds {} at position {} where the source gives {expected}{others}",
            constant.tensor, constant.found, constant.position
        ));
    }
    if let Some(numbers) = numbers {
        let (count, of, steps, channel) = (numbers.count, numbers.of, numbers.steps, numbers.channel);
        texts.push(match layer.own_over_rounding {
            Some(ratio) => format!(
                "channel {channel} is off by {ratio:.1} times what rounding explains, {steps:.1} steps at most"
            ),
            None => format!("{count} of {of} numbers differ, by {steps:.0} steps at most, in channel {channel}"),
        });
    }
    texts.join("; ")
}
