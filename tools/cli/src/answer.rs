//! Answers told: to machines as JSON, to people as lines, and as what is drawn over the frame.

use ocelli::{Artefact, Frame, Mask, Outcome, OutputContractView, Point, SUBPIXELS};
use ocelli_format::Texts;
use ocelli_live::{Colour, Mark, Picture, colour_of_class};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::session::{HostOutcome, HostTracker};
use crate::tracks;

/// The name of a class: its label, or its number where there is none.
pub fn class_name(artefact: &Artefact<'_>, class_index: u16) -> String {
    let label = match artefact.output_contracts().next() {
        Some(OutputContractView::Boxes(boxes)) => boxes.labels.get(class_index.into()),
        Some(OutputContractView::Classes(classes)) => classes.labels.get(class_index.into()),
        Some(OutputContractView::Mask(cells) | OutputContractView::Spots(cells)) => {
            cells.labels.get(class_index.into())
        }
        _ => None,
    };
    label.map_or_else(|| format!("class {class_index}"), str::to_owned)
}

/// An answer for machines: pixels with their fractions, scores from 0 to 1.
pub fn outcome_json(
    artefact: &Artefact<'_>,
    outcome: &HostOutcome<'_>,
    tracker: Option<&HostTracker>,
) -> Value {
    let score = |score: ocelli::Score| f64::from(score.0) / 65536.0;
    let class = |index: u16| class_name(artefact, index);
    match outcome {
        Outcome::Detections(detections) => {
            let keypoint_names: Vec<&str> = match artefact.output_contracts().next() {
                Some(OutputContractView::Boxes(boxes)) => boxes.keypoints.iter().collect(),
                _ => vec![],
            };
            let found = tracks::counting(detections, tracker).into_iter().map(|index| {
                let detection = &detections.found[index];
                let keypoints = keypoint_names.iter().zip(&detection.keypoints);
                let keypoints: Vec<_> = keypoints
                    .map(|(name, point)| json!({ "name": name, "x": pixels(point.x), "y": pixels(point.y) }))
                    .collect();
                let bounds = &detection.bounds;
                let mut told = json!({
                    "class": class(detection.class_index),
                    "score": score(detection.score),
                    "left": pixels(bounds.left),
                    "top": pixels(bounds.top),
                    "right": pixels(bounds.right),
                    "bottom": pixels(bounds.bottom),
                    "keypoints": keypoints,
                });
                if tracker.is_some() {
                    told["track"] = json!(tracks::identity(tracker, index));
                }
                told
            });
            let mut answer = json!({
                "detections": found.collect::<Vec<_>>(),
                "overflowed_candidates": detections.overflowed_candidates,
                "overflowed_detections": detections.overflowed_detections,
            });
            if let Some(tracker) = tracker {
                answer["tracks"] = tracks::tracks_json(artefact, tracker);
            }
            answer
        }
        Outcome::Classes(classes) => {
            let classes = classes
                .iter()
                .map(|best| json!({ "class": class(best.class_index), "score": score(best.score) }));
            json!({ "classes": classes.collect::<Vec<_>>() })
        }
        Outcome::Points(points) => {
            let names = names(artefact);
            let found = points.iter().enumerate().map(|(index, point)| match names.get(index) {
                Some(name) => json!({ "name": name, "x": pixels(point.x), "y": pixels(point.y) }),
                None => json!({ "x": pixels(point.x), "y": pixels(point.y) }),
            });
            json!({
                "is_present": points.is_present(),
                "presence": points.presence().map(score),
                "points": found.collect::<Vec<_>>(),
            })
        }
        Outcome::Mask(mask) => {
            let shares = shares(mask).into_iter();
            let labels = shares.map(|(label, share)| json!({ "class": class(label), "share": share }));
            // A number a cell: 0 for background, else one more than the class.
            let cells = (0..mask.rows()).map(|row| {
                let cell = |column| mask.cell(row, column).map_or(0, |(label, _)| u32::from(label) + 1);
                (0..mask.columns()).map(cell).collect::<Vec<_>>()
            });
            json!({ "shares": labels.collect::<Vec<_>>(), "cells": cells.collect::<Vec<_>>() })
        }
        Outcome::Embedding(embedding) => {
            let unit = embedding.unit().map(|number| f64::from(number) / 32768.0);
            json!({ "embedding": unit.collect::<Vec<_>>() })
        }
        Outcome::Numbers(numbers) => {
            let found = names(artefact).into_iter().enumerate().filter_map(|(index, name)| {
                Some(json!({ "name": name, "value": f64::from(numbers.get(index)?) / 65536.0 }))
            });
            json!({ "numbers": found.collect::<Vec<_>>() })
        }
        _ => json!({}),
    }
}

