//! A whole recipe: data, network, stages, artefact. Resumes what is under way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ocelli_compiler::compress::Goal;
use ocelli_compiler::contract::Contract;
use ocelli_compiler::convert::{self, Conversion, Origin};
use ocelli_compiler::export;
use ocelli_compiler::graph::Graph;
use ocelli_compiler::import::import;
use ocelli_compiler::quantize::{self, CalibrationImage};
use ocelli_eval::Interval;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use crate::card::shown;
use crate::data::{Data, Examples, Reader};
use crate::error::TrainError;
use crate::families::Shape;
use crate::integers::Integers;
use crate::network::Network;
use crate::recipe::Recipe;
use crate::state::{Entry, State};
use crate::tie::Tie;
use crate::trainer::{self, Progress, Trainer, checkpoint_in};
use crate::tune;
use crate::{card, checkpoint, page};

/// How a run is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything goes.
    pub output: PathBuf,
    /// Time between two checkpoints.
    pub interval: Duration,
    /// Whether the test split is looked at in the end.
    pub reads_test: bool,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// A picture was read.
    Read,
    /// A checkpoint was found: the stage and the epochs of it that are done.
    Resumed {
        /// Name of the stage; nothing when all are done.
        stage: Option<&'a str>,
        /// Epochs of it that are done.
        epochs: usize,
    },
    /// A step is done.
    Step(&'a Progress<'a>),
    /// The stages are done; the artefact is made and measured.
    Finishing,
}

/// Right answers among pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// How many were right.
    pub right: usize,
    /// Of how many.
    pub pictures: usize,
}

impl Score {
    /// The part of right answers.
    pub fn part(&self) -> f64 {
        self.right as f64 / self.pictures.max(1) as f64
    }

    /// Wilson's 95 % interval of that part.
    pub fn interval(&self) -> Interval {
        Interval::wilson(self.right as u64, self.pictures as u64)
    }
}

/// What came out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the recipe.
    pub name: String,
    /// Numbers that are trained.
    pub parameters: usize,
    /// Weights that are not 0.
    pub weights: usize,
    /// Float on the validation part.
    pub float_validation: Score,
    /// The artefact on the validation part.
    pub int8_validation: Score,
    /// Float on the test split.
    pub float_test: Option<Score>,
    /// The artefact on the test split.
    pub int8_test: Option<Score>,
    /// Bytes of the weights as float32.
    pub float_bytes: usize,
    /// Bytes of the artefact.
    pub artefact_bytes: usize,
    /// Bytes of its arena.
    pub arena_bytes: u32,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// Every epoch.
    pub log: Vec<Entry>,
    /// The artefact.
    pub artefact: PathBuf,
    /// The float model.
    pub model: PathBuf,
}

