//! `ocelli run`: an artefact on this computer, frame by frame, or live with a page in the browser.

mod config;
mod float;
mod live;
mod outlets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ocelli::{Camera, Infer, Loan};
use ocelli_host::{CaptureError, HostCamera};
use ocelli_live::{Emitter, Seen, Told};
use ocelli_rpi::{LinuxCamera, LinuxCaptureError};
use serde_json::json;

use crate::answer;
use crate::artefact_file::ArtefactFile;
use crate::commands::inspect::hexadecimal;
use crate::failure::{Failure, Verdict};
use crate::host_model::Through;
use crate::input::{self, Input};
use crate::session::{self, Memory, StageTimes, TrackedPipeline};
use crate::stage_shares::StageShares;
use crate::terminal::{self, FAINT, STRONG, say};
use outlets::Outlets;

/// Arguments of `ocelli run`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The artefact, or a model in ONNX or TFLite, which then runs in float
    #[arg(required_unless_present = "config")]
    model: Option<PathBuf>,
    #[arg(long, short, help = input::HELP, required_unless_present = "config")]
    input: Option<Input>,
    /// Read what is not given here from this TOML file (docs/linux.md)
    #[arg(long, value_name = "TOML")]
    config: Option<PathBuf>,
    /// Stop after so many frames; a synthetic scene, which has no end, stops after 10
    #[arg(long, value_name = "COUNT")]
    frames: Option<u64>,
    /// Write annotated pictures: the frame's number is added to the name when there are several
    #[arg(long, short, value_name = "PNG")]
    output: Option<PathBuf>,
    /// Follow what is found from frame to frame: every object gets a number that stays
    #[arg(long)]
    track: bool,
    /// Show it live in a browser, at this address; files and scenes begin anew when they end. Without an
    /// address only this machine can look; to others it is shown with a token
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:8080")]
    #[arg(conflicts_with_all = ["output", "frames"])]
    serve: Option<SocketAddr>,
    /// How fast files and scenes are shown live, and what a video tells players [default: 25]. Cameras are
    /// slowed down to it only where it is given
    #[arg(long, value_name = "FRAMES_PER_SECOND")]
    pace: Option<f64>,
    #[command(flatten)]
    outlets: Outlets,
    /// What runs an artefact
    #[arg(long, value_enum, default_value_t)]
    through: Through,
    /// Print JSON, a line for each frame
    #[arg(long)]
    json: bool,
    /// Tell at the end how long each stage took, on standard error
    #[arg(long)]
    stats: bool,
}

/// How fast files and scenes are shown where nobody says it, in frames a second.
const USUAL_PACE: f64 = 25.0;

impl Arguments {
    /// Whether somebody waits for the newest answer, rather than for every one.
    fn is_live(&self) -> bool {
        self.serve.is_some() || self.outlets.are_live()
    }

    fn frames_per_second(&self) -> Result<f64, Failure> {
        match self.pace.unwrap_or(USUAL_PACE) {
            pace if pace.is_finite() && pace > 0.0 => Ok(pace),
            _ => Err(Failure::from("`--pace` must be more than 0 frames a second".to_owned())),
        }
    }
}

/// Runs the model on its input.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let arguments = config::complete(arguments)?;
    let (Some(model), Some(input)) = (&arguments.model, &arguments.input) else {
        return Err(Failure::from("a model and an input are needed".to_owned())
            .advise("give both, or name them `model` and `input` in the file of `--config`"));
    };
    if float::is_float(model) {
        return float::run(model, input, &arguments);
    }
    let file = ArtefactFile::read(model)?;
    match input {
        Input::Seed { .. } if arguments.is_live() || arguments.outlets.video.is_some() => {
            return Err(Failure::from("pseudo-random tensors are no picture that could be shown".to_owned())
                .advise("give `--input` a camera, or leave `--serve`, `--video` and the like out"));
        }
        Input::Seed { seed, shift } => {
            if arguments.output.is_some() {
                terminal::print_warning("pseudo-random tensors are no picture: `--output` is not written");
            }
            if arguments.stats {
                terminal::print_warning("pseudo-random tensors take no stages: `--stats` tells nothing");
            }
            run_on_seed(&file, *seed, *shift, &arguments)?
        }
        Input::Camera(name) => run_on_camera(&file, name, &arguments)?,
    }
    Ok(Verdict::Done)
}

