//! `ocelli simulate`: an artefact on an emulated microcontroller, compared with this computer bit by bit.
//!
//! The firmware checks the artefact's self-test before it looks at the input, so a difference that is
//! reported here is one in the input's own run.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use ocelli::{Camera, Frame};
use ocelli_simulator::{Job, Machine, Run, Simulation, machines, run_on_host};
use serde_json::json;

use crate::answer::class_name;
use crate::artefact_file::ArtefactFile;
use crate::failure::{Failure, Verdict};
use crate::input::{self, Input};
use crate::session::WITHOUT_CONTRACT;
use crate::terminal::{self, STRONG, say, thousands};

/// Arguments of `ocelli simulate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The artefact
    model: PathBuf,
    /// Which machine of QEMU's
    #[arg(long, value_name = "MACHINE", default_value = "mps2-an386", value_parser = machine_names())]
    on: String,
    #[arg(long, short, default_value = "seed:5:2", help = input::HELP)]
    input: Input,
    /// How long the emulated run may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The values that `--on` takes.
pub fn machine_names() -> PossibleValuesParser {
    PossibleValuesParser::new(machines().iter().map(|machine| machine.name.as_str()))
}

/// Runs the model there and here.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let file = ArtefactFile::read(&arguments.model)?;
    let artefact = file.parse()?;
    let machine = Machine::named(&arguments.on).map_err(|error| Failure::from(error.to_string()))?;
    let mut camera = match &arguments.input {
        Input::Camera(name) => {
            Some(ocelli_host::open(name).map_err(|error| Failure::from(error.to_string()))?)
        }
        Input::Seed { .. } => None,
    };
    let frame: Option<Frame<'_>> = match &mut camera {
        Some(camera) => {
            Some(nb::block!(camera.read_frame()).map_err(|error| Failure::from(error.to_string()))?)
        }
        None => None,
    };
    let input = match (&arguments.input, frame) {
        (_, Some(frame)) => ocelli_simulator::Input::Frame(frame),
        (&Input::Seed { seed, shift }, None) => ocelli_simulator::Input::Seed { seed, shift },
        (Input::Camera(_), None) => ocelli_simulator::Input::None,
    };
    let job = Job { artefact: artefact.bytes(), input, steps: false };
    let is_without_contract = frame.is_some() && artefact.input_contracts().next().is_none();
    let failed = |error: ocelli_simulator::SimulateError| {
        let failure = Failure::at(file.path().display(), error);
        if is_without_contract { failure.advise(WITHOUT_CONTRACT) } else { failure }
    };
    let here = run_on_host(&job).map_err(failed)?;
    let spinner = terminal::spinner(format!("Running on {}", machine.name));
    let simulation = Simulation { machine, job, limit: Duration::from_secs(arguments.limit) };
    let there = simulation.run().map_err(failed)?;
    drop(spinner);

    let equal = same_answer(&here, &there);
    if arguments.json {
        terminal::print_json(&json!({
            "machine": machine.name,
            "core": machine.core,
            "equal": equal,
            "output_hex": there.output_hex.concat(),
            "output_hash": there.output_hash,
            "instructions": {
                "preprocess": there.instructions.preprocess,
                "infer": there.instructions.infer,
                "postprocess": there.instructions.postprocess,
            },
            "arena_bytes": there.arena_bytes,
            "stack_bytes": there.stack_bytes,
            "artefact_bytes": artefact.bytes().len(),
            "detections": there.detections.iter().map(|found| json!({
                "class": class_name(&artefact, found.class_index),
                "score": f64::from(found.score) / 65536.0,
                "bounds_subpixels": found.bounds,
                "keypoints_subpixels": found.keypoints,
            })).collect::<Vec<_>>(),
            "overflow": there.overflow,
            "classes": there.classes.iter().map(|&(class, score)| json!({
                "class": class_name(&artefact, class), "score": f64::from(score) / 65536.0,
            })).collect::<Vec<_>>(),
        }))?;
    } else {
        let self_test = if artefact.self_test().is_some() { "self-test passed" } else { "no self-test" };
        say!("{STRONG}{}{STRONG:#} ({}), {self_test}", machine.name, machine.core)?;
        let mut table = terminal::table(&["", "value"], &[1]);
        let stages = there.instructions;
        for (name, value) in [
            ("preprocess, instructions", stages.preprocess),
            ("infer, instructions", stages.infer),
            ("postprocess, instructions", stages.postprocess),
            ("arena, bytes", there.arena_bytes),
            ("stack, bytes", there.stack_bytes),
            ("artefact, bytes", artefact.bytes().len() as u64),
        ] {
            table.add_row([name.to_owned(), thousands(value)]);
        }
        say!("{table}")?;
        for found in &there.detections {
            let [left, top, right, bottom] = found.bounds.map(|edge| edge / ocelli::SUBPIXELS);
            let (name, score) = (class_name(&artefact, found.class_index), f64::from(found.score) / 655.36);
            say!("{name} {score:.1} % at {left}, {top} to {right}, {bottom}")?;
        }
        if there.overflow > 0 {
            say!("and {} more than fit", there.overflow)?;
        }
        for &(class, score) in &there.classes {
            say!("{} {:.1} %", class_name(&artefact, class), f64::from(score) / 655.36)?;
        }
        match equal {
            true => say!("Every output byte and every decoded number equals this computer's.")?,
            false => terminal::print_warning(&difference(&here, &there)),
        }
    }
    Ok(if equal { Verdict::Done } else { Verdict::Differs })
}

/// Whether two runs gave the same tensors and the same decoded answer.
fn same_answer(here: &Run, there: &Run) -> bool {
    here.output_hex == there.output_hex
        && here.output_hash == there.output_hash
        && here.detections == there.detections
        && here.classes == there.classes
        && here.overflow == there.overflow
}

/// Where two runs part.
fn difference(here: &Run, there: &Run) -> String {
    for (index, (here, there)) in here.output_hex.iter().zip(&there.output_hex).enumerate() {
        let pairs = here.as_bytes().chunks(2).zip(there.as_bytes().chunks(2));
        if let Some((byte, (here, there))) = pairs.enumerate().find(|(_, (here, there))| here != there) {
            let [here, there] = [here, there].map(String::from_utf8_lossy);
            return format!("output {index} differs from byte {byte} on: {there} there, {here} here");
        }
    }
    match here.output_hex.len() == there.output_hex.len() {
        true => "the output tensors are equal, but the decoded answers differ".to_owned(),
        false => "there are not as many outputs there as here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let run = |outputs: &[&str]| Run {
            output_hex: outputs.iter().map(ToString::to_string).collect(),
            ..Run::default()
        };
        let here = run(&["0011", "80ff"]);
        assert!(same_answer(&here, &run(&["0011", "80ff"])));
        let there = run(&["0011", "80fe"]);
        assert!(!same_answer(&here, &there));
        assert_eq!(difference(&here, &there), "output 1 differs from byte 1 on: fe there, ff here");
        assert!(difference(&here, &run(&["0011"])).contains("not as many"));
        let decoded = Run { classes: vec![(1, 2)], ..here.clone() };
        assert!(!same_answer(&here, &decoded));
        assert!(difference(&here, &decoded).contains("decoded"));
    }
}
