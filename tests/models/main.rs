//! `cargo xtask models`: every vision model that we know of, converted, with what it costs and how near its int8
//! outputs come to float on photographs that calibration did not see. Falling under a model's floor in
//! `models/models.toml` fails, and so does a compiler that holds more memory than it may.
//!
//! Models and photographs come through the zoo or lie beside the repository; what is not there is said to be
//! skipped.

mod crops;
mod measure;
mod memory;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crops::{Crops, Thing};
use measure::{Quality, Runner, measure};
use ocelli_compiler::convert::{Conversion, Options, convert};
use ocelli_compiler::float_detector::FloatDetector;
use ocelli_format::model::OutputContract;
use ocelli_host::Picture;
use ocelli_zoo::{Cache, Catalogue, Source, fetch};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    models: Vec<Model>,
}

/// A line of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    /// Name of the file inside the zoo's entry.
    file: Option<String>,
    entry: Option<String>,
    /// Path in `../shared/models`.
    shared: Option<String>,
    contract: Option<String>,
    /// The least signal to noise of each output, in decibels.
    #[serde(default)]
    floors_db: Vec<f64>,
    /// Why a floor is below 20.
    card: Option<String>,
    /// Calibrated on pictures with faces as well.
    #[serde(default)]
    faces: bool,
    /// What the model looks at, cut out of photographs by a detector.
    crop: Option<Thing>,
    /// Outputs that also mean something where the thing is not: they are measured on both.
    #[serde(default)]
    everywhere: Vec<usize>,
    /// The most noise that an output may have on held-out calibration samples, for which activations become int16.
    drop_percent: Option<f64>,
    /// A detector, held against float by what it finds.
    #[serde(default)]
    boxes: bool,
    #[serde(default)]
    light: bool,
}

