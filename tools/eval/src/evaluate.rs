//! The run: every picture is decoded once and shown to every model, so that they see the same pixels.

use ocelli_core::Frame;
use serde::Serialize;

use crate::data::DataSet;
use crate::metrics::boxes::Boxes;
use crate::metrics::classes::Classes;
use crate::metrics::masks::Masks;
use crate::metrics::{Bootstrap, Metric};
use crate::{DataError, LabelMap, Prediction, TrueBox, Truth};

/// What a model says about a frame, or why it cannot.
pub type Predict<'m> = Box<dyn FnMut(&Frame<'_>) -> Result<Prediction, String> + 'm>;

/// A model to measure.
pub struct Model<'m> {
    /// For the table: `int8`, `float`.
    pub name: String,
    /// What it says about a frame.
    pub predict: Predict<'m>,
}

/// How to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// The set's classes as the models'.
    pub labels: LabelMap,
    /// How often the bootstrap draws.
    pub resamples: usize,
    /// What it starts from.
    pub seed: u64,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Pictures that counted.
    pub pictures: usize,
    /// Pictures of labels that were left out.
    pub left_out: usize,
    /// In the order of the models.
    pub models: Vec<Measured>,
}

/// What was measured of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Each with its interval.
    pub metrics: Vec<Metric>,
}

/// Why a set was not measured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A picture cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A model fails on a picture.
    #[error("{sample}: the {model} model: {problem}")]
    Model {
        /// Name of the picture.
        sample: String,
        /// Name of the model.
        model: String,
        /// What it says.
        problem: String,
    },
    /// The data tell one thing and the model another.
    #[error("the data set tells {truth} and the {model} model gives {found}; give data of the model's kind")]
    Kinds {
        /// What the labels are.
        truth: &'static str,
        /// Name of the model.
        model: String,
        /// What it gives.
        found: &'static str,
    },
    /// No picture is left.
    #[error("all labels of the data set are left out, so nothing is left to measure")]
    Nothing,
}

/// Shows every picture to every model; `progress` hears of each picture that is done.
///
/// # Errors
/// [`EvalError`].
pub fn evaluate(
    set: &DataSet,
    models: &mut [Model<'_>],
    options: &Options,
    mut progress: impl FnMut(),
) -> Result<Evaluation, EvalError> {
    let mut records: Vec<Records> = models.iter().map(|_| Records::None).collect();
    let (mut pictures, mut left_out) = (0, 0);
    for sample in &set.samples {
        progress();
        let Some(truth) = Known::of(sample, &options.labels)? else {
            left_out += 1;
            continue;
        };
        pictures += 1;
        let picture = sample.picture()?;
        for (model, records) in models.iter_mut().zip(&mut records) {
            let failed = |problem: String| EvalError::Model {
                sample: sample.name.clone(),
                model: model.name.clone(),
                problem,
            };
            let prediction = (model.predict)(&picture.frame()).map_err(failed)?;
            records.add(&truth, prediction).map_err(|problem| match problem {
                Misfit::Kinds(truth, found) => EvalError::Kinds { truth, model: model.name.clone(), found },
                Misfit::Other(problem) => {
                    EvalError::Model { sample: sample.name.clone(), model: model.name.clone(), problem }
                }
            })?;
        }
    }
    if pictures == 0 {
        return Err(EvalError::Nothing);
    }
    let bootstrap = Bootstrap { resamples: options.resamples, seed: options.seed };
    let measured = |(model, records): (&Model<'_>, &mut Records)| Measured {
        name: model.name.clone(),
        metrics: records.metrics(options.labels.names(), bootstrap),
    };
    let models = models.iter().zip(&mut records).map(measured).collect();
    Ok(Evaluation { pictures, left_out, models })
}

/// What is true of a picture, in classes of the model.
enum Known {
    Class(usize),
    Boxes(Vec<TrueBox>),
    Mask(crate::Mask),
}

impl Known {
    fn of(sample: &crate::Sample, labels: &LabelMap) -> Result<Option<Known>, DataError> {
        Ok(match &sample.truth {
            Truth::Class(class) => labels.class(*class).map(Known::Class),
            Truth::Boxes(boxes) => {
                let known = |truth: &TrueBox| {
                    labels.class(truth.class).map(|class| TrueBox { class, ..truth.clone() })
                };
                Some(Known::Boxes(boxes.iter().filter_map(known).collect()))
            }
            Truth::Mask(_) => sample.mask().transpose()?.map(Known::Mask),
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Known::Class(_) => "classes",
            Known::Boxes(_) => "boxes",
            Known::Mask(_) => "masks",
        }
    }
}

enum Misfit {
    Kinds(&'static str, &'static str),
    Other(String),
}

/// What is kept of every picture.
enum Records {
    None,
    Classes(Classes),
    Boxes(Boxes),
    Masks(Masks),
}

impl Records {
    fn add(&mut self, truth: &Known, prediction: Prediction) -> Result<(), Misfit> {
        if matches!(self, Records::None) {
            *self = match truth {
                Known::Class(_) => Records::Classes(Classes::default()),
                Known::Boxes(_) => Records::Boxes(Boxes::default()),
                Known::Mask(_) => Records::Masks(Masks::default()),
            };
        }
        let found = prediction.name();
        match (self, truth, prediction) {
            (Records::Classes(classes), Known::Class(truth), Prediction::Scores(scores)) => {
                if let Some(place) = scores.iter().position(|score| score.is_nan()) {
                    return Err(Misfit::Other(format!("the score of class {place} is no number")));
                }
                classes.add(*truth, scores);
            }
            (Records::Boxes(boxes), Known::Boxes(truths), Prediction::Boxes(found)) => {
                boxes.add(truths, &found)
            }
            (Records::Masks(masks), Known::Mask(truth), Prediction::Mask(found)) => {
                if (truth.width, truth.height) != (found.width, found.height) {
                    return Err(Misfit::Other(format!(
                        "the true mask has {} x {} pixels and the picture {} x {}",
                        truth.width, truth.height, found.width, found.height
                    )));
                }
                masks.add(truth, &found, crate::data::VOID);
            }
            (_, truth, _) => return Err(Misfit::Kinds(truth.name(), found)),
        }
        Ok(())
    }

    fn metrics(&mut self, labels: &[String], bootstrap: Bootstrap) -> Vec<Metric> {
        match self {
            Records::None => Vec::new(),
            Records::Classes(classes) => classes.metrics(bootstrap),
            Records::Boxes(boxes) => boxes.metrics(labels, bootstrap),
            Records::Masks(masks) => masks.metrics(bootstrap),
        }
    }
}
