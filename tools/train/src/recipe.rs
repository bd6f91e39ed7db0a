//! Recipes: TOML files that say what is trained on what, and in which stages.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::augment::Augment;
use crate::cluster::Cluster;
use crate::data::Source;
use crate::distil::Distil;
use crate::error::TrainError;
use crate::families::Family;
use crate::filters::Filters;
use crate::optimiser::{Kind, Settings};
use crate::prune::Prune;
use crate::schedule::Schedule;
use crate::tune::Tune;

/// A recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What comes out is called so.
    pub name: String,
    /// A line for the card.
    #[serde(default)]
    pub about: String,
    /// What everything that is drawn is drawn from.
    #[serde(default = "one")]
    pub seed: u64,
    /// The contract of the model: how pictures become its input, and what its classes are called.
    pub contract: PathBuf,
    /// The pictures.
    pub data: Source,
    /// What is trained.
    pub model: Model,
    /// What happens, in this order.
    pub stages: Vec<Stage>,
}

/// What is trained: a file, the network of another run, or a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// A float model that `ocelli convert` reads.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// The checkpoint of a run that is done: its network with the normalization that its file has folded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<PathBuf>,
    /// A built-in shape.
    #[serde(default)]
    pub family: Option<Family>,
    /// Height and width of the picture, for a family.
    #[serde(default)]
    pub input: Option<[usize; 2]>,
    /// Factor of its channels.
    #[serde(default = "unit")]
    pub width: f32,
    /// Blocks in each of its stages.
    #[serde(default = "block")]
    pub depth: usize,
    /// Keep only the shape of a file or checkpoint: weights drawn anew, normalization behind the convolutions.
    #[serde(default)]
    pub anew: bool,
}

/// A stretch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// For the log.
    pub name: String,
    /// Times through the training part.
    pub epochs: usize,
    /// Pictures of a step.
    #[serde(default = "batch")]
    pub batch: usize,
    /// How steps are made of gradients.
    #[serde(default)]
    pub optimiser: Kind,
    /// Rate of learning at its highest.
    #[serde(default = "rate")]
    pub rate: f32,
    /// How it changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// Steps over which it rises first.
    #[serde(default)]
    pub warmup: u64,
    /// Of velocities and Adam's mean.
    #[serde(default = "momentum")]
    pub momentum: f32,
    /// Of running squares.
    #[serde(default = "decay")]
    pub decay: f32,
    /// Weight decay in proportion.
    #[serde(default)]
    pub l2: f32,
    /// Weight decay by a constant.
    #[serde(default)]
    pub l1: f32,
    /// Part of what dense layers read that is left out.
    #[serde(default)]
    pub dropout: f32,
    /// Part of the truth that is spread over all classes.
    #[serde(default)]
    pub label_smoothing: f32,
    /// Largest length of the gradient.
    #[serde(default)]
    pub clip: Option<f32>,
    /// Epochs without gain after which the stage ends.
    #[serde(default)]
    pub patience: Option<usize>,
    /// Normalization keeps its running statistics.
    #[serde(default)]
    pub frozen_norms: bool,
    /// What may happen to pictures.
    #[serde(default)]
    pub augment: Augment,
    /// Weights that become 0.
    #[serde(default)]
    pub prune: Option<Prune>,
    /// Channels that are taken away before the stage trains.
    #[serde(default)]
    pub filters: Option<Filters>,
    /// Weights that become few values.
    #[serde(default)]
    pub cluster: Option<Cluster>,
    /// A teacher.
    #[serde(default)]
    pub distil: Option<Distil>,
    /// The device's integers in the forward pass, from this stage on.
    #[serde(default)]
    pub tune: Option<Tune>,
}

fn one() -> u64 {
    1
}
fn unit() -> f32 {
    1.0
}
fn block() -> usize {
    1
}
fn batch() -> usize {
    64
}
fn rate() -> f32 {
    1e-3
}
fn momentum() -> f32 {
    0.9
}
fn decay() -> f32 {
    0.999
}