impl Model {
    fn name(&self) -> &str {
        let path = self.shared.as_deref().or(self.file.as_deref()).unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Where the model lies, or why it is not there.
    fn find(&self) -> Result<PathBuf, String> {
        if let Some(shared) = &self.shared {
            let path = repository().join("../shared/models").join(shared);
            return if path.exists() { Ok(path) } else { Err(format!("{} is not there", path.display())) };
        }
        let entry = self.entry.as_deref().expect("a model has an entry or a place");
        let found = files(entry)?.into_iter().find(|path| path.ends_with(self.name()));
        Ok(found.unwrap_or_else(|| panic!("entry {entry} has no file {}", self.name())))
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of an entry of the zoo, or why they cannot be had here.
fn files(entry: &str) -> Result<Vec<PathBuf>, String> {
    let (catalogue, cache) = (Catalogue::built_in().unwrap(), Cache::of_user().unwrap());
    fetch(&catalogue, &cache, entry, Source::PackageManager, |_| {}).map_err(|error| {
        assert!(error.is_unavailable(), "{error}; {}", error.advice().unwrap_or_default());
        error.to_string()
    })
}

fn table() -> Vec<Model> {
    let text = std::fs::read_to_string(repository().join("models/models.toml")).unwrap();
    toml::from_str::<Table>(&text).unwrap().models
}

#[test]
fn low_floors_have_a_reason() {
    for model in table() {
        let reasoned = model.card.as_deref().is_some_and(|card| card.len() > 20);
        let floors = &model.floors_db;
        let has_floor = !floors.is_empty() && floors.iter().all(|&floor| floor >= 20.0);
        assert!(model.light || model.boxes || has_floor || reasoned, "{}", model.name());
        assert!(
            model.shared.is_some() != (model.entry.is_some() && model.file.is_some()),
            "{}",
            model.name()
        );
    }
}

/// Says which model this process converts; each has one, so that its peak of memory is its own.
const CHILD: &str = "OCELLI_MODELS_CHILD";

#[test]
#[ignore = "takes minutes: cargo xtask models"]
fn every_model_converts_and_stays_above_its_floor() {
    if let Ok(name) = std::env::var(CHILD) {
        return child(&name);
    }
    let only = std::env::var("OCELLI_MODELS_ONLY").unwrap_or_default();
    if let Err(reason) = files("photographs").and_then(|_| files("lfw-subset")) {
        return println!("skipped, without photographs to calibrate on: {reason}");
    }
    println!(
        "{:<38} {:>9} {:>11} {:>10} {:>8} {:>8}  signal to noise by output, dB",
        "model", "operators", "artefact", "arena", "peak MB", "seconds"
    );
    let mut failed = Vec::new();
    for model in table().iter().filter(|model| model.name().contains(&only)) {
        print!("{:<38} ", model.name());
        std::io::stdout().flush().unwrap();
        if let Err(reason) = model.find() {
            println!("skipped: {reason}");
            continue;
        }
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "every_model_converts_and_stays_above_its_floor", "--nocapture"]);
        let output = child.env(CHILD, model.name()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        // The harness prints around it.
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(LINE));
        println!("{}", lines.next().unwrap_or("stopped unexpectedly"));
        lines.for_each(|line| println!("{:<38} {line}", ""));
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            println!(
                "{:<38} FAILED: {}",
                "",
                errors
                    .lines()
                    .find(|line| !line.is_empty() && !line.contains("panicked at"))
                    .unwrap_or_default()
            );
            failed.push(model.name().to_owned());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join(", "));
}

/// What a child's line of the table starts with.
const LINE: &str = "line: ";

/// Converts one model, prints its line and panics with what is wrong.
fn child(name: &str) {
    let calibration = [files("photographs").unwrap(), files("lfw-subset").unwrap()];
    let bench = Bench { calibration, photographs: held_out() };
    let table = table();
    let model = table.iter().find(|model| model.name() == name).unwrap();
    if let Err(problem) = bench.line(model, &model.find().unwrap()) {
        panic!("{problem}");
    }
}

/// Photographs that are in no calibration.
fn held_out() -> Vec<Picture> {
    let mut paths: Vec<PathBuf> = ["astronaut", "group-photographs"]
        .into_iter()
        .filter_map(|entry| files(entry).ok())
        .flatten()
        .collect();
    let shared = repository().join("../shared/data/photos");
    let beside = std::fs::read_dir(shared).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    paths.extend(beside.filter(|path| !path.to_string_lossy().contains("_mask")));
    paths.sort();
    paths.iter().filter_map(|path| Picture::decode(&std::fs::read(path).ok()?).ok()).collect()
}

/// What models are converted and measured with.
struct Bench {
    /// Photographs, and faces to paste into them.
    calibration: [Vec<PathBuf>; 2],
    photographs: Vec<Picture>,
}

impl Bench {
    /// Converts a model and prints its line; what is wrong, if anything is.
    fn line(&self, model: &Model, path: &Path) -> Result<(), String> {
        let started = Instant::now();
        let crops = model.crop.map(|thing| self.cut(thing)).transpose()?;
        let (conversion, peak) = memory::peak_of(|| self.convert(model, path, crops.as_ref()));
        let conversion = conversion?;
        let outputs = self.measure(model, path, &conversion, crops.as_ref())?;
        let report = &conversion.report.artefact;
        println!(
            "\n{LINE}{:>9} {:>11} {:>10} {:>8} {:>8.1}  {}",
            report.layers.len(),
            conversion.bytes.len(),
            report.arena_bytes,
            peak.map_or_else(|| "-".into(), |bytes| format!("{:.0}", bytes as f64 / 1e6)),
            started.elapsed().as_secs_f64(),
            shown(model, &outputs),
        );
        if let Some(lost) = most_lost(&conversion.report.warnings) {
            println!("{LINE}most is lost in {lost}");
        }
        let allowed = 4 * size_bytes(path, &conversion) + (256 << 20);
        if let Some(peak) = peak.filter(|&peak| peak > allowed) {
            return Err(format!("the compiler held {peak} bytes, more than {allowed}"));
        }
        if model.light || model.boxes {
            return Ok(());
        }
        if model.floors_db.len() != outputs.len() {
            return Err(format!("{} floors for {} outputs", model.floors_db.len(), outputs.len()));
        }
        let fallen = outputs.iter().zip(&model.floors_db).find(|(output, floor)| output.sqnr_db < **floor);
        match fallen {
            Some((output, floor)) => {
                Err(format!("output `{}` has {:.1} dB, its floor is {floor}", output.name, output.sqnr_db))
            }
            None => Ok(()),
        }
    }

