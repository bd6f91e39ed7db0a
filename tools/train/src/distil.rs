//! Distillation: a student learns from what a teacher says of the same pictures.
//!
//! Soft targets at a temperature (Hinton and others, 2015), hint layers (FitNets: Romero and others, 2015) and
//! attention maps (Zagoruyko and Komodakis, 2017). The teacher is any float model that the compiler imports.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData, activation};
use ocelli_compiler::graph::TensorId;
use ocelli_compiler::import::import;
use serde::{Deserialize, Serialize};

use crate::data::{Examples, Reader};
use crate::error::TrainError;
use crate::measure;
use crate::network::Network;
use crate::pass::{self, Leaves, Outcome, to_rows};

/// How a stage distils.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distil {
    /// The teacher's file.
    pub teacher: PathBuf,
    /// What logits are divided by.
    #[serde(default = "temperature")]
    pub temperature: f32,
    /// Part of the loss that is the teacher's; the rest is that of the labels.
    #[serde(default = "weight")]
    pub weight: f32,
    /// Pairs of a student's and a teacher's tensor that are to be alike.
    #[serde(default)]
    pub hints: Vec<[String; 2]>,
    /// Pairs of a student's and a teacher's tensor that are to be strong at the same places.
    #[serde(default)]
    pub attention: Vec<[String; 2]>,
    /// Factor of hints and of attention.
    #[serde(default = "hint_weight")]
    pub hint_weight: f32,
}

fn temperature() -> f32 {
    4.0
}
fn weight() -> f32 {
    0.9
}
fn hint_weight() -> f32 {
    1.0
}

/// A teacher that fits a student.
pub(crate) struct Teacher<'a> {
    settings: &'a Distil,
    network: Network,
    leaves: Leaves,
    hints: Vec<[TensorId; 2]>,
    attention: Vec<[TensorId; 2]>,
    /// Its logits on every picture of the training part, once it has looked at them.
    known: Option<Vec<f32>>,
}

impl<'a> Teacher<'a> {
    /// Reads the teacher and checks that it fits.
    ///
    /// # Errors
    /// [`TrainError`] with what does not.
    pub(crate) fn open(settings: &'a Distil, student: &Network) -> Result<Teacher<'a>, TrainError> {
        let network = Network::new(import(&settings.teacher)?)?;
        let wrong = |problem: String| TrainError::Model {
            model: format!("{} as teacher", settings.teacher.display()),
            problem,
        };
        let of = |network: &Network, id: TensorId| network.graph.tensors[id].shape.clone();
        let inputs = [of(&network, network.graph.inputs[0]), of(student, student.graph.inputs[0])];
        if inputs[0] != inputs[1] {
            return Err(wrong(format!("it sees pictures {:?} and the student {:?}", inputs[0], inputs[1])));
        }
        let elements = |network: &Network| network.graph.tensors[network.logits()].elements();
        if elements(&network) != elements(student) {
            return Err(wrong(format!(
                "it has {} classes and the student {}; train one of them on the other's classes",
                elements(&network),
                elements(student)
            )));
        }
        let find = |network: &Network, name: &str| {
            let place =
                network.graph.tensors.iter().position(|tensor| tensor.name == name && tensor.data.is_none());
            place.ok_or_else(|| wrong(format!("no tensor is called {name:?} in {}", network.graph.name)))
        };
        let pair = |[own, its]: &[String; 2]| Ok([find(student, own)?, find(&network, its)?]);
        let hints = settings.hints.iter().map(pair).collect::<Result<Vec<_>, TrainError>>()?;
        let attention = settings.attention.iter().map(pair).collect::<Result<Vec<_>, TrainError>>()?;
        for (pairs, axes) in [(&hints, 4), (&attention, 3)] {
            for &[own, its] in pairs {
                let (own, its) = (of(student, own), of(&network, its));
                if own.len() != its.len() || own.iter().zip(&its).take(axes).any(|(own, its)| own != its) {
                    return Err(wrong(format!("a tensor of {its:?} cannot teach one of {own:?}")));
                }
            }
        }
        let device = Device::default();
        let leaves = Leaves::fixed(&network, &network.parameters(), &device);
        Ok(Teacher { settings, network, leaves, hints, attention, known: None })
    }

    /// Looks at all pictures once, for stages that show them unchanged: then it need not look again in every epoch.
    /// Hints and attention ask for more than logits, and keep it looking.
    ///
    /// # Errors
    /// [`TrainError::Node`] when the teacher cannot be run here.
    pub(crate) fn look_at(&mut self, pictures: &Examples, reader: &Reader) -> Result<(), TrainError> {
        if self.hints.is_empty() && self.attention.is_empty() {
            self.known = Some(measure::logits(&self.network, reader, pictures)?);
        }
        Ok(())
    }

    /// The loss of a batch, given that of the labels. `input` is what both see, without gradients; `indices` are the
    /// places of its pictures in the training part.
    ///
    /// # Errors
    /// [`TrainError::Node`] when the teacher cannot be run here.
    pub(crate) fn loss(
        &self,
        indices: &[usize],
        input: impl FnOnce() -> Tensor<4>,
        student: &Outcome,
        logits: Tensor<2>,
        of_labels: Tensor<1>,
    ) -> Result<Tensor<1>, TrainError> {
        let Distil { temperature, weight, hint_weight, .. } = *self.settings;
        let [rows, classes] = logits.dims();
        let (taught, outcome) = match &self.known {
            Some(known) => {
                let of = |&index: &usize| known[index * classes..][..classes].iter().copied();
                let data =
                    TensorData::new(indices.iter().flat_map(of).collect::<Vec<f32>>(), [rows, classes]);
                (Some(Tensor::from_data(data, &Device::default())), None)
            }
            None => {
                let outcome =
                    pass::forward(&self.network, &self.leaves, input(), &mut pass::Options::default())?;
                let taught = outcome.activation(self.network.logits());
                (taught.map(|taught| to_rows(taught, classes)), Some(outcome))
            }
        };
        let find = |id| outcome.as_ref().and_then(|outcome| outcome.activation(id));
        let Some(taught) = taught else { return Ok(of_labels) };
        let soft = activation::softmax(taught.div_scalar(temperature), 1);
        let own = activation::log_softmax(logits.div_scalar(temperature), 1);
        // Gradients shrink with the square of the temperature; the factor keeps the balance with the labels.
        let apart = (soft * own).sum().neg().mul_scalar(temperature * temperature / rows as f32);
        let mut loss = of_labels.mul_scalar(1.0 - weight) + apart.mul_scalar(weight);
        for &[own, its] in &self.hints {
            if let (Some(own), Some(its)) = (student.activation(own), find(its)) {
                let difference = own - its;
                loss = loss + (difference.clone() * difference).mean().mul_scalar(hint_weight);
            }
        }
        for &[own, its] in &self.attention {
            if let (Some(own), Some(its)) = (student.activation(own), find(its)) {
                let difference = attention(own) - attention(its);
                loss = loss + (difference.clone() * difference).mean().mul_scalar(hint_weight);
            }
        }
        Ok(loss)
    }
}

/// Where a map is strong: the mean square over channels, of length 1 over all places.
fn attention(map: Tensor<4>) -> Tensor<2> {
    let [batch, _, height, width] = map.dims();
    let strength = (map.clone() * map).mean_dim(1).reshape([batch, height * width]);
    let length = (strength.clone() * strength.clone()).sum_dim(1).add_scalar(1e-12).sqrt();
    strength / length
}
