//! `cargo xtask models`: every vision model that we know of, converted, with what it costs and how near its int8
//! outputs come to float on photographs that calibration did not see. Falling under a model's floor in
//! `models/models.toml` fails.
//!
//! Models and photographs come through the zoo or lie beside the repository; what is not there is said to be
//! skipped.

use std::path::{Path, PathBuf};

use ocelli_compiler::convert::{Conversion, Options, convert};
use ocelli_compiler::execute::Executor;
use ocelli_compiler::float_model::FloatModel;
use ocelli_format::model::OutputContract;
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_host::Picture;
use ocelli_vision::{ImageInput, Preprocessor, scratch_words};
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
    /// A detector, held against float by what it finds.
    #[serde(default)]
    boxes: bool,
    #[serde(default)]
    light: bool,
    #[serde(default)]
    large: bool,
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

#[test]
#[ignore = "takes minutes: cargo xtask models"]
fn every_model_converts_and_stays_above_its_floor() {
    let all = std::env::var_os("OCELLI_MODELS_ALL").is_some();
    let only = std::env::var("OCELLI_MODELS_ONLY").unwrap_or_default();
    let calibration = match (files("photographs"), files("lfw-subset")) {
        (Ok(photographs), Ok(faces)) => [photographs, faces],
        (Err(reason), _) | (_, Err(reason)) => {
            return println!("skipped, without photographs to calibrate on: {reason}");
        }
    };
    let photographs = held_out();
    println!("held out: {} photographs", photographs.len());
    println!(
        "{:<38} {:>9} {:>11} {:>10}  signal to noise by output, dB",
        "model", "operators", "artefact", "arena"
    );
    let mut failed = Vec::new();
    for model in table().iter().filter(|model| model.name().contains(&only)) {
        let skipped = |reason: &str| println!("{:<38} skipped: {reason}", model.name());
        if model.large && !all {
            skipped("large; `--all` converts it");
            continue;
        }
        match model.find() {
            Ok(path) => {
                if let Err(problem) = line(model, &path, &calibration, &photographs) {
                    println!("{:<38} FAILED: {problem}", model.name());
                    failed.push(model.name().to_owned());
                }
            }
            Err(reason) => skipped(&reason),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join(", "));
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
    paths.extend(beside);
    paths.sort();
    paths.iter().filter_map(|path| Picture::decode(&std::fs::read(path).ok()?).ok()).collect()
}

/// Converts a model and prints its line; what is wrong, if anything is.
fn line(
    model: &Model,
    path: &Path,
    [pictures, faces]: &[Vec<PathBuf>; 2],
    photographs: &[Picture],
) -> Result<(), String> {
    let contract = model.contract.as_ref().map(|name| repository().join("models/contracts").join(name));
    let calibration = if model.faces { [&pictures[..], faces].concat() } else { pictures.clone() };
    let options = Options { calibration, contract, ..Options::default() };
    let conversion = convert(path, &options).map_err(|error| {
        let error = error.to_string();
        error
            .lines()
            .take(2)
            .map(|line| line.chars().take(240).collect::<String>())
            .collect::<Vec<_>>()
            .join(" ")
    })?;
    let outputs = match conversion.model.output_contracts.first() {
        // The heads of a detector are not the file's outputs. They count where anchors come near the threshold, on
        // calibration pictures; what they find on others, tests/faces.rs and tests/detectors.rs hold against float.
        Some(OutputContract::Boxes(_)) => {
            let of = |output: &ocelli_compiler::report::OutputQuality| (output.name.clone(), output.sqnr_db);
            conversion.report.outputs.iter().map(of).collect()
        }
        _ => measure(path, &conversion, photographs)?,
    };
    let report = &conversion.report.artefact;
    let shown: Vec<String> = outputs
        .iter()
        .map(|(name, db)| match db {
            // Nothing moves in it.
            ..=-1000.0 => format!("{}: -", short(name)),
            _ => format!("{}: {db:.1}", short(name)),
        })
        .collect();
    println!(
        "{:<38} {:>9} {:>11} {:>10}  {}{}",
        model.name(),
        report.layers.len(),
        conversion.bytes.len(),
        report.arena_bytes,
        shown.join(", "),
        match (model.light, model.boxes) {
            (true, _) => " (light: weights are constants)",
            (_, true) => " (near the threshold, on calibration pictures)",
            _ => "",
        }
    );
    if model.light || model.boxes {
        return Ok(());
    }
    if model.floors_db.len() != outputs.len() {
        return Err(format!("{} floors for {} outputs", model.floors_db.len(), outputs.len()));
    }
    let fallen = outputs.iter().zip(&model.floors_db).find(|((_, db), floor)| db < floor);
    match fallen {
        Some(((name, db), floor)) => Err(format!("output `{name}` has {db:.1} dB, its floor is {floor}")),
        None => Ok(()),
    }
}

fn short(name: &str) -> &str {
    name.rsplit([';', '/']).next().unwrap_or(name)
}

/// Signal to noise of every output over the photographs.
fn measure(
    path: &Path,
    conversion: &Conversion,
    photographs: &[Picture],
) -> Result<Vec<(String, f64)>, String> {
    let bytes = AlignedBytes::copy_of(&conversion.bytes);
    let artefact = Artefact::parse(&bytes).map_err(|error| error.to_string())?;
    let float = FloatModel::open(path, &artefact).map_err(|error| error.to_string())?;
    let contract = artefact.input_contracts().next().ok_or("no input contract")?;
    let image = ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape())
        .map_err(|error| error.to_string())?;
    let tables = &conversion.model.input_contracts[0].tables;
    let mut executor = Executor::new(&conversion.model).map_err(|error| error.to_string())?;
    let mut sums: Vec<Sums> = float.outputs().iter().map(|_| Sums::default()).collect();
    for picture in photographs {
        let frame = picture.frame();
        let (wanted, _) = float.run(&frame).map_err(|error| error.to_string())?;
        let mut pixels = vec![0; image.elements()];
        let mut scratch = vec![0; scratch_words(image.width, image.layout)];
        let mut preprocessor = Preprocessor::new(image, frame.width(), frame.height(), None, &mut scratch)
            .map_err(|error| error.to_string())?;
        preprocessor.frame_to_pixels(&frame, &mut pixels).map_err(|error| error.to_string())?;
        let table = |index: usize| &tables[index % image.channels() % tables.len()];
        let stored = pixels.iter().enumerate().map(|(index, &pixel)| table(index)[usize::from(pixel)]);
        let found = executor.run(&[stored.collect()]).map_err(|error| error.to_string())?;
        for (output, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
            let tensor = artefact.tensor(artefact.outputs()[output]);
            let scale = f32::from_bits(tensor.scale_bits());
            for (&wanted, &found) in wanted.iter().zip(found) {
                let real = scale * f32::from(i16::from(found) - i16::from(tensor.zero_point()));
                sums[output].add(f64::from(wanted), f64::from(real));
            }
        }
    }
    let names = float.outputs().iter().map(|(name, _)| name.clone());
    Ok(names.zip(sums.iter().map(Sums::sqnr_db)).collect())
}

/// Of an output over all photographs.
#[derive(Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
    noise: f64,
}

impl Sums {
    fn add(&mut self, float: f64, int8: f64) {
        self.count += 1.0;
        self.sum += float;
        self.squares += float * float;
        self.noise += (float - int8) * (float - int8);
    }

    /// The mean square around the mean over that of the error.
    fn sqnr_db(&self) -> f64 {
        let signal = self.squares - self.sum * self.sum / self.count.max(1.0);
        if self.noise == 0.0 {
            f64::INFINITY
        } else {
            10.0 * (signal.max(f64::MIN_POSITIVE) / self.noise).log10()
        }
    }
}
