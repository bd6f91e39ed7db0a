//! Contracts as text: a line for people, an object for machines.

use ocelli::{Artefact, InputContractView, OutputContractView, PixelLayout, ResizeMode};
use ocelli_format::{BoxDecoder, Suppression, Texts};
use serde_json::{Value, json};

use crate::terminal::thousands;

/// What an input sees, for people.
pub fn input_line(artefact: &Artefact<'_>, contract: &InputContractView<'_>) -> String {
    let values = |bits: [u32; 3]| {
        let values = bits.map(f32::from_bits);
        let is_one = values[0] == values[1] && values[1] == values[2];
        if is_one { values[0].to_string() } else { values.map(|value| value.to_string()).join("/") }
    };
    let [_, height, width, _] = artefact.tensor(contract.tensor).nhwc().unwrap_or_default();
    let fitted = match contract.resize {
        ResizeMode::Stretch => "stretched",
        ResizeMode::Letterbox => "letterboxed",
        ResizeMode::CenterCrop => "cropped around the centre",
        _ => "fitted",
    };
    format!(
        "{} frames, {fitted} to {width} x {height}, less {}, divided by {}",
        layout(contract.layout),
        values(contract.mean_bits),
        values(contract.deviation_bits)
    )
}

/// What an input sees, for machines.
pub fn input_json(artefact: &Artefact<'_>, contract: &InputContractView<'_>) -> Value {
    json!({
        "input": artefact.input_index(contract.tensor),
        "layout": layout(contract.layout),
        "resize": match contract.resize {
            ResizeMode::Stretch => "stretch",
            ResizeMode::Letterbox => "letterbox",
            ResizeMode::CenterCrop => "center-crop",
            _ => "unknown",
        },
        "border": contract.border,
        "mean": contract.mean_bits.map(f32::from_bits),
        "deviation": contract.deviation_bits.map(f32::from_bits),
    })
}

/// What outputs mean, for people.
pub fn output_line(contract: &OutputContractView<'_>) -> String {
    match contract {
        OutputContractView::Classes(classes) => format!("one of {} classes", classes.labels.len()),
        OutputContractView::Boxes(boxes) => {
            let anchors: usize = boxes.heads().map(|head| head.anchor_count()).sum();
            format!(
                "boxes ({}) with {} keypoints from {} anchors, score {:.2} or more, {} suppression above IoU {:.2}",
                some(boxes.labels),
                boxes.keypoints.len(),
                thousands(anchors as u64),
                f64::from(boxes.score_threshold) / 65536.0,
                suppression(boxes.suppression),
                f64::from(boxes.iou_threshold) / 65536.0,
            )
        }
        OutputContractView::Points(points) => {
            let of_presence = if points.presence.is_some() { ", if they are there" } else { "" };
            format!("points, {} of them named{of_presence}", points.names.len())
        }
        OutputContractView::Mask(cells) => format!("a mask ({})", some(cells.labels)),
        OutputContractView::Spots(cells) => format!("spots ({})", some(cells.labels)),
        OutputContractView::Embedding(_) => "an embedding".to_owned(),
        OutputContractView::Numbers(numbers) => format!("numbers ({})", some(numbers.names)),
        _ => "something that this version does not know".to_owned(),
    }
}

/// What outputs mean, for machines.
pub fn output_json(contract: &OutputContractView<'_>) -> Value {
    match contract {
        OutputContractView::Classes(classes) => {
            json!({ "kind": "classes", "labels": classes.labels.iter().collect::<Vec<_>>() })
        }
        OutputContractView::Boxes(boxes) => json!({
            "kind": "boxes",
            "labels": boxes.labels.iter().collect::<Vec<_>>(),
            "keypoints": boxes.keypoints.iter().collect::<Vec<_>>(),
            "anchors": boxes.heads().map(|head| head.anchor_count()).sum::<usize>(),
            "score_threshold": f64::from(boxes.score_threshold) / 65536.0,
            "iou_threshold": f64::from(boxes.iou_threshold) / 65536.0,
            "suppression": suppression(boxes.suppression),
            "decoder": match boxes.decoder {
                BoxDecoder::Linear => "linear",
                BoxDecoder::Exponential => "exponential",
                BoxDecoder::Cells => "cells",
                BoxDecoder::Distribution { .. } => "distribution",
                _ => "unknown",
            },
        }),
        OutputContractView::Points(points) => json!({
            "kind": "points",
            "names": points.names.iter().collect::<Vec<_>>(),
            "has_presence": points.presence.is_some(),
        }),
        OutputContractView::Mask(cells) => {
            json!({ "kind": "mask", "labels": cells.labels.iter().collect::<Vec<_>>() })
        }
        OutputContractView::Spots(cells) => {
            json!({ "kind": "spots", "labels": cells.labels.iter().collect::<Vec<_>>() })
        }
        OutputContractView::Embedding(_) => json!({ "kind": "embedding" }),
        OutputContractView::Numbers(numbers) => {
            json!({ "kind": "numbers", "names": numbers.names.iter().collect::<Vec<_>>() })
        }
        _ => json!({ "kind": "unknown" }),
    }
}

/// The first texts of a list.
fn some(texts: Texts<'_>) -> String {
    let first: Vec<&str> = texts.iter().take(5).collect();
    let more = if texts.len() > first.len() { ", ..." } else { "" };
    format!("{}{more}", first.join(", "))
}

fn layout(layout: PixelLayout) -> &'static str {
    match layout {
        PixelLayout::Gray => "gray",
        PixelLayout::Rgb => "rgb",
        PixelLayout::Bgr => "bgr",
        _ => "unknown",
    }
}

fn suppression(suppression: Suppression) -> &'static str {
    match suppression {
        Suppression::Hard => "hard",
        Suppression::Weighted => "weighted",
        _ => "unknown",
    }
}