fn run_on_seed(file: &ArtefactFile, seed: u32, shift: u8, arguments: &Arguments) -> Result<(), Failure> {
    let artefact = file.parse()?;
    let mut memory = Memory::of(&artefact);
    let mut model = memory.plan(file, &artefact, arguments.through)?;
    input::fill_from_seed(&artefact, &mut model, seed, shift);
    model.infer();
    let output = hexadecimal(&session::output_bytes(&model));
    match arguments.json {
        true => terminal::print_json_line(&json!({ "seed": seed, "shift": shift, "output_hex": output })),
        false => {
            say!("{output}")
        }
    }
}

fn run_on_camera(file: &ArtefactFile, name: &str, arguments: &Arguments) -> Result<(), Failure> {
    let artefact = file.parse()?;
    let mut memory = Memory::of(&artefact);
    let mut pipeline: TrackedPipeline<'_> = memory.pipeline(file, &artefact, arguments.through)?;
    if arguments.track && pipeline.postprocess_mut().thresholds().is_none() {
        return Err(Failure::from(format!(
            "{}: it finds no boxes, so there is nothing to track",
            file.path().display()
        ))
        .advise("leave `--track` out"));
    }
    pipeline.postprocess_mut().set_tracking(arguments.track);
    if arguments.is_live() {
        if arguments.stats {
            terminal::print_warning(
                "live, the page and its metrics tell what each stage takes; `--stats` does not",
            );
        }
        return live::run(file, pipeline, name, arguments);
    }
    let mut video = arguments.outlets.video(arguments.frames_per_second()?)?;
    let mut camera = ocelli_rpi::open(name).map_err(|error| Failure::from(error.to_string()))?;
    let is_single = matches!(camera, LinuxCamera::Host(HostCamera::Image(_)));
    let is_endless = matches!(camera, LinuxCamera::Host(HostCamera::Synthetic(_)));
    let last = arguments.frames.unwrap_or(if is_endless { 10 } else { u64::MAX });
    let mut shares = StageShares::default();
    for index in 0..last {
        let start = Instant::now();
        let loan = match nb::block!(camera.read_frame()) {
            Ok(loan) => loan,
            Err(LinuxCaptureError::Host(CaptureError::End)) => break,
            Err(error) => return Err(Failure::from(error.to_string())),
        };
        let (frame, capture) = (loan.frame(), start.elapsed());
        let (times, seen) = session::run_timed(&mut pipeline, &frame);
        let computed = Instant::now();
        let (outcome, tracker) = (&seen.outcome, seen.tracker);
        if let Some(place) = &arguments.output {
            let marks = answer::marks(&frame, &artefact, outcome, tracker);
            let place = if is_single { place.clone() } else { numbered(place, index) };
            let png = answer::annotated_png(&frame, &marks)?;
            ocelli_zoo::write_whole(&place, &png).map_err(|error| Failure::at(place.display(), error))?;
        }
        if let Some(video) = &mut video {
            let seen = Seen { marks: answer::marks(&frame, &artefact, outcome, tracker), ..Seen::default() };
            video.emit(&Told::new(&frame, index, seen)).map_err(|error| Failure::from(error.to_string()))?;
        }
        if arguments.json {
            let mut line = json!({ "frame": index, "width": frame.width(), "height": frame.height() });
            let answer = answer::outcome_json(&artefact, outcome, tracker);
            if let (Some(line), Some(answer)) = (line.as_object_mut(), answer.as_object()) {
                line.extend(answer.clone());
                line.insert("output_crc32".into(), session::output_crc32(pipeline.model()).into());
                line.insert("microseconds".into(), microseconds(&times));
            }
            terminal::print_json_line(&line)?;
        } else {
            let total = times.preprocess + times.infer + times.postprocess;
            let size = format!("{} x {}", frame.width(), frame.height());
            say!("{STRONG}frame {index}{STRONG:#} {FAINT}{size}, {total:.1?}{FAINT:#}")?;
            for line in answer::outcome_lines(&artefact, outcome, tracker) {
                say!("  {line}")?;
            }
        }
        shares.add(capture, &times, computed.elapsed());
    }
    if arguments.stats {
        terminal::print_note(&shares.text());
    }
    Ok(())
}

/// Times for machines.
fn microseconds(times: &StageTimes) -> serde_json::Value {
    let micros = |duration: std::time::Duration| duration.as_micros() as u64;
    json!({
        "preprocess": micros(times.preprocess),
        "infer": micros(times.infer),
        "postprocess": micros(times.postprocess),
    })
}

/// `found.png` and 7 make `found-0007.png`.
fn numbered(path: &Path, index: u64) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{index:04}");
    match path.extension() {
        Some(extension) => path.with_file_name(format!("{name}.{}", extension.to_string_lossy())),
        None => path.with_file_name(name),
    }
}