    fn convert(&self, model: &Model, path: &Path, crops: Option<&Crops>) -> Result<Conversion, String> {
        let [pictures, faces] = &self.calibration;
        let mut calibration = pictures.clone();
        calibration.extend(crops.iter().flat_map(|crops| &crops.calibration).cloned());
        calibration.extend(faces.iter().filter(|_| model.faces).cloned());
        let contract = model.contract.as_ref().map(|name| repository().join("models/contracts").join(name));
        let drop_percent = model.drop_percent;
        let options = Options { calibration, contract, drop_percent, ..Options::default() };
        convert(path, &options).map_err(|error| {
            let error = error.to_string();
            let lines = error.lines().take(2).map(|line| line.chars().take(240).collect::<String>());
            lines.collect::<Vec<_>>().join(" ")
        })
    }

    /// How near the outputs come to float.
    fn measure(
        &self,
        model: &Model,
        path: &Path,
        conversion: &Conversion,
        crops: Option<&Crops>,
    ) -> Result<Vec<Quality>, String> {
        if let Some(OutputContract::Boxes(_)) = conversion.model.output_contracts.first() {
            // The heads of a detector are not the file's outputs. They count where anchors come near the threshold,
            // on calibration pictures; what they find on others, tests/faces.rs and tests/detectors.rs hold against
            // float.
            return Ok(conversion.report.outputs.iter().map(Quality::of_head).collect());
        }
        if model.light {
            let outputs = Runner::new(conversion)?.run(&self.photographs[0])?;
            return if outputs.iter().all(Vec::is_empty) { Err("no output".into()) } else { Ok(Vec::new()) };
        }
        match crops {
            Some(Crops { with, without, .. }) => measure(path, conversion, with, without, &model.everywhere),
            None => measure(path, conversion, &self.photographs, &[], &[]),
        }
    }

    /// Cuts the crops that show a thing out of the photographs.
    fn cut(&self, thing: Thing) -> Result<Crops, String> {
        let (entry, file) = crops::detector(thing);
        let found = files(entry)?.into_iter().find(|path| path.ends_with(file));
        let path = found.ok_or_else(|| format!("entry {entry} has no file {file}"))?;
        let detector = FloatDetector::open(&path, None).map_err(|error| error.to_string())?;
        let crops = Crops::cut(thing, &detector, &self.photographs, crops::folder(thing));
        if crops.with.is_empty() || crops.calibration.is_empty() {
            return Err(format!("{file} finds no {thing:?} in the photographs"));
        }
        Ok(crops)
    }
}

/// The outputs' part of a line.
fn shown(model: &Model, outputs: &[Quality]) -> String {
    let of_output = |output: &Quality| {
        let name = last_part(&output.name);
        match output.why_not {
            Some(why_not) => format!("{name}: {why_not}"),
            None => format!("{name}: {:.1}", output.sqnr_db),
        }
    };
    let shown: Vec<String> = outputs.iter().map(of_output).collect();
    let remark = match (model.light, model.boxes, model.crop) {
        (true, ..) => "runs; its weights are constants".into(),
        (_, true, _) => " (near the threshold, on calibration pictures)".into(),
        (.., Some(thing)) => format!(" (on crops of {thing:?})").to_lowercase(),
        _ => String::new(),
    };
    shown.join(", ") + &remark
}

/// The layers that lose most, by the last parts of their names, where an output is warned of.
fn most_lost(warnings: &[String]) -> Option<String> {
    let (_, lost) = warnings.iter().find_map(|warning| warning.split_once("most is lost in "))?;
    let (lost, _) = lost.split_once("; give more")?;
    let parts = lost.split('"').enumerate();
    Some(parts.map(|(index, part)| if index % 2 == 1 { last_part(part) } else { part }).collect())
}

/// What tells a layer of a TensorFlow model from the others.
fn last_part(name: &str) -> &str {
    let mut parts = name.split(';').filter(|part| !part.contains("ReadVariableOp"));
    parts.next_back().unwrap_or(name).trim_start_matches("model_1/model/")
}

/// Bytes of a model in float, whether its file holds them or says how to make them.
fn size_bytes(path: &Path, conversion: &Conversion) -> u64 {
    let constants = conversion.graph.tensors.iter().filter_map(|tensor| Some(tensor.data.as_ref()?.len()));
    let file = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    file.max(4 * constants.sum::<usize>() as u64)
}
