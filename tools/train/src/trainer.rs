//! One stage of a recipe: epochs of steps, from whatever state to the end of the stage.
//!
//! Everything drawn in a step follows from seed, stage, epoch and step, and the state is saved between steps only, so
//! a run that is killed and resumed computes what it would have computed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::checkpoint;
use crate::data::{Data, Reader};
use crate::distil::Teacher;
use crate::error::TrainError;
use crate::filters::{Criterion, Filters};
use crate::integers::Integers;
use crate::measure;
use crate::network::{Parameter, Role};
use crate::optimiser::Memory;
use crate::prune;
use crate::random::Random;
use crate::recipe::{Recipe, Stage};
use crate::state::{Best, Entry, State};
use crate::tie::{Step, Tie};
use crate::tune;

/// What a run does now, for a progress bar.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// The stage's name.
    pub stage: &'a str,
    /// Steps of it that are done.
    pub done: u64,
    /// All of its steps.
    pub steps: u64,
    /// Mean loss of this epoch so far.
    pub loss: f64,
    /// The last line of the log, when an epoch has just ended.
    pub entry: Option<&'a Entry>,
}

/// What a stage works on.
pub struct Trainer<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The recipe's digest.
    pub digest: &'a str,
    /// How pictures become input.
    pub reader: &'a Reader,
    /// The pictures.
    pub data: &'a Data,
    /// Where the state is saved.
    pub checkpoint: PathBuf,
    /// Time between two saves.
    pub interval: Duration,
    /// Who is told.
    pub watch: &'a mut dyn FnMut(&Progress<'_>),
}

/// What chance is drawn for.
const SHUFFLE: u64 = 3;