/// Names of points or numbers.
fn names(artefact: &Artefact<'_>) -> Vec<String> {
    let texts = match artefact.output_contracts().next() {
        Some(OutputContractView::Points(points)) => points.names,
        Some(OutputContractView::Numbers(numbers)) => numbers.names,
        _ => Texts::default(),
    };
    texts.iter().map(str::to_owned).collect()
}

/// The share of cells that show each label, largest first; labels that none shows are left out.
fn shares(mask: &Mask<'_, '_>) -> Vec<(u16, f64)> {
    let mut counts = std::collections::BTreeMap::new();
    for row in 0..mask.rows() {
        for (label, _) in (0..mask.columns()).filter_map(|column| mask.cell(row, column)) {
            *counts.entry(label).or_insert(0) += 1;
        }
    }
    let cells = (mask.rows() * mask.columns()).max(1);
    let mut shares: Vec<_> =
        counts.into_iter().map(|(label, count)| (label, f64::from(count) / cells as f64)).collect();
    shares.sort_by(|left, right| right.1.total_cmp(&left.1));
    shares
}

/// An answer for people, a line each.
pub fn outcome_lines(
    artefact: &Artefact<'_>,
    outcome: &HostOutcome<'_>,
    tracker: Option<&HostTracker>,
) -> Vec<String> {
    let named = |name: String, score: ocelli::Score| {
        format!("{name:<14} {:>5.1} %", f64::from(score.per_mille()) / 10.0)
    };
    let line = |class_index: u16, score| named(class_name(artefact, class_index), score);
    match outcome {
        Outcome::Detections(detections) => {
            let mut lines: Vec<String> = tracks::counting(detections, tracker)
                .into_iter()
                .map(|index| {
                    let detection = &detections.found[index];
                    let bounds = &detection.bounds;
                    let name =
                        detection_name(artefact, detection.class_index, tracks::identity(tracker, index));
                    let line = named(name, detection.score);
                    let [left, top, width, height] =
                        [bounds.left, bounds.top, bounds.width(), bounds.height()].map(pixels);
                    format!("{line}   {width:.0} x {height:.0} pixels at {left:.0}, {top:.0}")
                })
                .collect();
            lines.extend(tracks::hidden_lines(artefact, tracker));
            if lines.is_empty() {
                lines.push("nothing found".to_owned());
            }
            if detections.overflowed_detections > 0 {
                lines.push(format!("and {} more than fit", detections.overflowed_detections));
            }
            if detections.overflowed_candidates > 0 {
                lines.push(format!("{} candidates were left out", detections.overflowed_candidates));
            }
            lines
        }
        Outcome::Classes(classes) => classes.iter().map(|best| line(best.class_index, best.score)).collect(),
        Outcome::Points(points) => {
            let presence = points.presence().map_or(String::new(), |score| {
                format!(", presence {:.1} %", f64::from(score.per_mille()) / 10.0)
            });
            let count = points.len();
            vec![match points.is_present() {
                true => format!("{count} points{presence}"),
                false => format!("nothing there: {count} points that do not count{presence}"),
            }]
        }
        Outcome::Mask(mask) => {
            let line = |(label, share): (u16, f64)| {
                format!("{:<14} {:>5.1} % of the cells", class_name(artefact, label), 100.0 * share)
            };
            let lines: Vec<String> = shares(mask).into_iter().map(line).collect();
            if lines.is_empty() { vec!["nothing but background".to_owned()] } else { lines }
        }
        Outcome::Embedding(embedding) => {
            vec![format!("an embedding of {} numbers: see --json", embedding.len())]
        }
        Outcome::Numbers(numbers) => {
            let line = |(index, name): (usize, String)| {
                let value = f64::from(numbers.get(index).unwrap_or_default()) / 65536.0;
                format!("{name:<14} {value:>9.3}")
            };
            names(artefact).into_iter().enumerate().map(line).collect()
        }
        _ => vec!["tensors without a contract: see --json".to_owned()],
    }
}

