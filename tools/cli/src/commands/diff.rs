//! `ocelli diff`: an artefact beside its source, layer by layer: float in tract, int8 on this computer and, if
//! asked for, int8 on an emulated microcontroller or through tract. Names the first layer that parts.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use ocelli::Artefact;
use ocelli_compiler::diff::{Difference, Fault, LayerDifference, Source, diff};
use ocelli_compiler::execute::Executor;
use ocelli_format::{OperatorView, TensorId};
use ocelli_simulator::{Machine, run_steps};
use ocelli_tract::Layers;
use serde_json::{Value, json};

use crate::artefact_file::ArtefactFile;
use crate::commands::simulate::machine_names;
use crate::failure::{Failure, Verdict};
use crate::host_model::Through;
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
    /// `tract`: also run every layer as an operator of tract, and compare each
    #[arg(long, value_enum, default_value_t)]
    through: Through,
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
    let mut others = Vec::new();
    if let Some(name) = &arguments.on {
        spinner.say(format!("Running on {name}"));
        others.push(Elsewhere::on_machine(&file, &artefact, &inputs, name, arguments.limit)?);
    }
    if arguments.through == Through::Tract {
        spinner.say("Running layer by layer through tract");
        others.push(Elsewhere::through_tract(&file, &artefact, &inputs)?);
    }
    drop(spinner);
    let parts = difference.first.is_some() || others.iter().any(|other| other.first.is_some());
    if arguments.json {
        terminal::print_json(&as_json(&difference, &others))?;
    } else {
        terminal::print_text(&as_text(&difference, &others))?;
    }
    Ok(if parts { Verdict::Differs } else { Verdict::Done })
}

/// The artefact's layers elsewhere beside those of this computer's engine.
struct Elsewhere {
    /// The machine, or tract.
    name: String,
    /// How one says that it is there, as in `on mps2-an386`; the JSON keys end with the second.
    words: [&'static str; 2],
    /// For every layer whether its bytes are equal, where they are there as a whole.
    layers: Vec<Option<bool>>,
    /// The first layer that differs.
    first: Option<usize>,
}

impl Elsewhere {
    /// On one of QEMU's machines, step by step.
    fn on_machine(
        file: &ArtefactFile,
        artefact: &Artefact<'_>,
        inputs: &[Vec<i8>],
        name: &str,
        limit: u64,
    ) -> Result<Elsewhere, Failure> {
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
        Ok(Elsewhere { name: machine.name.clone(), words: ["on", "on_machine"], layers, first })
    }

    /// Here, every layer an operator of tract.
    fn through_tract(
        file: &ArtefactFile,
        artefact: &Artefact<'_>,
        inputs: &[Vec<i8>],
    ) -> Result<Elsewhere, Failure> {
        let failed =
            |error: &dyn std::error::Error| Failure::from(format!("{}: {error}", file.path().display()));
        let through = Layers::new(file.bytes()).and_then(|layers| layers.run(inputs));
        let through = through.map_err(|error| failed(&error))?;
        let engine =
            Executor::from_bytes(artefact.name(), file.bytes()).and_then(|mut engine| engine.run_all(inputs));
        let engine = engine.map_err(|error| failed(&error))?;
        let is_equal = |&id: &TensorId| Some(through.get(&id)? == engine[usize::from(id)].as_ref()?);
        let layer = |operator: OperatorView<'_>| {
            operator.outputs.iter().map(is_equal).reduce(|all, one| Some(all? && one?)).flatten()
        };
        let layers: Vec<Option<bool>> = artefact.operators().map(layer).collect();
        let first = layers.iter().position(|&layer| layer == Some(false));
        Ok(Elsewhere { name: "tract".to_owned(), words: ["through", "through_tract"], layers, first })
    }
}

fn as_json(difference: &Difference, others: &[Elsewhere]) -> Value {
    let mut json = json!(difference);
    let name = |index: usize| &difference.layers[index].name;
    json["first"] = json!(difference.first.map(name));
    for Elsewhere { name: place, words: [word, key], layers, first } in others {
        if *word == "on" {
            json["machine"] = json!(place);
        }
        json[format!("first_{key}")] = json!(first.map(name));
        for (index, layer) in layers.iter().enumerate() {
            json["layers"][index][format!("equal_{key}")] = json!(layer);
        }
    }
    json
}

fn as_text(difference: &Difference, others: &[Elsewhere]) -> String {
    let mut headings = vec!["layer", "operator", "SQNR, dB", "error", "own error", "of rounding"];
    headings.extend(others.iter().map(|other| other.name.as_str()));
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
        row.extend(others.iter().map(|other| match other.layers[index] {
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
    text.push_str(&verdict(difference, others));
    text
}

/// The first layer that parts, and by how much.
fn verdict(difference: &Difference, others: &[Elsewhere]) -> String {
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
    for Elsewhere { name, words: [word, _], first, .. } in others {
        match first {
            Some(index) => text.push_str(&format!(
                "{STRONG}{} is the first layer whose bytes {word} {name} differ from this computer's.{STRONG:#}\n",
                difference.layers[*index].name
            )),
            None => text.push_str(&format!("Every layer {word} {name} gives the bytes of this computer's engine.\n")),
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
