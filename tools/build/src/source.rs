//! The module's Rust source.
//!
//! Items carry their own `allow`, because an included file cannot hold inner attributes and hardly an
//! application uses all of them.

use std::fmt::Write;
use std::path::Path;

use crate::facts::{Facts, Outcome, Port};
use crate::names::variants;

/// The source of the module for the artefact at `path`, which has to be absolute.
pub fn module(facts: &Facts, path: &Path, detections: usize, candidates: usize) -> String {
    let mut source = String::from("// Written by ocelli-build.\n\n");
    let mut item = |doc: &str, code: String| {
        // Writing to a string cannot fail.
        let _ = write!(source, "/// {doc}\n#[allow(dead_code)]\n{code}\n\n");
    };
    let path = path.display().to_string();
    let (name, version) = (&facts.name, &facts.version);
    let operators: Vec<&str> = facts.operators.iter().map(String::as_str).collect();
    let row_groups = facts.has_row_groups.then_some("RowGroups");
    let further: Vec<&str> =
        row_groups.into_iter().chain(facts.row_operators.iter().map(String::as_str)).collect();
    item("Name of the model.", format!("pub const NAME: &str = {name:?};"));
    item("Version of the model.", format!("pub const VERSION: &str = {version:?};"));
    item(
        "Equal ids, equal outputs: SHA-256 over graph, constants and contracts.",
        format!("pub const ANSWER_ID: [u8; 32] = {:?};", facts.answer_id),
    );
    item(
        "The artefact, where kernels can read it in place.",
        format!("pub static ARTEFACT: &[u8] = ::ocelli::include_artefact!({path:?});"),
    );
    item(
        "With this the bytes need no checks on the device: `Artefact::parse_built(ARTEFACT, CHECKSUM)`.",
        format!("pub const CHECKSUM: u32 = {:#010x};", facts.checksum),
    );
    item(
        "The operators that the model uses.",
        format!(
            "pub const OPERATORS: ::ocelli::Operators = ::ocelli::ops![{}{}];",
            operators.join(", "),
            if further.is_empty() { String::new() } else { format!("; {}", further.join(", ")) }
        ),
    );
    let profile = &facts.profile;
    item("The target profile that the sizes are for.", format!("pub const PROFILE: &str = {profile:?};"));
    item(
        "Arena that a plan needs: tensors and scratch.",
        format!("pub const ARENA_BYTES: usize = {};", facts.arena_bytes),
    );
    item(
        "Words that the preprocess stage borrows.",
        format!("pub const PREPROCESS_WORDS: usize = {};", facts.preprocess_words),
    );
    ports("Input", "Inputs of the model", &facts.inputs, &mut item);
    ports("Output", "Outputs of the model", &facts.outputs, &mut item);
    match &facts.outcome {
        Outcome::Boxes { labels, keypoints } => {
            names("Class", "What a detection may be", labels, &mut item);
            names("Keypoint", "Keypoints of a detection", keypoints, &mut item);
            item("Room for objects in a frame.", format!("pub const DETECTIONS: usize = {detections};"));
            item(
                "Room for anchors above the threshold.",
                format!("pub const CANDIDATES: usize = {candidates};"),
            );
            item("Keypoints of a detection.", format!("pub const KEYPOINTS: usize = {};", keypoints.len()));
            item(
                "The pipeline around a planned model.",
                "pub type Detector<'a, I> = ::ocelli::Detector<'a, I, DETECTIONS, KEYPOINTS, CANDIDATES>;"
                    .into(),
            );
        }
        Outcome::Classes { labels } => {
            names("Class", "What a frame may show", labels, &mut item);
            item(
                "The pipeline around a planned model, with the `CLASSES` best classes.",
                "pub type Classifier<'a, I, const CLASSES: usize> = ::ocelli::Classifier<'a, I, CLASSES>;"
                    .into(),
            );
        }
        Outcome::Points { names: points } => {
            names("Landmark", "Points of what fills the frame", points, &mut item);
            pipeline("Landmarks", "Landmarks<'a>", &mut item);
        }
        Outcome::Mask { labels } => {
            names("Class", "What a cell may show", labels, &mut item);
            pipeline("Segmenter", "Segments<'a>", &mut item);
        }
        Outcome::Spots { labels } => {
            names("Class", "What a spot may be", labels, &mut item);
            item("Room for spots in a frame.", format!("pub const DETECTIONS: usize = {detections};"));
            pipeline("Spotter", "Spots<'a, DETECTIONS>", &mut item);
        }
        Outcome::Embedding => pipeline("Embedder", "Embeddings", &mut item),
        Outcome::Numbers { names: numbers } => {
            names("Number", "Numbers that a frame gives", numbers, &mut item);
            pipeline("Reader", "Readings<'a>", &mut item);
        }
        Outcome::Tensors => {}
    }
    source
}

