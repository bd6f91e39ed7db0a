//! `ocelli report`: what `inspect` counts, what `diff` measures and what QEMU executes, as one page with plots.

use std::path::{Path, PathBuf};

use clap::ValueHint;
use ocelli::Artefact;
use ocelli_compiler::diff::{Difference, ROUNDING_LIMIT, Source, diff};
use ocelli_compiler::inspect::{Inspection, inspect};
use ocelli_report::{Block, Layer, Page, render};

use crate::artefact_file::ArtefactFile;
use crate::commands::diff::fault_text;
use crate::commands::inspect::{axes, hexadecimal, plan_text};
use crate::commands::simulate::machine_names;
use crate::failure::{Failure, Verdict};
use crate::input::{self, Input};
use crate::instructions::Instructions;
use crate::terminal::{self, STRONG, say, thousands};

/// Arguments of `ocelli report`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The artefact
    model: PathBuf,
    /// The page; otherwise the artefact's name with `.html`, in this folder
    #[arg(long, short, value_name = "HTML")]
    output: Option<PathBuf>,
    /// The trained model that the artefact was made of, to measure noise against
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::FilePath)]
    float: Option<PathBuf>,
    #[arg(long, short, default_value = "seed:5", help = input::HELP)]
    input: Input,
    /// The contract that the artefact was made with, where it was given with `--contract`
    #[arg(long, value_name = "TOML")]
    contract: Option<PathBuf>,
    /// Also count each layer's instructions on one of QEMU's machines
    #[arg(long, value_name = "MACHINE", value_parser = machine_names())]
    on: Option<String>,
    /// How long the emulated run may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    limit: u64,
}

/// Writes the page.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let file = ArtefactFile::read(&arguments.model)?;
    let artefact = file.parse()?;
    let inspection = inspect(&artefact, artefact.bytes().len());
    let difference = match &arguments.float {
        Some(source) => Some(compare(&arguments, source, &artefact)?),
        None => None,
    };
    let instructions = match &arguments.on {
        Some(machine) => Some(Instructions::count(&file, &artefact, machine, arguments.limit)?),
        None => None,
    };
    let page = page(&file, &artefact, &inspection, difference.as_ref(), instructions.as_ref(), &arguments);
    let output = match arguments.output {
        Some(output) => output,
        None => PathBuf::from(arguments.model.with_extension("html").file_name().unwrap_or_default()),
    };
    let html = render(&page);
    ocelli_zoo::write_whole(&output, html.as_bytes())
        .map_err(|error| Failure::at(output.display(), error))?;
    say!("{STRONG}{}{STRONG:#} {} bytes", output.display(), thousands(html.len() as u64))?;
    let has_fault = difference.is_some_and(|difference| difference.first.is_some());
    Ok(if has_fault { Verdict::Differs } else { Verdict::Done })
}

fn compare(arguments: &Arguments, source: &Path, artefact: &Artefact<'_>) -> Result<Difference, Failure> {
    let inputs = input::tensors(artefact, &arguments.input)?;
    let spinner = terminal::spinner(format!("Running {} in tract", source.display()));
    let opened = Source::open(source, arguments.contract.as_deref())
        .map_err(|error| Failure::at(source.display(), error))?;
    let difference =
        diff(&opened, artefact, &inputs).map_err(|error| Failure::at(arguments.model.display(), error));
    drop(spinner);
    difference
}

fn page(
    file: &ArtefactFile,
    artefact: &Artefact<'_>,
    inspection: &Inspection,
    difference: Option<&Difference>,
    instructions: Option<&Instructions>,
    arguments: &Arguments,
) -> Page {
    let mut facts = vec![
        ("multiply-accumulates".to_owned(), thousands(inspection.macs)),
        ("weights, bytes".to_owned(), thousands(inspection.weight_bytes)),
        ("artefact, bytes".to_owned(), thousands(inspection.artefact_bytes)),
        ("arena, bytes".to_owned(), thousands(inspection.arena_bytes)),
        ("floor of whole tensors, bytes".to_owned(), thousands(inspection.memory.floor_bytes)),
    ];
    if let Some(instructions) = instructions {
        let per_mac = instructions.total() as f64 / inspection.macs.max(1) as f64;
        facts.push((format!("instructions, {}", instructions.machine.name), thousands(instructions.total())));
        facts.push(("for a multiply-accumulate".to_owned(), format!("{per_mac:.2}")));
    }
    // In order of execution, which the artefact's own order need not be.
    let mut order: Vec<usize> = (0..inspection.layers.len()).collect();
    order.sort_by_key(|&layer| inspection.layers[layer].step);
    let first = difference.and_then(|difference| difference.first);
    let layer = |index: usize| {
        let layer = &inspection.layers[index];
        let seen = difference.map(|difference| &difference.layers[index]);
        let fault = difference.filter(|_| first == Some(index));
        Layer {
            name: layer.name.clone(),
            operator: layer.operator.clone(),
            shape: axes(&layer.output_shape),
            step: layer.step,
            macs: layer.macs,
            weight_bytes: layer.weight_bytes,
            activation_bytes: layer.activation_bytes,
            scratch_bytes: layer.scratch_bytes.into(),
            instructions: instructions.and_then(|instructions| instructions.of(index)),
            instructions_per_mac: instructions
                .and_then(|instructions| instructions.per_mac(index, &inspection.layers)),
            sqnr_db: seen.and_then(|seen| seen.sqnr_db),
            own_error_steps: seen.and_then(|seen| seen.own_error_steps),
            own_over_rounding: seen.and_then(|seen| seen.own_over_rounding),
            plan: plan_text(layer),
            fault: fault.map(|difference| fault_text(&difference.layers[index], difference.is_exact)),
        }
    };
    let block = |block: &ocelli_compiler::inspect::Block| Block {
        name: block.name.clone(),
        is_scratch: block.is_scratch,
        offset: block.offset.into(),
        bytes: block.bytes.into(),
        first: block.first,
        last: block.last,
        rows: block.rows,
    };
    let name = file.path().file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let noise = difference.map(|difference| {
        let file_of =
            |path: &str| Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let source = file_of(&difference.source);
        match &arguments.input {
            Input::Seed { seed, .. } => format!("{source} in tract on pseudo-random input of seed {seed}"),
            Input::Camera(picture) => format!("{source} in tract on {}", file_of(picture)),
        }
    });
    Page {
        title: if artefact.name().is_empty() { name.clone() } else { artefact.name().to_owned() },
        subtitle: format!(
            "{name}, version {}, answer id {}",
            artefact.version(),
            &hexadecimal(&artefact.answer_id())[..16]
        ),
        facts,
        layers: order.into_iter().map(layer).collect(),
        arena_bytes: inspection.arena_bytes.into(),
        blocks: inspection.blocks.iter().map(block).collect(),
        machine: instructions
            .map(|instructions| format!("{} ({})", instructions.machine.name, instructions.machine.core)),
        noise,
        noise_limit: ROUNDING_LIMIT,
        provenance: artefact
            .provenance()
            .map(|(key, value)| (key.to_owned(), terminal::cut(value)))
            .collect(),
    }
}
