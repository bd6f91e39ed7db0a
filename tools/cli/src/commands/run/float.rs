//! `ocelli run` on a model that is no artefact: in float, on tract's own operators, without a conversion.

use std::path::Path;

use ocelli::{Camera, Frame, Loan};
use ocelli_compiler::float_detector::{FloatDetection, FloatDetector};
use ocelli_compiler::fold::fold;
use ocelli_compiler::import::import;
use ocelli_compiler::oracle::Oracle;
use ocelli_format::SeedStream;
use ocelli_host::CaptureError;
use ocelli_rpi::LinuxCaptureError;
use serde_json::{Value, json};

use super::Arguments;
use crate::failure::{Failure, Verdict};
use crate::input::Input;
use crate::terminal::{self, FAINT, STRONG, say};

/// Whether a file is a trained model rather than an artefact, by its name.
pub fn is_float(model: &Path) -> bool {
    let extension = model.extension().unwrap_or_default();
    ["onnx", "tflite"].iter().any(|name| extension.eq_ignore_ascii_case(name))
}

/// Runs it on pseudo-random numbers, or as a detector on the frames of a camera.
pub fn run(model: &Path, input: &Input, arguments: &Arguments) -> Result<Verdict, Failure> {
    if arguments.is_live()
        || arguments.track
        || arguments.output.is_some()
        || arguments.outlets.video.is_some()
        || arguments.stats
    {
        let message =
            format!("{}: a float model is neither served, tracked, drawn nor timed", model.display());
        return Err(Failure::from(message).advise("`ocelli convert` makes an artefact of it, which is"));
    }
    match input {
        Input::Seed { seed, shift } => run_on_seed(model, arguments.json, *seed, *shift)?,
        Input::Camera(name) => detect(model, arguments, name)?,
    }
    Ok(Verdict::Done)
}

/// Every output for inputs of the stream's bytes, as multiples of 1/128.
fn run_on_seed(model: &Path, json: bool, seed: u32, shift: u8) -> Result<(), Failure> {
    let at = |error: &dyn std::error::Error| Failure::from(format!("{}: {error}", model.display()));
    let mut graph = import(model).map_err(|error| at(&error))?;
    fold(&mut graph);
    let oracle = Oracle::new(&graph).map_err(|error| at(&error))?;
    let mut stream = SeedStream::new(seed, shift);
    let inputs: Vec<Vec<f32>> = graph
        .inputs
        .iter()
        .map(|&id| {
            stream.by_ref().take(graph.tensors[id].elements()).map(|byte| f32::from(byte) / 128.0).collect()
        })
        .collect();
    let outputs = oracle.run(&inputs).map_err(|error| at(&error))?;
    let named = graph.outputs.iter().map(|&id| &graph.tensors[id]).zip(outputs);
    if json {
        let outputs = named
            .map(|(tensor, values)| json!({ "name": tensor.name, "shape": tensor.shape, "values": values }));
        return terminal::print_json_line(
            &json!({ "seed": seed, "shift": shift, "outputs": outputs.collect::<Value>() }),
        );
    }
    for (tensor, values) in named {
        let (count, least, most) =
            (values.len(), least(&values), -least(&values.iter().map(|value| -value).collect::<Vec<_>>()));
        say!(
            "{STRONG}{}{STRONG:#} {FAINT}{:?}{FAINT:#}  {count} numbers from {least:.4} to {most:.4}",
            tensor.name,
            tensor.shape
        )?;
    }
    Ok(())
}

fn least(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::INFINITY, f32::min)
}

/// What a detector finds, frame by frame.
fn detect(model: &Path, arguments: &Arguments, name: &str) -> Result<(), Failure> {
    let detector = FloatDetector::open(model, None).map_err(|error| {
        Failure::from(error.to_string()).advise("`--input seed:5` shows its numbers instead")
    })?;
    let mut camera = ocelli_rpi::open(name).map_err(|error| Failure::from(error.to_string()))?;
    for index in 0..arguments.frames.unwrap_or(u64::MAX) {
        let loan = match nb::block!(camera.read_frame()) {
            Ok(loan) => loan,
            Err(LinuxCaptureError::Host(CaptureError::End)) => break,
            Err(error) => return Err(Failure::from(error.to_string())),
        };
        let frame: Frame<'_> = loan.frame();
        let found = detector.detect(&frame).map_err(|error| Failure::from(error.to_string()))?;
        if arguments.json {
            let detections: Vec<Value> = found.iter().map(as_json).collect();
            let size = (frame.width(), frame.height());
            terminal::print_json_line(
                &json!({ "frame": index, "width": size.0, "height": size.1, "detections": detections }),
            )?;
            continue;
        }
        say!("{STRONG}frame {index}{STRONG:#} {FAINT}{} x {}{FAINT:#}", frame.width(), frame.height())?;
        for FloatDetection { class_index, score, bounds: [left, top, right, bottom], .. } in &found {
            let (width, height) = (right - left, bottom - top);
            say!(
                "  class {class_index:<8} {:>5.1} %   {width:.0} x {height:.0} pixels at {left:.0}, {top:.0}",
                100.0 * score
            )?;
        }
    }
    Ok(())
}

fn as_json(found: &FloatDetection) -> Value {
    let FloatDetection { class_index, score, bounds: [left, top, right, bottom], .. } = found;
    json!({ "class_index": class_index, "score": score, "left": left, "top": top, "right": right, "bottom": bottom })
}
