//! What a batch teaches: forward, loss and backward, in burn; in the device's integers once those are trained.

use burn::tensor::{Device, Tensor, activation};
use ocelli_compiler::graph::TensorId;

use crate::batch::Batch;
use crate::detect::{Detector, Outputs};
use crate::distil::Teacher;
use crate::error::TrainError;
use crate::integers::first_of_largest;
use crate::network::Network;
use crate::pass::{self, Exact, Leaves, to_rows};
use crate::random::Random;
use crate::recipe::Stage;
use crate::state::State;
use crate::trainer::Trainer;

/// What chance is drawn for.
const AUGMENT: u64 = 4;
const DROPOUT: u64 = 5;

/// What a batch taught.
pub(crate) struct Learned {
    /// Mean loss of the batch.
    pub(crate) loss: f32,
    /// Right answers of a classifier.
    pub(crate) right: usize,
    /// One vector a parameter; empty where the loss does not depend on it.
    pub(crate) gradients: Vec<Vec<f32>>,
    /// Mean and variance of the batch, by node with normalization.
    pub(crate) statistics: Vec<(usize, Vec<f32>, Vec<f32>)>,
}

impl Trainer<'_> {
    /// Learns from the pictures at `indices`, without moving anything.
    pub(crate) fn learn(
        &self,
        state: &State,
        stage: &Stage,
        teacher: Option<&Teacher<'_>>,
        indices: &[usize],
    ) -> Result<Learned, TrainError> {
        let place = |what: u64| [what, state.stage as u64, state.epoch as u64, state.step as u64];
        let random = |what| Random::of(self.recipe.seed, &place(what));
        let network = state.network();
        let picture = network.picture()?;
        let batch = Batch::draw(&self.data.train, indices, &stage.augment, picture, &mut random(AUGMENT));
        let mut integers = self.integers(state)?;
        let activations =
            integers.as_mut().map(|integers| integers.activations(batch.pictures())).transpose()?;
        let exact = activations.as_ref().map(|activations| |id: TensorId| activations.exact(id));
        // What the pass computes with: what the integers stand for, where they are trained.
        let rounded =
            integers.map(|integers| Network { graph: integers.as_float(), norms: Default::default() });
        let computed = rounded.as_ref().unwrap_or(&network);
        let device = Device::default().autodiff();
        let leaves = Leaves::new(computed, &network.parameters(), &device);
        let input = batch.input(&self.reader.scaling, picture, &device);
        let mut options = pass::Options {
            batch_statistics: !stage.frozen_norms,
            dropout: (stage.dropout > 0.0).then(|| (stage.dropout, random(DROPOUT))),
            exact: exact.as_ref().map(|exact| exact as &dyn Fn(TensorId) -> Option<Exact>),
        };
        let outcome = pass::forward(computed, &leaves, input, &mut options)?;
        let (loss, right) = match &self.reader.detector {
            Some(detector) => {
                let outputs = self.outputs(detector, computed, &outcome)?;
                (detector.loss(&outputs, &batch.objects(), &device), 0)
            }
            None => {
                let logits = self.logits(computed, &outcome)?;
                let right = count_right(&logits, &batch.classes());
                let targets = batch.targets(self.reader.labels.len(), stage.label_smoothing, &device);
                let mut loss = cross_entropy(logits.clone(), targets);
                if let Some(teacher) = teacher {
                    let seen = || batch.input(&self.reader.scaling, picture, &Device::default());
                    loss = teacher.loss(indices, seen, &outcome, logits, loss)?;
                }
                (loss, right)
            }
        };
        let value = loss.clone().into_scalar::<f32>();
        if !value.is_finite() {
            return Err(TrainError::Diverged {
                stage: stage.name.clone(),
                loss: value,
                epoch: state.epoch + 1,
                step: state.step + 1,
                checkpoint: self.checkpoint.clone(),
            });
        }
        let mut gradients = loss.backward();
        let gradients = leaves
            .tensors
            .iter()
            .map(|leaf| leaf.grad_remove(&mut gradients).map_or_else(Vec::new, numbers))
            .collect();
        let statistic =
            |(node, mean, variance): (usize, Tensor<1>, Tensor<1>)| (node, numbers(mean), numbers(variance));
        let statistics = outcome.statistics.into_iter().map(statistic).collect();
        Ok(Learned { loss: value, right, gradients, statistics })
    }

    fn outputs(
        &self,
        detector: &Detector,
        network: &Network,
        outcome: &pass::Outcome,
    ) -> Result<Outputs, TrainError> {
        let [scores, boxes] = detector.outputs(network)?;
        let rows = |id, columns| {
            let computed = outcome.activation(id).map(|tensor| to_rows(tensor, columns));
            computed.ok_or_else(|| TrainError::Model {
                model: network.graph.name.clone(),
                problem: "an output of its contract is an input or a constant".into(),
            })
        };
        Ok(Outputs { scores: rows(scores, self.reader.labels.len())?, boxes: rows(boxes, 4)? })
    }

    fn logits(&self, network: &Network, outcome: &pass::Outcome) -> Result<Tensor<2>, TrainError> {
        let id = network.logits();
        let classes = self.reader.labels.len();
        let found = network.graph.tensors[id].elements();
        match outcome.activation(id) {
            Some(logits) if found == classes => Ok(to_rows(logits, classes)),
            _ => Err(TrainError::Model {
                model: network.graph.name.clone(),
                problem: format!("its output has {found} numbers and the contract {classes} classes"),
            }),
        }
    }
}

/// Mean cross entropy of logits `[N, classes]` with targets of the same shape.
fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let [rows, _] = logits.dims();
    (targets * activation::log_softmax(logits, 1)).sum().neg().div_scalar(rows as f32)
}

/// How many rows of logits `[N, classes]` have their class's first.
pub(crate) fn count_right(logits: &Tensor<2>, classes: &[usize]) -> usize {
    let [_, width] = logits.dims();
    let rows = numbers(logits.clone().detach());
    rows.chunks_exact(width).zip(classes).filter(|(row, class)| first_of_largest(row) == **class).count()
}

/// A tensor's numbers on this side.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap_or_default()
}