/// Runs a recipe to its end, from its last checkpoint if there is one.
///
/// # Errors
/// [`TrainError`]; the last good checkpoint stays.
pub fn run(
    recipe: &Recipe,
    options: &Options,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Outcome, TrainError> {
    let contract = Contract::open(&recipe.contract)?;
    let network = network(recipe, &contract)?;
    let reader = Reader::new(&recipe.name, &contract, network.picture()?)?;
    let data = recipe.data.open(&reader, recipe.seed, || tell(Event::Read))?;
    let digest = recipe.digest();
    let path = checkpoint_in(&options.output);
    let mut state = match checkpoint::load(&path, &digest)? {
        Some(state) => {
            let stage = recipe.stages.get(state.stage).map(|stage| stage.name.as_str());
            tell(Event::Resumed { stage, epochs: state.epoch });
            state
        }
        None => State::new(network),
    };
    while state.stage < recipe.stages.len() {
        Trainer {
            recipe,
            digest: &digest,
            reader: &reader,
            data: &data,
            checkpoint: path.clone(),
            interval: options.interval,
            watch: &mut |progress| tell(Event::Step(progress)),
        }
        .run(&mut state)?;
    }
    tell(Event::Finishing);
    let test = match options.reads_test {
        true => recipe.data.test(&reader, recipe.seed, || tell(Event::Read))?,
        false => None,
    };
    finish(
        &Finished { recipe, contract: &contract, reader: &reader, data: &data, state: &state },
        test.as_ref(),
        options,
    )
}

/// What came out of a run that is done, where its folder has all that is wanted; it is not made again.
///
/// # Errors
/// [`TrainError::Checkpoint`] when the folder is another recipe's.
pub fn finished(recipe: &Recipe, options: &Options) -> Result<Option<Outcome>, TrainError> {
    let state = checkpoint::load(&checkpoint_in(&options.output), &recipe.digest())?;
    if state.is_none_or(|state| state.stage < recipe.stages.len()) {
        return Ok(None);
    }
    let Ok(json) = std::fs::read(options.output.join(page::OUTCOME)) else { return Ok(None) };
    let outcome: Option<Outcome> = serde_json::from_slice(&json).ok();
    let has_test = recipe.data.has_test() && options.reads_test;
    Ok(outcome.filter(|outcome| outcome.int8_test.is_some() == has_test && outcome.artefact.exists()))
}

/// The network of a recipe as it begins.
///
/// # Errors
/// [`TrainError`] when there is none.
pub fn network(recipe: &Recipe, contract: &Contract) -> Result<Network, TrainError> {
    let model = &recipe.model;
    if let Some(path) = &model.path {
        let mut graph = import(path)?;
        graph.name.clone_from(&recipe.name);
        let mut network = Network::new(graph)?;
        if model.anew {
            network.draw(recipe.seed);
        }
        return Ok(network);
    }
    let wrong = |problem: &str| TrainError::Model { model: recipe.name.clone(), problem: problem.into() };
    let (Some(family), Some([height, width])) = (model.family, model.input) else {
        return Err(wrong("neither a file nor a family"));
    };
    let input = contract.input.as_ref().ok_or_else(|| wrong("its contract has no [input]"))?;
    let classes = contract.classes.as_ref().ok_or_else(|| wrong("its contract has no [classes]"))?;
    let channels = ocelli_vision::channels(ocelli_compiler::contract::layout(input).0);
    let picture = [height, width, channels];
    Shape { family, picture, classes: classes.labels.len(), width: model.width, depth: model.depth }
        .build(&recipe.name, recipe.seed)
}

/// A run whose stages are done.
pub(crate) struct Finished<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) contract: &'a Contract,
    pub(crate) reader: &'a Reader,
    pub(crate) data: &'a Data,
    pub(crate) state: &'a State,
}

impl Finished<'_> {
    /// The artefact: rounded, planned, written, and the graph that it holds.
    fn convert(&self, float: &Graph, model_bytes: &[u8]) -> Result<(Conversion, Graph), TrainError> {
        let recipe = self.recipe;
        let count = recipe.data.calibration.min(self.data.train.len());
        let forms = tune::forms(self.state);
        let form = |node: usize| forms.get(&node).copied().unwrap_or_default();
        let has_ties = self.state.ties.iter().any(|tie| *tie != Tie::Free);
        let mut origin = Origin::default();
        let graph = match &self.state.scaled {
            Some(scaled) => {
                origin.quantization = Some("trained in integers".into());
                quantize::round(&self.state.graph, scaled, form)?
            }
            None => {
                let options = quantize::Options {
                    input: Some(self.reader.scaling.clone()),
                    keep_weights: has_ties,
                    ..quantize::Options::default()
                };
                let quantized = quantize::quantize(
                    float.clone(),
                    &tune::samples(self.reader, &self.data.train, count),
                    &options,
                )?;
                origin = origin.of(&quantized);
                // Values that are shared in float are shared in integers as well.
                let is_shared = forms.values().any(|form| form.is_per_tensor);
                if is_shared {
                    quantize::round(&quantized.float, &quantized.graph, form)?
                } else {
                    quantized.graph
                }
            }
        };
        let pixels = &self.data.train.pixels[..count * self.data.train.size];
        let image = CalibrationImage {
            name: format!("{} pictures of {}", count, recipe.data.name()),
            sha256: hex(pixels),
            pictures: count,
        };
        let origin = Origin {
            source: format!("{}.tflite", recipe.name),
            source_sha256: hex(model_bytes),
            calibration: vec![image],
            samples: count,
            ..origin
        };
        let provenance =
            vec![("recipe_sha256".to_string(), recipe.digest()), ("seed".into(), recipe.seed.to_string())];
        // Pruned and clustered weights are small only in a form that knows them.
        let compress = if has_ties { Goal::Size } else { Goal::Off };
        let options = convert::Options { provenance, compress, ..convert::Options::default() };
        let conversion = convert::assemble(graph.clone(), self.contract, &[], origin, &options)?;
        Ok((conversion, graph))
    }
}

