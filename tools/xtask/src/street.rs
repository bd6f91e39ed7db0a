//! `cargo xtask street`: the tracker on a real street, to look at: a contact sheet of frames with tracks.
//!
//! The video is Debian's `vtest.avi`. No detector of people that the zoo knows sees any this small, so OpenCV's
//! background subtraction stands for one, in `tests/street/street.py`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use ocelli_core::{BoundingBox, SUBPIXELS, Score};
use ocelli_simulator::{repository, target_directory};
use ocelli_vision::{Observation, Track, Tracker, TrackerOptions};

use crate::{command, python, setup};

/// Where the package `opencv-doc` puts the video.
const VIDEO: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

/// Boxes count from here on, as moving areas fill them.
const THRESHOLD: Score = Score(32_768);

/// People at once.
const TRACKS: usize = 64;

/// Tracks what moves, and draws it.
pub fn run() -> Result<()> {
    if !Path::new(VIDEO).exists() {
        setup::apt_install(&["opencv-doc"]);
    }
    if !Path::new(VIDEO).exists() {
        bail!("{VIDEO} is not there. On Debian: apt-get install opencv-doc");
    }
    let python = python::environment("street", "tests/street/requirements.txt")?;
    let script = repository()?.join("tests/street/street.py");
    let output = Command::new(&python).arg(&script).args(["boxes", VIDEO]).output()?;
    if !output.status.success() {
        bail!("street.py failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let boxes = read(&String::from_utf8(output.stdout)?)?;
    let (table, summary) = track(&boxes);
    let folder = target_directory()?.join("street-shots");
    fs::create_dir_all(&folder)?;
    let (tracks, sheet) = (folder.join("tracks.tsv"), folder.join("sheet.png"));
    fs::write(&tracks, table)?;
    command::run(Command::new(python).arg(script).args(["draw", VIDEO]).args([&tracks, &sheet]))?;
    println!("{summary}\n{}", sheet.display());
    Ok(())
}

/// Boxes by frame.
type Boxes = Vec<Vec<Observation>>;

/// Reads lines of frame, score, left, top, right, bottom.
fn read(text: &str) -> Result<Boxes> {
    let mut boxes = Boxes::new();
    for line in text.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [frame, score, edges @ ..] = &columns[..] else { bail!("no box: {line}") };
        let edges = edges.iter().map(|edge| edge.parse::<i32>()).collect::<Result<Vec<_>, _>>()?;
        let [left, top, right, bottom] = edges[..] else { bail!("no box: {line}") };
        let [left, top, right, bottom] = [left, top, right, bottom].map(|pixels| pixels * SUBPIXELS);
        let score = score.parse::<f32>().with_context(|| format!("no score: {line}"))?;
        let frame: usize = frame.parse()?;
        boxes.resize(boxes.len().max(frame + 1), Vec::new());
        boxes[frame].push(Observation {
            class_index: 0,
            score: Score((score * 65_535.0) as u16),
            bounds: BoundingBox { left, top, right, bottom },
        });
    }
    Ok(boxes)
}

/// Lines of frame, number, whether it is seen and its box; and what there is to say of all.
fn track(boxes: &Boxes) -> (String, String) {
    let mut tracker = Tracker::<TRACKS>::new(TrackerOptions::above(THRESHOLD));
    let (mut table, mut longest, mut numbers, mut most) = (String::new(), 0, 0, 0);
    for (frame, boxes) in boxes.iter().enumerate() {
        tracker.update(boxes.iter().copied());
        for track in tracker.tracks() {
            let BoundingBox { left, top, right, bottom } = track.bounds();
            let edges = [left, top, right, bottom]
                .map(|edge| format!("{:.1}", f64::from(edge) / f64::from(SUBPIXELS)));
            let seen = u8::from(track.missed_frames() == 0);
            table += &format!("{frame}\t{}\t{seen}\t{}\n", track.identity(), edges.join("\t"));
        }
        longest = longest.max(tracker.tracks().map(Track::seen_frames).max().unwrap_or(0));
        numbers = numbers.max(tracker.tracks().map(Track::identity).max().unwrap_or(0));
        most = most.max(tracker.tracks().count());
    }
    let count = boxes.iter().map(Vec::len).sum::<usize>();
    let summary = format!(
        "{} frames, {count} boxes, {numbers} tracks, {most} at once, the longest seen in {longest} frames",
        boxes.len()
    );
    (table, summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_on_keeps_its_number() {
        let line = |frame: i32| format!("{frame}\t0.9\t{}\t10\t{}\t60\n", 5 * frame, 5 * frame + 20);
        let boxes = read(&(0..20).map(line).collect::<String>()).unwrap();
        let (table, summary) = track(&boxes);
        assert_eq!(summary, "20 frames, 20 boxes, 1 tracks, 1 at once, the longest seen in 20 frames");
        assert!(table.lines().count() > 15 && table.lines().all(|line| line.contains("\t1\t1\t")), "{table}");
        assert!(read("0\t0.5\t1\t2\t3\n").is_err());
    }
}
