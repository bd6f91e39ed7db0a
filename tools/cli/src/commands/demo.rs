//! `ocelli demo`: BlazeFace from the package manager to a face in a photograph, int8 beside float; without a network a
//! classifier of our own on drawings.

mod drawings;
mod offline;
mod stages;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ocelli::{Artefact, Boxes, Detection, Frame, Outcome, OutputContractView, SUBPIXELS};
use ocelli_compiler::convert::{Conversion, Options, convert};
use ocelli_compiler::float_detector::{FloatDetection, FloatDetector, overlap};
use ocelli_host::Picture as Photograph;
use ocelli_zoo::{Catalogue, Source};
use serde_json::json;

use self::stages::{Line, RUNS, median};
use crate::answer;
use crate::artefact_file::ArtefactFile;
use crate::commands::zoo::fetch_with_progress;
use crate::failure::{Failure, Verdict};
use crate::host_model::Through;
use crate::session::{HostPipeline, Memory, StageTimes, run_timed};
use crate::terminal::{self, FAINT, STRONG, say};

const MODEL: &str = "blazeface";
const PHOTOGRAPH: &str = "astronaut";

/// Arguments of `ocelli demo`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where the annotated picture goes; the artefact goes beside it
    #[arg(long, short, value_name = "PNG", default_value = "out/demo.png")]
    output: PathBuf,
    /// Fetch nothing: a classifier of this project's own looks at drawings of clothes
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the demo.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    if arguments.offline {
        return offline::run(&arguments);
    }
    let source = one(fetch_with_progress(MODEL, Source::PackageManager)?)?;
    let photograph = one(fetch_with_progress(PHOTOGRAPH, Source::PackageManager)?)?;
    let catalogue = Catalogue::built_in()?;
    let mut calibration = Vec::new();
    for entry in catalogue.entries().iter().filter(|entry| entry.task == "calibration") {
        calibration.extend(fetch_with_progress(&entry.name, Source::PackageManager)?);
    }
    let licence = catalogue.entry(MODEL).map(|entry| entry.licence.clone()).unwrap_or_default();

    let spinner = terminal::spinner("Quantizing BlazeFace");
    let options =
        Options { calibration, provenance: vec![("licence".to_owned(), licence)], ..Options::default() };
    let conversion = convert(&source, &options).map_err(|error| Failure::at(source.display(), error))?;
    let place = arguments.output.with_file_name("blazeface.ocelli");
    write(&place, &conversion.bytes)?;

    spinner.say("Looking at the photograph");
    let file = ArtefactFile::from_bytes(&place, &conversion.bytes);
    let artefact = file.parse()?;
    let mut memory = Memory::of(&artefact);
    let mut pipeline: HostPipeline<'_> = memory.pipeline(&file, &artefact, Through::Engine)?;
    let capture = Instant::now();
    let picture = Photograph::open(&photograph).map_err(|error| Failure::from(error.to_string()))?;
    let capture = capture.elapsed();
    let frame = picture.frame();
    let (times, found) = measure(&mut pipeline, &frame);
    let float = look_in_float(&source, &frame)?;

    let emit = Instant::now();
    let marks = answer::marks(&frame, &artefact, &pipeline.postprocess(), None);
    write(&arguments.output, &answer::annotated_png(&frame, &marks)?)?;
    let emit = emit.elapsed();
    drop(spinner);

    let report = Report {
        artefact,
        conversion,
        frame,
        capture,
        times,
        emit,
        float,
        found,
        source_bytes: bytes_of(&source)?,
    };
    if arguments.json {
        terminal::print_json(&report.as_json(&arguments.output, &place))?;
    } else {
        report.print(&arguments.output, &place)?;
    }
    Ok(Verdict::Done)
}

/// What the float model says, and how long it took.
struct Float {
    times: StageTimes,
    found: Vec<FloatDetection>,
}

/// Median times of the stages, and what was found.
fn measure(pipeline: &mut HostPipeline<'_>, frame: &Frame<'_>) -> (StageTimes, Vec<Found>) {
    let times: Vec<StageTimes> = (0..RUNS).map(|_| run_timed(pipeline, frame).0).collect();
    let found = match pipeline.postprocess() {
        Outcome::Detections(detections) => detections.found.iter().map(Found::of).collect(),
        _ => Vec::new(),
    };
    (median(&times), found)
}

