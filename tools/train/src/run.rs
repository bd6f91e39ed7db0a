//! A whole recipe: data, network, stages, artefact. Resumes what is under way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ocelli_compiler::compress::Goal;
use ocelli_compiler::contract::{Contract, lift_heads};
use ocelli_compiler::convert::{self, Conversion, Origin};
use ocelli_compiler::export;
use ocelli_compiler::graph::Graph;
use ocelli_compiler::import::import;
use ocelli_compiler::quantize::{self, CalibrationImage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{self, Data, Examples, Reader};
use crate::detect::Detector;
use crate::error::TrainError;
use crate::families::Shape;
use crate::integers::Integers;
use crate::measure;
use crate::network::Network;
use crate::recipe::{Recipe, Stage};
use crate::score::Score;
use crate::state::{Entry, State};
use crate::tie::Tie;
use crate::trainer::{Progress, Trainer, checkpoint_in};
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
    /// All was done before; what came out is told from the folder.
    Known,
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

/// Runs a recipe to its end, from its last checkpoint if there is one. Where its folder has all that is wanted, nothing
/// is computed and the test split is not looked at again.
///
/// # Errors
/// [`TrainError`]; the last good checkpoint stays.
pub fn run(
    recipe: &Recipe,
    options: &Options,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Outcome, TrainError> {
    if let Some(outcome) = known(recipe, options)? {
        tell(Event::Known);
        return Ok(outcome);
    }
    let contract = Contract::open(&recipe.contract)?;
    let network = network(recipe, &contract)?;
    let reader = Reader::new(&recipe.name, &contract, network.picture()?)?;
    if reader.detector.is_some() {
        refuse_for_boxes(recipe)?;
    }
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

/// What came out of a run that is done, where its folder has all that is wanted; without the test's scores where the
/// test is not to be looked at.
fn known(recipe: &Recipe, options: &Options) -> Result<Option<Outcome>, TrainError> {
    let state = checkpoint::load(&checkpoint_in(&options.output), &recipe.digest())?;
    if state.is_none_or(|state| state.stage < recipe.stages.len()) {
        return Ok(None);
    }
    let Ok(json) = std::fs::read(options.output.join(page::OUTCOME)) else { return Ok(None) };
    let Ok(mut outcome) = serde_json::from_slice::<Outcome>(&json) else { return Ok(None) };
    let has_all = outcome.int8_test.is_some() || !(options.reads_test && recipe.data.has_test());
    if !options.reads_test {
        (outcome.float_test, outcome.int8_test) = (None, None);
    }
    Ok((has_all && outcome.artefact.exists()).then_some(outcome))
}

/// Refuses stages that know classes alone.
fn refuse_for_boxes(recipe: &Recipe) -> Result<(), TrainError> {
    for stage in &recipe.stages {
        let what = match stage {
            Stage { distil: Some(_), .. } => "[stages.distil]",
            Stage { tune: Some(_), .. } => "[stages.tune]",
            Stage { label_smoothing, .. } if *label_smoothing > 0.0 => "`label_smoothing`",
            _ => continue,
        };
        return Err(TrainError::Recipe {
            place: format!("{}, stage {:?}", recipe.name, stage.name),
            problem: format!("{what} is for classes, and the contract has [boxes]; take it out"),
        });
    }
    Ok(())
}

/// The network of a recipe as it begins.
///
/// # Errors
/// [`TrainError`] when there is none.
pub fn network(recipe: &Recipe, contract: &Contract) -> Result<Network, TrainError> {
    let model = &recipe.model;
    let given = match (&model.path, &model.checkpoint) {
        (Some(path), _) => Some(Network::new(import(path)?)?),
        (None, Some(path)) => Some(checkpoint::network(path)?),
        (None, None) => None,
    };
    if let Some(mut network) = given {
        network.graph.name.clone_from(&recipe.name);
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
    let labels =
        data::labels(contract).ok_or_else(|| wrong("its contract has neither [classes] nor [boxes]"))?;
    let channels = ocelli_vision::channels(ocelli_compiler::contract::layout(input).0);
    let picture = [height, width, channels];
    let shape = Shape { family, picture, classes: labels.len(), width: model.width, depth: model.depth };
    match &contract.boxes {
        None => shape.build(&recipe.name, recipe.seed),
        Some(boxes) => {
            let detector = Detector::new(&recipe.name, boxes)?;
            shape.build_detector(&recipe.name, recipe.seed, detector.layout())
        }
    }
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
        let mut heads = Vec::new();
        let graph = match &self.state.scaled {
            Some(scaled) => {
                origin.quantization = Some("trained in integers".into());
                quantize::round(&self.state.graph, scaled, form)?
            }
            None => {
                let mut float = float.clone();
                let boxes = self.contract.boxes.as_ref();
                let options = quantize::Options {
                    input: Some(self.reader.scaling.clone()),
                    heads: boxes.map_or(Ok(Vec::new()), |boxes| lift_heads(&mut float, boxes))?,
                    score_threshold: boxes.map_or(0.0, |boxes| boxes.score_threshold),
                    keep_weights: has_ties,
                    ..quantize::Options::default()
                };
                let quantized = quantize::quantize(
                    float,
                    &tune::samples(self.reader, &self.data.train, count),
                    &options,
                )?;
                origin = origin.of(&quantized);
                heads.clone_from(&quantized.heads);
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
        let conversion = convert::assemble(graph.clone(), self.contract, &heads, origin, &options)?;
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
    let score = |examples: &Examples| -> Result<[Score; 2], TrainError> {
        let float = measure::float_in_detail(&network, run.reader, examples)?;
        let int8 = match run.reader.detector {
            None => Integers::of(quantized.clone(), &run.reader.scaling)?.score(examples)?,
            Some(_) => measure::artefact(&conversion.bytes, run.reader, examples)?,
        };
        Ok([float, int8])
    };
    let [float_validation, int8_validation] = score(&run.data.validation)?;
    let (float_test, int8_test) = match test.map(score).transpose()? {
        Some([float, int8]) => (Some(float), Some(int8)),
        None => (None, None),
    };
    let place = |extension: &str| options.output.join(format!("{}.{extension}", recipe.name));
    let outcome = Outcome {
        name: recipe.name.clone(),
        parameters: network.count(),
        weights: run.state.log.last().map_or(network.count(), |entry| entry.weights),
        float_validation,
        int8_validation,
        float_test,
        int8_test,
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