/// The type of the pipeline around a planned model, with the one decoder that its artefact names.
fn pipeline(name: &str, decoder: &str, item: &mut impl FnMut(&str, String)) {
    item(
        "The pipeline around a planned model.",
        format!("pub type {name}<'a, I> = ::ocelli::Pipeline<'a, I, ::ocelli::{decoder}>;"),
    );
}

/// An enum of inputs or outputs with their shapes.
fn ports(name: &str, doc: &str, ports: &[Port], item: &mut impl FnMut(&str, String)) {
    let variants = variants(ports.iter().map(|port| port.name.as_str()), name);
    let port = name.to_lowercase();
    if ports.is_empty() {
        return;
    }
    enumeration(name, doc, &variants, ports.iter().map(|port| port.name.as_str()), item);
    let shape = |port: &Port| format!("&{:?}", port.shape);
    let bytes = |port: &Port| port.bytes.to_string();
    item(
        "Where and how large they are.",
        format!(
            "impl {name} {{\n    /// As `Infer::{port}` counts.\n    pub const fn index(self) -> usize {{\n        \
             self as usize\n    }}\n\n    /// Axes, outermost first.\n    \
             pub const fn shape(self) -> &'static [u32] {{\n        match self {{\n{}        }}\n    }}\n\n    \
             /// Size of all elements.\n    pub const fn bytes(self) -> usize {{\n        match self {{\n{}        }}\n    }}\n}}",
            arms(name, &variants, ports.iter().map(shape)),
            arms(name, &variants, ports.iter().map(bytes)),
        ),
    );
}

/// An enum of names with their labels.
fn names(name: &str, doc: &str, labels: &[String], item: &mut impl FnMut(&str, String)) {
    if labels.is_empty() {
        return;
    }
    let variants = variants(labels.iter().map(String::as_str), name);
    enumeration(name, doc, &variants, labels.iter().map(String::as_str), item);
    let all: Vec<String> = variants.iter().map(|variant| format!("{name}::{variant}")).collect();
    item(
        "By index, with their labels.",
        format!(
            "impl {name} {{\n    /// All, by index.\n    pub const ALL: [{name}; {}] = [{}];\n\n    \
             /// The one at `index`, or `None` beyond the last.\n    \
             pub fn from_index(index: impl Into<usize>) -> Option<{name}> {{\n        \
             {name}::ALL.get(index.into()).copied()\n    }}\n\n    \
             /// As the model has it.\n    pub const fn label(self) -> &'static str {{\n        match self {{\n{}        }}\n    }}\n}}",
            all.len(),
            all.join(", "),
            arms(name, &variants, labels.iter().map(|label| format!("{label:?}"))),
        ),
    );
}

fn enumeration<'a>(
    name: &str,
    doc: &str,
    variants: &[String],
    originals: impl Iterator<Item = &'a str>,
    item: &mut impl FnMut(&str, String),
) {
    let mut code =
        format!("#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n#[repr(u16)]\npub enum {name} {{\n");
    for (variant, original) in variants.iter().zip(originals) {
        let _ = writeln!(code, "    #[doc = {original:?}]\n    {variant},");
    }
    code.push('}');
    item(&format!("{doc}."), code);
}

fn arms(name: &str, variants: &[String], values: impl Iterator<Item = String>) -> String {
    let mut arms = String::new();
    for (variant, value) in variants.iter().zip(values) {
        let _ = writeln!(arms, "            {name}::{variant} => {value},");
    }
    arms
}
