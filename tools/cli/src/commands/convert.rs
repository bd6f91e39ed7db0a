//! `ocelli convert`: a trained model becomes an artefact.

use std::path::PathBuf;

use clap::ValueHint;
use ocelli_compiler::compress::{Goal, Stored};
use ocelli_compiler::convert::{Conversion, Options, convert};
use ocelli_compiler::eliminate::Eliminated;
use ocelli_compiler::plan::{self, Profile};
use ocelli_compiler::quantize::Method;
use ocelli_compiler::report::Report;

use crate::budget::Budget;
use crate::commands::inspect::memory_line;
use crate::failure::{Failure, Verdict};
use crate::terminal::{self, FAINT, STRONG, say, thousands};

/// Arguments of `ocelli convert`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The trained model: TFLite (int8, uint8 or float) or ONNX (float or quantized)
    #[arg(value_hint = ValueHint::FilePath)]
    model: PathBuf,
    /// The artefact; otherwise the model's name with `.ocelli`, in this folder
    #[arg(long, short, value_name = "OCELLI")]
    output: Option<PathBuf>,
    /// What the input expects and the outputs mean; otherwise the TOML file beside the model, or a
    /// built-in contract for models that are known by name
    #[arg(long, value_name = "TOML")]
    contract: Option<PathBuf>,
    /// Pictures, folders of them, and `.npy` stacks of gray patches to quantize a float model on; repeatable
    #[arg(long, visible_alias = "calibrate", value_name = "PATH", num_args = 1..)]
    calibration: Vec<PathBuf>,
    /// Extents of an input whose size an ONNX file leaves open, for example `data=1,3,224,224`; without a name
    /// those of the first input; repeatable
    #[arg(long, value_name = "NAME=N,C,H,W", value_parser = parse_shape)]
    input_shape: Vec<(String, Vec<usize>)>,
    /// How ranges are chosen: automatic, min-max, percentile:99.99, mse, entropy, or guided by a
    /// detector's boxes
    #[arg(long, default_value = "automatic", value_parser = parse_method)]
    method: Method,
    /// Version to write into the artefact; 1 otherwise
    #[arg(long, value_name = "TEXT")]
    model_version: Option<String>,
    /// Key and value for the provenance, for example `licence=Apache-2.0`; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_pair)]
    provenance: Vec<(String, String)>,
    /// Add a schedule, with weights laid out for its kernels, for these targets: cortex-m4 (M4, M7, M33 with DSP
    /// instructions); the portable one, which runs everywhere, is always there
    #[arg(long = "for", value_name = "PROFILE", value_delimiter = ',')]
    profiles: Vec<Profile>,
    /// Leave out what a device has no use for: names, provenance, and every schedule but that of `--for`; outputs and
    /// answer id stay
    #[arg(long)]
    strip: bool,
    /// Most bytes of arena and of the artefact, and most noise of an output in percent of its signal's power (1 is 20 dB),
    /// for example ram=24k,flash=256k,drop=1. Early layers roll over single rows where whole tensors need more RAM;
    /// weights take smaller forms where the file is too large; activations become int16 where too much is lost
    #[arg(long, value_name = "LIMITS")]
    budget: Option<Budget>,
    /// Let the input come row by row, so that it never exists as a whole
    #[arg(long)]
    stream_input: bool,
    /// Keep channels that no output depends on; outputs are the same, the answer id is another
    #[arg(long)]
    keep_dead_channels: bool,
    /// What weights are stored for: off, speed (fewest instructions) or size (fewest bytes); outputs and answer id
    /// stay. Zeros, runs of zeros and few values are found in weights that were pruned, clustered or rounded before
    #[arg(long, value_name = "GOAL", default_value = "off", value_parser = parse_goal)]
    compress: Goal,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Converts and writes.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let output = match arguments.output {
        Some(output) => output,
        None => PathBuf::from(arguments.model.with_extension("ocelli").file_name().unwrap_or_default()),
    };
    let profile = match arguments.profiles[..] {
        [] => Profile::Portable,
        [profile] => profile,
        _ if arguments.strip => {
            return Err(Failure::from("`--strip` leaves one schedule, and `--for` names several".to_owned())
                .advise("convert once for each device"));
        }
        _ => Profile::Portable,
    };
    let budget = arguments.budget.unwrap_or_default();
    let options = Options {
        calibration: arguments.calibration,
        contract: arguments.contract,
        method: arguments.method,
        input_shapes: arguments.input_shape,
        version: arguments.model_version,
        provenance: arguments.provenance,
        budget: plan::Budget { ram_bytes: budget.ram_bytes, streams_input: arguments.stream_input },
        flash_bytes: budget.flash_bytes,
        drop_percent: budget.drop_percent,
        profiles: arguments.profiles,
        strip: arguments.strip.then_some(profile),
        keep_dead_channels: arguments.keep_dead_channels,
        compress: arguments.compress,
    };
    let spinner = terminal::spinner(format!("Converting {}", arguments.model.display()));
    let Conversion { bytes, report, .. } =
        convert(&arguments.model, &options).map_err(|error| Failure::at(arguments.model.display(), error))?;
    drop(spinner);
    ocelli_zoo::write_whole(&output, &bytes).map_err(|error| Failure::at(output.display(), error))?;
    if arguments.json {
        terminal::print_json(&report)?;
    } else {
        print(&report)?;
        say!("{STRONG}{}{STRONG:#} {} bytes", output.display(), thousands(bytes.len() as u64))?;
    }
    Ok(Verdict::Done)
}