fn look_in_float(source: &Path, frame: &Frame<'_>) -> Result<Float, Failure> {
    let failed =
        |error: ocelli_compiler::float_detector::FloatDetectorError| Failure::at(source.display(), error);
    let detector = FloatDetector::open(source, None).map_err(failed)?;
    let mut times = Vec::new();
    let mut found = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        let (input, transform) = detector.preprocess(frame).map_err(failed)?;
        let preprocessed = Instant::now();
        let outputs = detector.infer(input).map_err(failed)?;
        let inferred = Instant::now();
        found = detector.postprocess(&outputs, &transform);
        times.push(StageTimes {
            preprocess: preprocessed - start,
            infer: inferred - preprocessed,
            postprocess: inferred.elapsed(),
        });
    }
    Ok(Float { times: median(&times), found })
}

/// A detection in pixels, as the float side has it.
struct Found {
    score: f32,
    bounds: [f32; 4],
    keypoints: Vec<[f32; 2]>,
}

impl Found {
    fn of<const KEYPOINTS: usize>(detection: &Detection<KEYPOINTS>) -> Found {
        let pixels = |sub_pixels: i32| sub_pixels as f32 / SUBPIXELS as f32;
        let bounds = &detection.bounds;
        Found {
            score: f32::from(detection.score.0) / 65536.0,
            bounds: [bounds.left, bounds.top, bounds.right, bounds.bottom].map(pixels),
            keypoints: detection.keypoints.iter().map(|point| [pixels(point.x), pixels(point.y)]).collect(),
        }
    }
}

/// Everything that is told.
struct Report<'a> {
    artefact: Artefact<'a>,
    conversion: Conversion,
    frame: Frame<'a>,
    capture: Duration,
    times: StageTimes,
    emit: Duration,
    float: Float,
    found: Vec<Found>,
    source_bytes: u64,
}

/// How near an int8 detection is to the float one that it overlaps most.
struct Nearness {
    iou: f32,
    /// Pixels between the keypoints that are farthest apart.
    keypoint_distance: f32,
    float_score: f32,
}

