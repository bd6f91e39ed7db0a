//! `ocelli demo --offline`: a classifier of this project's own looks at drawings; nothing is fetched, nothing quantized.

use std::time::{Duration, Instant};

use ocelli::{Artefact, BoundingBox, Classification, Frame, Outcome, PixelFormat};
use ocelli_live::{Mark, colour_of_class};
use serde_json::json;

use super::drawings::{self, Drawing, SIDE};
use super::stages::{self, Line, RUNS, median};
use super::{Arguments, scratch_bytes, table_bytes, write};
use crate::answer::{annotated_png, class_name};
use crate::artefact_file::ArtefactFile;
use crate::failure::{Failure, Verdict};
use crate::host_model::Through;
use crate::session::{HostPipeline, Memory, PROFILE, StageTimes, run_timed};
use crate::terminal::{self, FAINT, STRONG, say};

/// `models/lenet-300-100`, whose card tells data, recipe and figures.
const MODEL: &[u8] = include_bytes!("../../../../../models/lenet-300-100/lenet-300-100.ocelli");

/// What the model says of a drawing.
struct Seen {
    drawn: &'static str,
    class_index: u16,
    name: String,
    score: f64,
}

/// Runs the model on every drawing.
pub(super) fn run(arguments: &Arguments) -> Result<Verdict, Failure> {
    let place = arguments.output.with_file_name("lenet-300-100.ocelli");
    write(&place, MODEL)?;
    let file = ArtefactFile::from_bytes(&place, MODEL);
    let artefact = file.parse()?;
    let mut memory = Memory::of(&artefact);
    let mut pipeline: HostPipeline<'_> = memory.pipeline(&file, &artefact, Through::Engine)?;

    let capture = Instant::now();
    let drawings = drawings::all();
    let capture = capture.elapsed() / drawings.len().max(1) as u32;
    let mut times = Vec::new();
    let mut seen = Vec::new();
    for drawing in &drawings {
        let frame = drawing.frame()?;
        times.extend((0..RUNS).map(|_| run_timed(&mut pipeline, &frame).0));
        if let Outcome::Classes([best, ..]) = pipeline.postprocess() {
            seen.push(Seen {
                drawn: drawing.name,
                class_index: best.class_index,
                name: class_name(&artefact, best.class_index),
                score: f64::from(best.score.0) / 65536.0,
            });
        }
    }
    let emit = Instant::now();
    write(&arguments.output, &sheet(&drawings, &seen)?)?;
    let lines = lines(&artefact, capture, median(&times), emit.elapsed());

    if arguments.json {
        let told = |seen: &Seen| json!({ "drawn": seen.drawn, "class": seen.name, "score": seen.score });
        terminal::print_json(&json!({
            "picture": arguments.output,
            "artefact": place,
            "drawings": seen.iter().map(told).collect::<Vec<_>>(),
            "table": stages::as_json(&lines),
        }))?;
        return Ok(Verdict::Done);
    }
    say!("{STRONG}LeNet-300-100{STRONG:#}, trained, pruned and clustered by this project on Fashion-MNIST.")?;
    say!(
        "{FAINT}It looks at drawings, which are none of its kind; models/lenet-300-100 tells how good it is.{FAINT:#}"
    )?;
    for Seen { drawn, name, score, .. } in &seen {
        let wrong = if name == drawn { "" } else { ", which is wrong" };
        say!("A drawing of a {drawn}: {name}, score {:.1} %{wrong}.", 100.0 * score)?;
    }
    stages::print(&lines)?;
    say!("Picture: {STRONG}{}{STRONG:#}   artefact: {}", arguments.output.display(), place.display())?;
    Ok(Verdict::Done)
}

/// As of the demo with a network, of one drawing.
fn lines(artefact: &Artefact<'_>, capture: Duration, times: StageTimes, emit: Duration) -> Vec<Line> {
    let (flash, tables, scratch) =
        (artefact.bytes().len() as u64, table_bytes(artefact), scratch_bytes(artefact));
    let arena = artefact.schedule_for(PROFILE).map_or(0, |schedule| u64::from(schedule.arena_bytes));
    let results = size_of::<[Classification; 1]>() as u64;
    let line = |name, time, ram_bytes, flash_bytes| Line { name, time, ram_bytes, flash_bytes };
    vec![
        line("capture", capture, Some((SIDE * SIDE) as u64), None),
        line("preprocess", times.preprocess, Some(scratch), Some(tables)),
        line("infer", times.infer, Some(arena), Some(flash - tables)),
        line("postprocess", times.postprocess, Some(results), None),
        line("emit", emit, None, None),
        line(
            "int8 model",
            times.preprocess + times.infer + times.postprocess,
            Some(scratch + arena + results),
            Some(flash),
        ),
    ]
}

/// All drawings enlarged, with what the model says above each, as a PNG file's bytes.
fn sheet(drawings: &[Drawing], seen: &[Seen]) -> Result<Vec<u8>, Failure> {
    const COLUMNS: usize = 4;
    const ZOOM: usize = 6;
    const HEADING: usize = 24;
    const GAP: usize = 8;
    const PAPER: u8 = 40;
    let (step_x, step_y) = (SIDE * ZOOM + GAP, SIDE * ZOOM + HEADING + GAP);
    let (width, height) = (COLUMNS * step_x + GAP, drawings.len().div_ceil(COLUMNS) * step_y + GAP);
    let corner = |index: usize| [GAP + index % COLUMNS * step_x, GAP + HEADING + index / COLUMNS * step_y];
    let mut pixels = vec![PAPER; width * height];
    for (index, drawing) in drawings.iter().enumerate() {
        let [left, top] = corner(index);
        for y in 0..SIDE * ZOOM {
            let row = &drawing.pixels[y / ZOOM * SIDE..][..SIDE];
            let place = &mut pixels[(top + y) * width + left..][..SIDE * ZOOM];
            place.iter_mut().enumerate().for_each(|(x, pixel)| *pixel = row[x / ZOOM]);
        }
    }
    let frame = Frame::new(&pixels, width, height, PixelFormat::Gray8)
        .map_err(|error| Failure::at("the sheet of drawings", error))?;
    let mark = |(index, seen): (usize, &Seen)| {
        let [left, top] = corner(index).map(|edge| edge as i32 * ocelli::SUBPIXELS);
        let bounds = BoundingBox { left, top, right: left, bottom: top };
        let text = format!("{} {:.1} %", seen.name, 100.0 * seen.score);
        Mark::Label(bounds, text, colour_of_class(seen.class_index))
    };
    annotated_png(&frame, &seen.iter().enumerate().map(mark).collect::<Vec<_>>())
}
