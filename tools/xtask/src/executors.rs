//! `ocelli run` on every model at hand: an artefact gives the same bytes in the engine and through tract, and a
//! float model the numbers of other engines.
//!
//! Models lie beside the repository or come through the zoo. What onnxruntime and LiteRT answer stands in
//! `tests/golden/floats.tsv`, with its generator beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use ocelli_simulator::{repository, target_directory};
use serde::Deserialize;

use crate::golden;

/// A program `ocelli` somewhere.
pub struct Program {
    /// Where it runs.
    pub title: String,
    /// What starts it: the program, or an emulator with its arguments up to the program.
    pub start: Vec<String>,
}

/// Runs all models on this machine's program and on these.
pub fn run(others: &[Program]) -> Result<()> {
    let start = vec![golden::program()?.display().to_string()];
    let own = Program { title: "this machine".to_owned(), start };
    let models = own.models()?;
    if models.artefacts.is_empty() && models.floats.is_empty() {
        println!(
            "skipped: executors (there is no model beside the repository, and none comes through the zoo)"
        );
        return Ok(());
    }
    [&own].into_iter().chain(others).try_for_each(|program| program.check(&models))
}

/// What every program runs.
struct Models {
    artefacts: Vec<Artefact>,
    floats: Vec<FloatModel>,
}

/// A compiled model, and this machine's answers from the engine.
struct Artefact {
    path: PathBuf,
    answers: [String; SEEDS.len()],
}

/// A model as it came, and what another engine answers.
struct FloatModel {
    path: PathBuf,
    answers: Vec<FloatAnswer>,
}

/// Seeds of the inputs of artefacts.
const SEEDS: [u32; 2] = [5, 901];

/// Models that see no pictures, so that nothing here could quantize them: they run in float alone.
const FLOAT_ALONE: [&str; 2] = ["ad01_fp32.tflite", "kws_ref_model_float32.tflite"];

/// Entries of the zoo that are run besides what lies beside the repository.
const ENTRIES: [&str; 3] = ["blazeface", "person", "light-onnx"];

/// The entry whose networks have constants for weights: two of them run in float, and none is quantized.
const CONSTANT_WEIGHTS: &str = "light_";

impl Program {
    /// `ocelli` with these arguments; its output when it ends well.
    fn output(&self, arguments: &[&str]) -> Result<Output> {
        let output = Command::new(&self.start[0]).args(&self.start[1..]).args(arguments).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("`ocelli {}` on {}:\n{said}", arguments.join(" "), self.title);
        }
        Ok(output)
    }

    /// Finds the models, converts them, and asks the engine.
    fn models(&self) -> Result<Models> {
        let mut sources = Vec::new();
        let shared = repository()?.join("../shared");
        if shared.exists() {
            model_files(&shared.join("models"), &mut sources)?;
            sources.sort();
        }
        ENTRIES.iter().for_each(|entry| sources.extend(self.zoo(entry)));
        let photos = shared.join("data/photos");
        let pictures = if photos.exists() { vec![photos] } else { self.zoo("photographs") };
        let folder = target_directory()?.join("executors");
        fs::create_dir_all(&folder)?;

        let table = fs::read_to_string(repository()?.join("tests/golden/floats.tsv"))?;
        let (mut artefacts, mut floats) = (Vec::new(), Vec::new());
        for source in sources {
            let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let answers = answers_of(&table, &name)?;
            if !answers.is_empty() {
                floats.push(FloatModel { path: source.clone(), answers });
            }
            if FLOAT_ALONE.contains(&name.as_str()) || name.starts_with(CONSTANT_WEIGHTS) {
                continue;
            }
            let path = folder.join(format!("{name}.ocelli"));
            let mut words = vec!["convert", text(&source)?, "--output", text(&path)?, "--calibration"];
            words.extend(pictures.iter().map(|path| text(path)).collect::<Result<Vec<_>>>()?);
            self.output(&words)?;
            let answers = [self.answer(&path, SEEDS[0], "engine")?, self.answer(&path, SEEDS[1], "engine")?];
            artefacts.push(Artefact { path, answers });
        }
        Ok(Models { artefacts, floats })
    }

    /// Files of the zoo; none, and a word, where they cannot be had.
    fn zoo(&self, entry: &str) -> Vec<PathBuf> {
        match self.output(&["zoo", "fetch", entry]) {
            Ok(output) => String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from).collect(),
            Err(error) => {
                println!("skipped: {entry} of the zoo ({error:#})");
                Vec::new()
            }
        }
    }

    /// An artefact's output bytes.
    fn answer(&self, artefact: &Path, seed: u32, through: &str) -> Result<String> {
        #[derive(Deserialize)]
        struct Told {
            output_hex: String,
        }
        let input = format!("seed:{seed}:1");
        let words = ["run", text(artefact)?, "--input", &input, "--through", through, "--json"];
        let told: Told = serde_json::from_slice(&self.output(&words)?.stdout)?;
        Ok(told.output_hex)
    }

    /// Runs everything, and holds it against this machine's engine and against other engines.
    fn check(&self, models: &Models) -> Result<()> {
        for Artefact { path, answers } in &models.artefacts {
            for through in ["engine", "tract"] {
                for (seed, expected) in SEEDS.into_iter().zip(answers) {
                    let found = self.answer(path, seed, through)?;
                    ensure!(
                        found == *expected,
                        "{}, seed {seed}, on {} through the {through}: {found}, not {expected}",
                        path.display(),
                        self.title
                    );
                }
            }
        }
        let (mut outputs, mut largest) = (0, 0.0);
        for model in &models.floats {
            let told = self.floats(&model.path)?;
            for answer in &model.answers {
                let place =
                    || format!("{}, output {}, on {}", model.path.display(), answer.output, self.title);
                let difference = answer.difference(&told).with_context(place)?;
                outputs += 1;
                largest = f64::max(largest, difference);
            }
        }
        println!(
            "{}: {} artefacts give the same bytes in the engine and through tract; {outputs} outputs of {} float \
             models are within {largest:.1e} of onnxruntime's or LiteRT's",
            self.title,
            models.artefacts.len(),
            models.floats.len()
        );
        Ok(())
    }

    /// The outputs of a model in float, by name.
    fn floats(&self, model: &Path) -> Result<BTreeMap<String, Vec<f64>>> {
        #[derive(Deserialize)]
        struct Told {
            outputs: Vec<Output>,
        }
        #[derive(Deserialize)]
        struct Output {
            name: String,
            values: Vec<f64>,
        }
        let input = format!("seed:{FLOAT_SEED}");
        let words = ["run", text(model)?, "--input", &input, "--json"];
        let told: Told = serde_json::from_slice(&self.output(&words)?.stdout)?;
        Ok(told.outputs.into_iter().map(|output| (output.name, output.values)).collect())
    }
}