fn finish(run: &Finished<'_>, test: Option<&Examples>, options: &Options) -> Result<Outcome, TrainError> {
    let recipe = run.recipe;
    let network = run.state.network();
    let float = network.folded();
    let model_bytes = export::tflite(&float)
        .map_err(|error| TrainError::Model { model: recipe.name.clone(), problem: error.to_string() })?;
    let (conversion, quantized) = run.convert(&float, &model_bytes)?;
    let mut integers = Integers::of(quantized, &run.reader.scaling)?;
    let mut score = |examples: &Examples| -> Result<[Score; 2], TrainError> {
        let pictures = examples.len();
        let float = Score { right: trainer::right(&network, run.reader, examples)?, pictures };
        Ok([float, Score { right: integers.right(examples)?, pictures }])
    };
    let [float_validation, int8_validation] = score(&run.data.validation)?;
    let test = test.map(&mut score).transpose()?;
    let place = |extension: &str| options.output.join(format!("{}.{extension}", recipe.name));
    let outcome = Outcome {
        name: recipe.name.clone(),
        parameters: network.count(),
        weights: run.state.log.last().map_or(network.count(), |entry| entry.weights),
        float_validation,
        int8_validation,
        float_test: test.map(|[float, _]| float),
        int8_test: test.map(|[_, int8]| int8),
        float_bytes: 4 * constants(&float),
        artefact_bytes: conversion.bytes.len(),
        arena_bytes: conversion.report.artefact.arena_bytes,
        macs: conversion.report.artefact.macs,
        log: run.state.log.clone(),
        artefact: place("ocelli"),
        model: place("tflite"),
    };
    let write = |path: &Path, bytes: &[u8]| {
        ocelli_zoo::write_whole(path, bytes).map_err(|error| TrainError::file(path, error))
    };
    let contract =
        std::fs::read(&recipe.contract).map_err(|error| TrainError::file(&recipe.contract, error))?;
    write(&outcome.model, &model_bytes)?;
    // Beside the model under its name: there `ocelli convert` and `eval --float` find it.
    write(&place("toml"), &contract)?;
    write(&outcome.artefact, &conversion.bytes)?;
    write(&place("md"), card::text(recipe, &outcome).as_bytes())?;
    let log: String = outcome
        .log
        .iter()
        .filter_map(|entry| serde_json::to_string(entry).ok())
        .map(|line| line + "\n")
        .collect();
    write(&options.output.join("log.jsonl"), log.as_bytes())?;
    let json = serde_json::to_vec_pretty(&outcome).unwrap_or_default();
    write(&options.output.join(page::OUTCOME), &json)?;
    write(&options.output.join("report.html"), page::html(recipe, &outcome, &options.output).as_bytes())?;
    Ok(outcome)
}

fn constants(graph: &Graph) -> usize {
    graph.tensors.iter().filter_map(|tensor| tensor.floats()).map(<[f32]>::len).sum()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