impl Recipe {
    /// Reads a recipe; paths in it count from its folder.
    ///
    /// # Errors
    /// [`TrainError`] with the file, and the line or the stage.
    pub fn open(path: &Path) -> Result<Recipe, TrainError> {
        let text = std::fs::read_to_string(path).map_err(|error| TrainError::file(path, error))?;
        let place = path.display().to_string();
        let mut recipe: Recipe = toml::from_str(&text)
            .map_err(|error| TrainError::Recipe { place: place.clone(), problem: error.to_string() })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let beside = |path: &mut PathBuf| *path = folder.join(&path);
        beside(&mut recipe.contract);
        let data = &mut recipe.data;
        let model = &mut recipe.model;
        [&mut data.path, &mut data.test_path, &mut model.path, &mut model.checkpoint]
            .into_iter()
            .flatten()
            .for_each(beside);
        recipe
            .stages
            .iter_mut()
            .filter_map(|stage| stage.distil.as_mut())
            .for_each(|distil| beside(&mut distil.teacher));
        recipe.check(&place)?;
        Ok(recipe)
    }

    fn check(&self, place: &str) -> Result<(), TrainError> {
        let wrong = |place: String, problem: &str| Err(TrainError::Recipe { place, problem: problem.into() });
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(plain) {
            return wrong(place.into(), "`name` becomes a file's name: letters, digits, `-`, `_` and `.`");
        }
        if let Some(problem) = self.data.problem() {
            return wrong(place.into(), problem);
        }
        let Model { path, checkpoint, family, .. } = &self.model;
        if [path.is_some(), checkpoint.is_some(), family.is_some()].into_iter().filter(|&is| is).count() != 1
        {
            return wrong(place.into(), "[model] names either a `path`, a `checkpoint` or a `family`");
        }
        if self.model.family.is_some() && self.model.input.is_none() {
            return wrong(place.into(), "[model] of a family needs `input = [height, width]`");
        }
        if self.model.width.is_nan() || self.model.width <= 0.0 || self.model.depth == 0 {
            return wrong(place.into(), "`width` and `depth` of [model] are above 0");
        }
        if self.stages.is_empty() {
            return wrong(place.into(), "there is no [[stages]]");
        }
        for stage in &self.stages {
            let place = || format!("{place}, stage {:?}", stage.name);
            let augment = &stage.augment;
            let parts = [augment.zoom, augment.colour, augment.contrast];
            if parts.iter().any(|part| !(0.0..1.0).contains(part)) {
                return wrong(place(), "`zoom`, `colour` and `contrast` of augment are from 0 to below 1");
            }
            if stage.batch == 0 || stage.rate.is_nan() || stage.rate < 0.0 {
                return wrong(place(), "`batch` is at least 1 and `rate` not below 0");
            }
            if !(0.0..1.0).contains(&stage.dropout) || !(0.0..1.0).contains(&stage.label_smoothing) {
                return wrong(place(), "`dropout` and `label_smoothing` are from 0 to below 1");
            }
            let sparsities =
                stage.prune.iter().flat_map(|prune| prune.layers.values().chain([&prune.sparsity]));
            if sparsities.into_iter().any(|part| !(0.0..1.0).contains(part)) {
                return wrong(place(), "a `sparsity` is from 0 to below 1");
            }
            if stage.filters.as_ref().is_some_and(|filters| !(0.0..1.0).contains(&filters.part)) {
                return wrong(place(), "`part` of [stages.filters] is from 0 to below 1");
            }
            if stage.cluster.as_ref().is_some_and(|cluster| !(2..=256).contains(&cluster.entries)) {
                return wrong(place(), "`entries` of [stages.cluster] are 2 to 256");
            }
            let bits = stage.tune.iter().flat_map(|tune| tune.layers.values().chain([&tune.bits]));
            if bits.into_iter().any(|bits| ![4, 8].contains(bits)) {
                return wrong(place(), "`bits` of [stages.tune] are 8 or 4");
            }
            if stage
                .distil
                .as_ref()
                .is_some_and(|distil| distil.temperature <= 0.0 || !(0.0..=1.0).contains(&distil.weight))
            {
                return wrong(place(), "`temperature` of [stages.distil] is above 0, `weight` from 0 to 1");
            }
        }
        Ok(())
    }

    /// SHA-256 of all that it says: checkpoints belong to one recipe.
    pub fn digest(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Stage {
    /// The optimiser's settings.
    pub fn settings(&self) -> Settings {
        Settings {
            kind: self.optimiser,
            momentum: self.momentum,
            decay: self.decay,
            l2: self.l2,
            l1: self.l1,
        }
    }
}