impl Report<'_> {
    fn nearest(&self, found: &Found) -> Option<Nearness> {
        let iou = |float: &&FloatDetection| overlap(&found.bounds, &float.bounds);
        let float = self.float.found.iter().max_by(|a, b| iou(a).total_cmp(&iou(b)))?;
        let pairs = found.keypoints.iter().zip(&float.keypoints);
        let distances = pairs.map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
        Some(Nearness {
            iou: iou(&float),
            keypoint_distance: distances.fold(0.0, f32::max),
            float_score: float.score,
        })
    }

    /// RAM is what a device needs too; flash is the model's, without code.
    fn lines(&self) -> Vec<Line> {
        let artefact_bytes = self.artefact.bytes().len() as u64;
        let heads: usize = self
            .artefact
            .output_contracts()
            .map(|contract| match contract {
                OutputContractView::Boxes(boxes) => {
                    let of_head = |head: ocelli_format::BoxHeadView<'_>| {
                        size_of_val(head.anchors) + 8 * head.field_count()
                    };
                    // Heads that share a table have it from one place.
                    let scores = boxes.heads().map(|head| head.score_table.as_ptr()).collect::<BTreeSet<_>>();
                    boxes.heads().map(of_head).sum::<usize>() + scores.len() * size_of::<[u16; 256]>()
                }
                _ => 0,
            })
            .sum();
        let (tables, heads) = (table_bytes(&self.artefact), heads as u64);
        let scratch = scratch_bytes(&self.artefact);
        let frame_bytes = self.frame.bytes().len() as u64;
        let arena_bytes = u64::from(self.conversion.report.artefact.arena_bytes);
        // The room that `ocelli-build` gives a firmware.
        let results = size_of::<Boxes<'static, 16, 6, 64>>() as u64;
        let times = &self.times;
        let line = |name, time, ram_bytes, flash_bytes| Line { name, time, ram_bytes, flash_bytes };
        vec![
            line("capture", self.capture, Some(frame_bytes), None),
            line("preprocess", times.preprocess, Some(scratch), Some(tables)),
            line("infer", times.infer, Some(arena_bytes), Some(artefact_bytes - tables - heads)),
            line("postprocess", times.postprocess, Some(results), Some(heads)),
            line("emit", self.emit, None, None),
            line(
                "int8 model",
                times.preprocess + times.infer + times.postprocess,
                Some(scratch + arena_bytes + results),
                Some(artefact_bytes),
            ),
            line(
                "float model in tract",
                self.float.times.preprocess + self.float.times.infer + self.float.times.postprocess,
                None,
                Some(self.source_bytes),
            ),
        ]
    }

    fn print(&self, picture: &Path, artefact: &Path) -> Result<(), Failure> {
        let report = &self.conversion.report;
        terminal::print_warnings(&report.warnings);
        let names: Vec<&str> = report.calibration.iter().map(|image| image.name.as_str()).collect();
        let pictures: usize = report.calibration.iter().map(|image| image.pictures).sum();
        say!("{STRONG}BlazeFace{STRONG:#}, float as Google published it, quantized to int8.")?;
        say!(
            "{FAINT}Calibrated on {} samples made of {pictures} pictures and patches ({}), the photograph not among them.{FAINT:#}",
            report.calibration_samples,
            names.join(", ")
        )?;
        if self.found.is_empty() {
            terminal::print_warning("no face was found: please report this");
        }
        for found in &self.found {
            let [left, top, right, bottom] = found.bounds;
            say!(
                "A face at {left:.0}, {top:.0}, {:.0} x {:.0} pixels, score {:.1} %.",
                right - left,
                bottom - top,
                100.0 * found.score
            )?;
            if let Some(near) = self.nearest(found) {
                say!(
                    "Float finds it with {:.1} %: IoU {:.3}, keypoints at most {:.1} pixels apart.",
                    100.0 * near.float_score,
                    near.iou,
                    near.keypoint_distance
                )?;
            }
        }
        stages::print(&self.lines())?;
        say!("Picture: {STRONG}{}{STRONG:#}   artefact: {}", picture.display(), artefact.display())
    }

    fn as_json(&self, picture: &Path, artefact: &Path) -> serde_json::Value {
        let found = self.found.iter().map(|found| {
            let near = self.nearest(found);
            json!({
                "score": found.score,
                "bounds": found.bounds,
                "keypoints": found.keypoints,
                "float_score": near.as_ref().map(|near| near.float_score),
                "float_iou": near.as_ref().map(|near| near.iou),
                "float_keypoint_distance": near.as_ref().map(|near| near.keypoint_distance),
            })
        });
        json!({
            "picture": picture,
            "artefact": artefact,
            "detections": found.collect::<Vec<_>>(),
            "table": stages::as_json(&self.lines()),
            "conversion": self.conversion.report,
        })
    }
}

/// Bytes of the tables that pixels go through.
fn table_bytes(artefact: &Artefact<'_>) -> u64 {
    artefact.input_contracts().map(|contract| size_of_val(contract.tables) as u64).sum()
}

/// Bytes that preprocessing works in.
fn scratch_bytes(artefact: &Artefact<'_>) -> u64 {
    let columns = artefact.input_contracts().map(|contract| {
        let shape = artefact.tensor(contract.tensor).shape();
        let [_, _, width, channels] = shape.nhwc().unwrap_or_default();
        4 * width * channels
    });
    columns.sum::<usize>() as u64
}

fn one(paths: Vec<PathBuf>) -> Result<PathBuf, Failure> {
    paths
        .into_iter()
        .next()
        .ok_or_else(|| Failure::from("the catalogue has an entry without files".to_owned()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    ocelli_zoo::write_whole(path, bytes).map_err(|error| Failure::at(path.display(), error))
}

fn bytes_of(path: &Path) -> Result<u64, Failure> {
    Ok(std::fs::metadata(path).map_err(|error| Failure::at(path.display(), error))?.len())
}