/// Warnings, and what the model was calibrated on.
fn print(report: &Report) -> Result<(), Failure> {
    terminal::print_warnings(&report.warnings);
    if report.calibration_samples > 0 {
        let pictures: usize = report.calibration.iter().map(|image| image.pictures).sum();
        let (samples, files) = (report.calibration_samples, report.calibration.len());
        say!("calibrated on {samples} samples of {pictures} pictures in {files} files")?;
    }
    if let Some(way) = &report.quantization {
        say!("{FAINT}ranges: {way}{FAINT:#}")?;
    }
    for output in &report.outputs {
        match output.in_words() {
            Some(words) => say!("{FAINT}{}: {words}{FAINT:#}", output.name)?,
            None => say!("{FAINT}{}: {:.1} dB against float{FAINT:#}", output.name, output.sqnr_db)?,
        }
    }
    if report.eliminated.is_something() {
        let Eliminated { channels, macs, constant_bytes } = report.eliminated;
        say!(
            "removed {} dead channels with {} multiply-accumulates and {} bytes; no output changes",
            thousands(channels),
            thousands(macs),
            thousands(constant_bytes),
        )?;
    }
    print_stored(&report.stored)?;
    let artefact = &report.artefact;
    say!(
        "{} multiply-accumulates, {} bytes of weights, {} bytes of arena",
        thousands(artefact.macs),
        thousands(artefact.weight_bytes),
        thousands(artefact.arena_bytes),
    )?;
    say!("{FAINT}{}{FAINT:#}", memory_line(&artefact.memory))
}

/// Layers whose weights are not dense: what the form saves, by the compiler's table of costs.
fn print_stored(stored: &[Stored]) -> Result<(), Failure> {
    if stored.is_empty() {
        return Ok(());
    }
    let headings = ["layer", "weights", "bytes", "dense", "ratio", "instructions", "dense"];
    let mut table = terminal::table(&headings, &[2, 3, 4, 5, 6]);
    for layer in stored {
        table.add_row(vec![
            terminal::shortened(&layer.layer),
            layer.form.clone(),
            thousands(layer.bytes),
            thousands(layer.dense_bytes),
            format!("{:.2}", layer.dense_bytes as f64 / layer.bytes.max(1) as f64),
            thousands(layer.instructions),
            thousands(layer.dense_instructions),
        ]);
    }
    say!("{table}")?;
    say!("{FAINT}Instructions on a Cortex-M4F with the fast kernels, by the table of costs.{FAINT:#}")
}

fn parse_goal(text: &str) -> Result<Goal, String> {
    match text {
        "off" => Ok(Goal::Off),
        "speed" => Ok(Goal::Speed),
        "size" => Ok(Goal::Size),
        _ => Err("one of off, speed, size".to_owned()),
    }
}

fn parse_method(text: &str) -> Result<Method, String> {
    match text.split_once(':') {
        None if text == "automatic" => Ok(Method::Automatic),
        None if text == "min-max" => Ok(Method::MinMax),
        None if text == "mse" => Ok(Method::MeanSquare),
        None if text == "entropy" => Ok(Method::Entropy),
        None if text == "guided" => Ok(Method::Guided),
        Some(("percentile", percent)) => match percent.parse() {
            Ok(percent) if percent > 50.0 && percent <= 100.0 => Ok(Method::Percentile(percent)),
            _ => Err("a percentile is above 50 and at most 100".to_owned()),
        },
        _ => Err("one of automatic, min-max, percentile:NUMBER, mse, entropy, guided".to_owned()),
    }
}

/// `NAME=N,C,H,W`, or extents alone.
fn parse_shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let (name, extents) = text.rsplit_once('=').unwrap_or(("", text));
    let extents = extents.split(',').map(|extent| extent.trim().parse().ok().filter(|&extent| extent > 0));
    let extents = extents.collect::<Option<Vec<usize>>>();
    Ok((name.to_owned(), extents.ok_or("a shape is NAME=N,C,H,W, each 1 or more")?))
}

/// `KEY=VALUE`.
pub fn parse_pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("a pair is KEY=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read() {
        assert_eq!(parse_shape("in:0=1,3,8,8"), Ok(("in:0".to_owned(), vec![1, 3, 8, 8])));
        assert_eq!(parse_shape("1,3"), Ok((String::new(), vec![1, 3])));
        for wrong in ["", "a=", "a=1,x", "a=0,3", "a=-1"] {
            assert!(parse_shape(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn methods_are_read() {
        assert_eq!(parse_method("min-max"), Ok(Method::MinMax));
        assert_eq!(parse_method("mse"), Ok(Method::MeanSquare));
        assert_eq!(parse_method("percentile:99.9"), Ok(Method::Percentile(99.9)));
        for wrong in ["", "percentile", "percentile:", "percentile:50", "percentile:NaN", "guided:1"] {
            assert!(parse_method(wrong).is_err(), "{wrong}");
        }
    }
}