/// What is drawn over the frame that was answered, in this order.
pub fn marks(
    frame: &Frame<'_>,
    artefact: &Artefact<'_>,
    outcome: &HostOutcome<'_>,
    tracker: Option<&HostTracker>,
) -> Vec<Mark> {
    match outcome {
        Outcome::Detections(detections) => {
            let mut marks = tracks::hidden_marks(artefact, tracker);
            // The best last, on top.
            for index in tracks::counting(detections, tracker).into_iter().rev() {
                let detection = &detections.found[index];
                let identity = tracks::identity(tracker, index);
                let colour = identity.map_or(colour_of_class(detection.class_index), tracks::colour_of_track);
                marks.push(Mark::Outline(detection.bounds, colour));
                marks.extend(detection.keypoints.iter().map(|&point| Mark::Dot(point, colour)));
                let per_mille = detection.score.per_mille();
                let name = detection_name(artefact, detection.class_index, identity);
                let text = format!("{name} {:.1} %", f64::from(per_mille) / 10.0);
                marks.push(Mark::Label(detection.bounds, text, colour));
            }
            marks
        }
        Outcome::Points(points) if points.is_present() => {
            // Many points are small ones, or they would hide each other and the face.
            let is_crowd = points.len() > 40;
            let mark = |(index, point)| match is_crowd {
                true => Mark::Speck(point, colour_of_class(0)),
                false => Mark::Dot(point, colour_of_class(index as u16)),
            };
            points.iter().enumerate().map(mark).collect()
        }
        Outcome::Mask(mask) => vec![Mark::Tint(tint(mask, frame.width(), frame.height()))],
        _ => vec![],
    }
}

/// The frame with its marks, as the bytes of a PNG file.
pub fn annotated_png(frame: &Frame<'_>, marks: &[Mark]) -> Result<Vec<u8>, Failure> {
    let mut picture = Picture::of(frame).map_err(|error| Failure::at("drawing", error))?;
    picture.draw(marks);
    picture.to_png().map_err(|error| Failure::at("PNG", error))
}

/// The colour of every pixel that shows something, by the cell that its centre lies in.
fn tint(mask: &Mask<'_, '_>, width: usize, height: usize) -> Vec<Option<Colour>> {
    let centre = |pixel: usize| pixel as i32 * SUBPIXELS + SUBPIXELS / 2;
    let colour = |x: usize, y: usize| {
        let (row, column) = mask.cell_at(Point { x: centre(x), y: centre(y) })?;
        mask.cell(row, column).map(|(label, _)| colour_of_class(label))
    };
    (0..height).flat_map(|y| (0..width).map(move |x| colour(x, y))).collect()
}

/// The class of a detection, and who it is where that is known.
fn detection_name(artefact: &Artefact<'_>, class_index: u16, identity: Option<u32>) -> String {
    let name = class_name(artefact, class_index);
    identity.map_or(name.clone(), |identity| format!("{name} #{identity}"))
}

/// Sub-pixels as pixels with their fraction.
pub fn pixels(sub_pixels: i32) -> f64 {
    f64::from(sub_pixels) / f64::from(SUBPIXELS)
}