/// The seed of every line in `floats.tsv`.
const FLOAT_SEED: u32 = 5;

/// How far a number may be from another engine's.
const MOST_DIFFERENCE: f64 = 1e-4;

/// A line of `floats.tsv`.
#[derive(Debug, PartialEq)]
struct FloatAnswer {
    engine: String,
    output: String,
    /// How many numbers the output has, of which every `step`-th is known.
    count: usize,
    step: usize,
    values: Vec<f64>,
}

impl FloatAnswer {
    /// How far the output is away, which is not far.
    fn difference(&self, told: &BTreeMap<String, Vec<f64>>) -> Result<f64> {
        let found = told.get(&self.output).context("it is not there")?;
        ensure!(found.len() == self.count, "it has {} numbers, and {} are expected", found.len(), self.count);
        let pairs = found.iter().step_by(self.step).zip(&self.values);
        let differences: Vec<f64> = pairs.map(|(found, expected)| (found - expected).abs()).collect();
        let largest = differences.iter().copied().fold(0.0, f64::max);
        // What is no number is near to none.
        let is_near = differences.iter().all(|&difference| difference <= MOST_DIFFERENCE);
        ensure!(is_near, "it is {largest:.1e} away from what {} answers", self.engine);
        Ok(largest)
    }
}

/// The lines of one model.
fn answers_of(table: &str, file: &str) -> Result<Vec<FloatAnswer>> {
    let mut answers = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [model, engine, seed, output, count, step, values] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            bail!("floats.tsv: not seven columns: {line}");
        };
        if model != file {
            continue;
        }
        let (count, step): (usize, usize) = (count.parse()?, step.parse()?);
        let values = values.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        ensure!(step > 0 && values.len() == count.div_ceil(step), "floats.tsv: too few numbers: {line}");
        ensure!(seed.parse() == Ok(FLOAT_SEED), "floats.tsv: another seed than {FLOAT_SEED}: {line}");
        answers.push(FloatAnswer { engine: engine.into(), output: output.into(), count, step, values });
    }
    Ok(answers)
}

/// Every model file in a folder and below.
fn model_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            model_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "tflite" || extension == "onnx") {
            found.push(path);
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is no text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floats_file_is_well_formed() {
        let table = include_str!("../../../tests/golden/floats.tsv");
        assert_eq!(answers_of(table, "ultraface_version-RFB-320.onnx").unwrap().len(), 8);
        assert_eq!(answers_of(table, "unknown.onnx").unwrap(), []);
        let answer = &answers_of(table, "ad01_fp32.tflite").unwrap()[0];
        assert_eq!((answer.count, answer.step, answer.values.len()), (640, 16, 40));
        assert!(answers_of("a.onnx\tonnxruntime\t5\tout\t4\t2\t1.0", "a.onnx").is_err());
    }

    #[test]
    fn numbers_that_are_off_are_seen() {
        let answer = &answers_of("a.onnx\tonnxruntime\t5\tout\t4\t2\t1.0 2.0", "a.onnx").unwrap()[0];
        let told = |values: [f64; 4]| BTreeMap::from([("out".to_owned(), values.to_vec())]);
        assert!(answer.difference(&told([1.0, 9.0, 2.00005, 9.0])).unwrap() < 1e-4);
        for (values, message) in [([1.0, 9.0, 2.001, 9.0], "away"), ([f64::NAN, 9.0, 2.0, 9.0], "away")] {
            assert!(answer.difference(&told(values)).unwrap_err().to_string().contains(message));
        }
        assert!(answer.difference(&BTreeMap::new()).is_err());
    }
}