impl Trainer<'_> {
    /// Brings the stage that the state is in to its end.
    ///
    /// # Errors
    /// [`TrainError`]; the last checkpoint stays.
    pub fn run(&mut self, state: &mut State) -> Result<(), TrainError> {
        let stage = &self.recipe.stages[state.stage];
        if !state.is_prepared {
            self.prepare(state, stage)?;
            checkpoint::save(&self.checkpoint, self.digest, state)?;
        }
        let teacher = match &stage.distil {
            Some(distil) => {
                let mut teacher = Teacher::open(distil, &state.network())?;
                if stage.augment.is_nothing() {
                    teacher.look_at(&self.data.train, self.reader)?;
                }
                Some(teacher)
            }
            None => None,
        };
        let mut saved = Instant::now();
        let steps = self.data.train.len().div_ceil(stage.batch);
        while state.epoch < stage.epochs && !self.is_stale(state, stage) {
            let place = [SHUFFLE, state.stage as u64, state.epoch as u64];
            let order = Random::of(self.recipe.seed, &place).order(self.data.train.len());
            for (step, indices) in order.chunks(stage.batch).enumerate().skip(state.step) {
                self.step(state, stage, teacher.as_ref(), indices, steps)?;
                state.step = step + 1;
                if saved.elapsed() > self.interval {
                    checkpoint::save(&self.checkpoint, self.digest, state)?;
                    saved = Instant::now();
                }
                (self.watch)(&progress(state, stage, steps, None));
            }
            self.end_epoch(state, stage)?;
            checkpoint::save(&self.checkpoint, self.digest, state)?;
            saved = Instant::now();
            (self.watch)(&progress(state, stage, steps, state.log.last()));
        }
        self.end_stage(state);
        checkpoint::save(&self.checkpoint, self.digest, state)
    }

    /// Whether the stage has waited long enough for a better epoch.
    fn is_stale(&self, state: &State, stage: &Stage) -> bool {
        match (&state.best, stage.patience) {
            (Some(best), Some(patience)) => state.epoch - best.epoch > patience,
            _ => false,
        }
    }

    /// What a stage begins with.
    fn prepare(&self, state: &mut State, stage: &Stage) -> Result<(), TrainError> {
        if let Some(filters) = &stage.filters {
            self.take_filters(state, stage, filters)?;
        }
        let parameters = state.network().parameters();
        state.ties.resize(parameters.len(), Tie::Free);
        if stage.cluster.is_some() || stage.tune.is_some() {
            // Folded later, normalization would make many values of few.
            let mut network = state.network();
            network.fold_norms();
            state.set_network(network);
        }
        if let Some(cluster) = &stage.cluster {
            let mut network = state.network();
            let parameters = network.parameters();
            cluster.apply(&mut network, &parameters, &mut state.ties);
            state.graph = network.graph;
        }
        if let Some(tune) = &stage.tune {
            tune::prepare(state, self.reader, &self.data.train, self.recipe.data.calibration)?;
            state.bits = tune.bits(&state.graph);
        }
        state.memories = vec![Memory::default(); state.network().parameters().len()];
        state.is_prepared = true;
        Ok(())
    }

    /// Takes channels away, by the gradients of some batches where the criterion wants them.
    fn take_filters(&self, state: &mut State, stage: &Stage, filters: &Filters) -> Result<(), TrainError> {
        const BATCHES: usize = 8;
        if state.scaled.is_some() || state.ties.iter().any(|tie| *tie != Tie::Free) {
            return Err(TrainError::Recipe {
                place: format!("{}, stage {:?}", self.recipe.name, stage.name),
                problem: "[stages.filters] comes before stages that prune single weights, cluster or tune"
                    .into(),
            });
        }
        let mut sums: Vec<Vec<f32>> = Vec::new();
        if filters.by == Criterion::Taylor {
            let order =
                Random::of(self.recipe.seed, &[SHUFFLE, state.stage as u64]).order(self.data.train.len());
            for indices in order.chunks(stage.batch).take(BATCHES) {
                let gradients = self.learn(state, stage, None, indices)?.gradients;
                sums.resize(gradients.len(), Vec::new());
                for (sum, gradient) in sums.iter_mut().zip(gradients) {
                    sum.resize(gradient.len(), 0.0);
                    sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
                }
            }
        }
        let mut network = state.network();
        filters.apply(&mut network, &sums);
        (state.graph, state.norms) = (network.graph, network.norms);
        state.ties.clear();
        Ok(())
    }

    /// The network's integers, once they are trained.
    pub(crate) fn integers(&self, state: &State) -> Result<Option<Integers>, TrainError> {
        let Some(scaled) = &state.scaled else { return Ok(None) };
        let forms = tune::forms(state);
        let form = |node: usize| forms.get(&node).copied().unwrap_or_default();
        Integers::new(&state.graph, scaled, form, &self.reader.scaling).map(Some)
    }

    /// Prunes, learns from a batch, and moves the weights.
    fn step(
        &self,
        state: &mut State,
        stage: &Stage,
        teacher: Option<&Teacher<'_>>,
        indices: &[usize],
        steps: usize,
    ) -> Result<(), TrainError> {
        let mut network = state.network();
        let parameters = network.parameters();
        let step = (state.epoch * steps + state.step) as u64;
        let all = (stage.epochs * steps) as u64;
        if let Some(prune) =
            stage.prune.as_ref().filter(|_| step.is_multiple_of(prune::EVERY) || step + 1 == all)
        {
            prune.apply(&mut network, &parameters, &mut state.ties, (step + 1) as f32 / all as f32);
            state.graph.clone_from(&network.graph);
        }
        let learned = self.learn(state, stage, teacher, indices)?;
        state.loss += f64::from(learned.loss);
        state.right += learned.right;
        let mut gradients = learned.gradients;
        if let Some(most) = stage.clip {
            clip(&mut gradients, most);
        }
        let rate = stage.rate * stage.schedule.factor(step, all, stage.warmup);
        for (index, (parameter, gradients)) in parameters.iter().zip(gradients).enumerate() {
            if gradients.is_empty() {
                continue;
            }
            let step = Step { rate, count: step + 1, is_weights: parameter.role == Role::Weights };
            let values = network.values_mut(parameter.place);
            state.ties[index].step(&stage.settings(), values, gradients, &mut state.memories[index], step);
        }
        for (node, mean, variance) in learned.statistics {
            if let Some(norm) = network.norms.get_mut(&node) {
                norm.observe(&mean, &variance);
            }
        }
        (state.graph, state.norms) = (network.graph, network.norms);
        Ok(())
    }

    fn end_epoch(&self, state: &mut State, stage: &Stage) -> Result<(), TrainError> {
        let network = state.network();
        let score = match self.integers(state)? {
            Some(mut integers) => integers.score(&self.data.validation)?,
            None => measure::float(&network, self.reader, &self.data.validation)?,
        };
        let parameters = network.parameters();
        let weights = parameters.iter().filter(|parameter| parameter.role == Role::Weights);
        let kept = |parameter: &Parameter| {
            network.values(parameter.place).iter().filter(|&&value| value != 0.0).count()
        };
        state.log.push(Entry {
            stage: stage.name.clone(),
            epoch: state.epoch + 1,
            loss: (state.loss / state.step.max(1) as f64) as f32,
            train: self.reader.detector.is_none().then(|| state.right as f32 / self.data.train.len() as f32),
            score: score.clone(),
            weights: weights.map(kept).sum(),
        });
        state.epoch += 1;
        (state.step, state.loss, state.right) = (0, 0.0, 0);
        // What is not pruned to the end yet is no candidate.
        let is_candidate = stage.prune.as_ref().is_none_or(|prune| {
            state.epoch as f32 > prune.ramp * stage.epochs as f32 || state.epoch == stage.epochs
        });
        if is_candidate && state.best.as_ref().is_none_or(|best| score.part() > best.score.part()) {
            state.best = Some(Best { score, epoch: state.epoch, graph: network.graph, norms: network.norms });
        }
        Ok(())
    }

    /// The best network goes on to the next stage.
    fn end_stage(&self, state: &mut State) {
        if let Some(best) = state.best.take() {
            (state.graph, state.norms) = (best.graph, best.norms);
        }
        state.stage += 1;
        (state.epoch, state.step, state.is_prepared) = (0, 0, false);
    }
}

fn progress<'s>(state: &State, stage: &'s Stage, steps: usize, entry: Option<&'s Entry>) -> Progress<'s> {
    Progress {
        stage: &stage.name,
        done: (state.epoch * steps + state.step) as u64,
        steps: (stage.epochs * steps) as u64,
        loss: state.loss / state.step.max(1) as f64,
        entry,
    }
}

/// Shortens all gradients together to a length of at most `most`.
fn clip(gradients: &mut [Vec<f32>], most: f32) {
    let length = gradients.iter().flatten().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt() as f32;
    if length > most {
        gradients.iter_mut().flatten().for_each(|value| *value *= most / length);
    }
}

/// Where a run of a recipe keeps its checkpoint.
pub fn checkpoint_in(folder: &Path) -> PathBuf {
    folder.join("checkpoint")
}
