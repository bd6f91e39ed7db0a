//! The page: what it is told, and in which order it tells it.

use std::fmt::Write;

use crate::text::{escaped, thousands};
use crate::{arena, plot, table};

/// What a page tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The model.
    pub title: String,
    /// Its version, file and hash, in a line.
    pub subtitle: String,
    /// Numbers for the whole model: what, and how much.
    pub facts: Vec<(String, String)>,
    /// In order of execution.
    pub layers: Vec<Layer>,
    /// Bytes of the arena.
    pub arena_bytes: u64,
    /// What the arena holds.
    pub blocks: Vec<Block>,
    /// Where instructions were counted.
    pub machine: Option<String>,
    /// What noise was measured against, and on which input.
    pub noise: Option<String>,
    /// Own errors above so many times what rounding explains are marked.
    pub noise_limit: f64,
    /// Where the model comes from: key and value.
    pub provenance: Vec<(String, String)>,
}

/// A layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Kind of operator.
    pub operator: String,
    /// Axes of its result.
    pub shape: String,
    /// Step of the schedule.
    pub step: Option<u32>,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of its constants.
    pub weight_bytes: u64,
    /// Bytes of its result.
    pub activation_bytes: u64,
    /// Bytes that only it uses.
    pub scratch_bytes: u64,
    /// Executed instructions; of a whole row group for its last layer.
    pub instructions: Option<u64>,
    /// Instructions for a multiply-accumulate.
    pub instructions_per_mac: Option<f64>,
    /// Signal to noise against float, in decibels.
    pub sqnr_db: Option<f64>,
    /// Largest error of the layer alone, in steps of its scale.
    pub own_error_steps: Option<f64>,
    /// Its own error over what rounding explains.
    pub own_over_rounding: Option<f64>,
    /// What the memory plan does with it.
    pub plan: String,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// Bytes of the arena over a span of steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Name of the tensor, or of the operator whose scratch it is.
    pub name: String,
    /// Whether it is scratch.
    pub is_scratch: bool,
    /// First byte.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// First step.
    pub first: u32,
    /// Last step.
    pub last: u32,
    /// Rows kept of a ring.
    pub rows: Option<u16>,
}

/// The page as one HTML file.
pub fn render(page: &Page) -> String {
    let mut html = head(&page.title, &page.subtitle, &page.facts);
    for layer in &page.layers {
        if let Some(fault) = &layer.fault {
            let (name, fault) = (escaped(&layer.name), escaped(fault));
            let _ = writeln!(
                html,
                "<p class=\"fault\"><strong>{name}</strong> is the first layer that parts: {fault}</p>"
            );
            break;
        }
    }
    let names: Vec<String> =
        page.layers.iter().map(|layer| format!("{} ({})", layer.name, layer.operator)).collect();
    let mut plot = |heading: &str, note: &str, values: Vec<Option<f64>>, unit: &str, limit: Option<f64>| {
        if values.iter().any(Option::is_some) {
            let svg = plot::columns(&names, &values, unit, limit);
            section(&mut html, heading, note, &svg);
        }
    };
    let of = |value: fn(&Layer) -> Option<f64>| page.layers.iter().map(value).collect::<Vec<_>>();
    plot(
        "Work",
        "Multiply-accumulates of every layer, in order of execution. The table below names the numbers.",
        of(|layer| Some(layer.macs as f64)),
        "multiply-accumulates",
        None,
    );
    if let Some(machine) = &page.machine {
        let total: u64 = page.layers.iter().filter_map(|layer| layer.instructions).sum();
        let share = |layer: &Layer| Some(100.0 * layer.instructions? as f64 / total.max(1) as f64);
        let note = format!(
            "Percent of {} instructions on {machine} in QEMU. Instructions are not cycles.",
            thousands(total)
        );
        plot("Time", &note, page.layers.iter().map(share).collect(), "%", None);
        plot(
            "Cost of a multiply-accumulate",
            "Instructions for each, where a layer has at least a thousand of them.",
            of(|layer| layer.instructions_per_mac.filter(|_| layer.macs >= 1000)),
            "instructions",
            None,
        );
    }
    plot(
        "Weights",
        "Bytes of every layer's constants, which stay in flash.",
        of(|layer| Some(layer.weight_bytes as f64)),
        "bytes",
        None,
    );
    plot(
        "Results",
        "Bytes of what every layer computes.",
        of(|layer| Some(layer.activation_bytes as f64)),
        "bytes",
        None,
    );
    if let Some(noise) = &page.noise {
        let note = format!(
            "Signal to noise of every layer against {noise}, in decibels: errors add up from the input on."
        );
        plot("Noise", &note, of(|layer| layer.sqnr_db), "dB", None);
        plot(
            "Noise of each layer alone",
            "Root mean square of its own error over what rounding explains, in its worst channel. Far above 1 a layer is wrong.",
            of(|layer| layer.own_over_rounding),
            "times",
            Some(page.noise_limit),
        );
    }
    let note = format!(
        "The {} bytes of the arena: upwards the address, to the right the steps; a tensor lives from the layer that computes it to the last that reads it. Hatched is scratch.",
        thousands(page.arena_bytes)
    );
    section(&mut html, "Memory", &note, &arena::draw(&page.layers, &page.blocks, page.arena_bytes));
    section(&mut html, "Layers", "Sizes in bytes.", &table::draw(&page.layers));
    if !page.provenance.is_empty() {
        html.push_str("<section><h2>Where it comes from</h2><dl class=\"provenance\">");
        for (key, value) in &page.provenance {
            let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", escaped(key), escaped(value));
        }
        html.push_str("</dl></section>");
    }
    html + "</main></body></html>\n"
}

/// Everything above the first section.
pub(crate) fn head(title: &str, subtitle: &str, facts: &[(String, String)]) -> String {
    let title = escaped(title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} - Ocelli</title><style>{}</style></head><body><header><h1>{title}</h1><p>{}</p></header><main>\n",
        include_str!("page.css"),
        escaped(subtitle)
    );
    html.push_str("<dl class=\"facts\">");
    for (name, value) in facts {
        let _ = write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(value));
    }
    html + "</dl>\n"
}

pub(crate) fn section(html: &mut String, heading: &str, note: &str, content: &str) {
    if !content.is_empty() {
        let (heading, note) = (escaped(heading), escaped(note));
        let _ = writeln!(
            html,
            "<section><h2>{heading}</h2><p>{note}</p><div class=\"scroll\">{content}</div></section>"
        );
    }
}

#[cfg(test)]
mod tests;
