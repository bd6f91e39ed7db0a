//! Post-training quantization: a float graph and calibration samples become an int8 graph, between
//! fold and lower.
//!
//! Weights are symmetric per output channel; activations get a scale and a zero point each. A detector
//! is calibrated from its output contract: what matters is where its boxes land at anchors near or above
//! the threshold, so every number of every layer counts by how much those boxes would move with it. Channels
//! are then evened out between layers, ranges are cut where that costs less than it gains, and the heads get
//! scales of their own. Under a budget of what may be lost, activations that need it become int16.

mod attempt;
mod bias;
mod calibration;
mod entropy;
mod equalize;
mod heads;
mod input;
mod losses;
mod observe;
pub(crate) mod ranges;
mod sample;
mod sensitivity;
mod trials;
pub(crate) mod weights;
mod wide;
mod widen;

pub use calibration::{Calibration, CalibrationError, CalibrationImage};
pub use heads::{Head, QuantizedHead};
pub use input::InputScaling;
pub use sample::{Pixels, Sample};
pub use trials::Way;
pub use weights::WeightForm;

use std::borrow::Cow;
use std::fmt;

use attempt::{Attempt, Prepared};
use sample::{ENOUGH, split};

use crate::execute::ExecuteError;
use crate::fold::prepare;
use crate::graph::{Data, Element, Graph, Tensor, TensorId};
use crate::oracle::{Observer, OracleError};
use crate::report::NO_SIGNAL_DB;

/// How ranges of activations are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// [`Method::Guided`] for detectors; otherwise [`Method::MinMax`], or what is measured to be better on
    /// samples that ranges were not chosen from, where there are enough.
    #[default]
    Automatic,
    /// The smallest and the largest value seen.
    MinMax,
    /// So many percent of the values on each side of the range, for example 99.99.
    Percentile(f64),
    /// The range with the least square error.
    MeanSquare,
    /// The range whose steps tell most of the distribution.
    Entropy,
    /// What moves the boxes least; needs heads.
    Guided,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Automatic => write!(f, "automatic"),
            Method::MinMax => write!(f, "min-max"),
            Method::Percentile(percent) => write!(f, "percentile:{percent}"),
            Method::MeanSquare => write!(f, "mse"),
            Method::Entropy => write!(f, "entropy"),
            Method::Guided => write!(f, "guided"),
        }
    }
}

/// What to quantize for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How ranges are chosen.
    pub method: Method,
    /// How pixels become the first input, if it is an image.
    pub input: Option<InputScaling>,
    /// The heads of a detector, their tensors the outputs of the graph.
    pub heads: Vec<Head>,
    /// Probability at which a detection counts.
    pub score_threshold: f32,
    /// Leave weights as they are: do not even channels out between layers, as weights that share values or are
    /// about to be trained in integers need it.
    pub keep_weights: bool,
    /// The most noise of an output, in percent of its signal's power on samples that ranges were not chosen from:
    /// activations become int16 as far as it needs that. 1 is 20 dB.
    pub drop_percent: Option<f64>,
}

/// A quantized graph and what its numbers mean.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// Activations int8 and biases int32, or int16 and int64; weights int8.
    pub graph: Graph,
    /// One for each of [`Options::heads`].
    pub heads: Vec<QuantizedHead>,
    /// Signal to noise of each output against float over the calibration samples, in decibels; for
    /// heads over the anchors near or above the threshold.
    pub output_sqnr_db: Vec<f64>,
    /// How it was quantized.
    pub way: Way,
    /// What the weights were rounded from, with the tensors of `graph`: what [`round`] rounds anew once training
    /// has moved it. Its input is what stored pixels stand for.
    pub float: Graph,
}

/// Outputs that come less near to float than this, in decibels, are warned of.
pub const LOW_SQNR_DB: f64 = 20.0;

/// Why a graph cannot be quantized.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// No operators.
    #[error(
        "model {model:?} has no operators; check that the file is the trained model and not only its weights"
    )]
    Empty {
        /// Name of the model.
        model: String,
    },
    /// No samples.
    #[error(
        "there is no calibration data for {model:?}; give a folder of pictures like those the model will see (`--calibration <folder>`)"
    )]
    NoSamples {
        /// Name of the model.
        model: String,
    },
    /// Every number of every sample is the same.
    #[error(
        "all {samples} calibration samples hold nothing but the value {value}; give pictures like those the model will see"
    )]
    Flat {
        /// How many.
        samples: usize,
        /// The one value.
        value: f32,
    },
    /// A constant that is no number.
    #[error("tensor {tensor:?} holds {value} at position {position}; train or export the model again")]
    NotFinite {
        /// Name of the tensor.
        tensor: String,
        /// NaN or an infinity.
        value: f32,
        /// Where.
        position: usize,
    },
    /// An activation that is no number.
    #[error(
        "tensor {tensor:?} becomes {value} on calibration sample {sample}; check the input's mean and scale"
    )]
    Diverged {
        /// Name of the tensor.
        tensor: String,
        /// NaN or an infinity.
        value: f32,
        /// Which sample.
        sample: usize,
    },
    /// No anchor came near the threshold.
    #[error(
        "no anchor of {model:?} came near the threshold on {samples} calibration samples, so its boxes cannot be calibrated; add pictures that show what the model detects"
    )]
    NothingDetected {
        /// Name of the model.
        model: String,
        /// How many samples were tried.
        samples: usize,
    },
    /// A guided calibration of what is no detector.
    #[error(
        "a guided calibration of {model:?} needs boxes to be guided by; give a contract with [boxes] or choose `--method min-max`"
    )]
    NoBoxes {
        /// Name of the model.
        model: String,
    },
    /// A guided calibration cannot follow the boxes back through every operator.
    #[error(
        "model {model:?} has an operator without a derivative here, so its boxes cannot guide the calibration; choose `--method min-max` or `--method percentile:99.99`"
    )]
    NoDerivative {
        /// Name of the model.
        model: String,
    },
    /// More is lost than the budget allows.
    #[error(
        "output {output:?} of {model:?} loses {percent:.2} % of its signal with int16 wherever there are kernels for it ({narrow_percent:.2} without), {:.2} more than the budget of drop={drop_percent}; give drop={:.2} or more, another `--method`, or more pictures like those the model will see", percent - drop_percent, percent + 0.01
    )]
    Drop {
        /// Name of the model.
        model: String,
        /// Name of the output.
        output: String,
        /// What is lost.
        percent: f64,
        /// What is lost in int8.
        narrow_percent: f64,
        /// What was asked for.
        drop_percent: f64,
    },
    /// An operator that only exists for floats.
    #[error("node {node:?} ({operator}): {why}")]
    Node {
        /// Name of the node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// What does not fit.
        why: String,
    },
    /// The float model does not run.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// The quantized model does not run.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

/// Quantizes a folded float graph, its ranges chosen on calibration samples.
///
/// # Errors
/// [`QuantizeError`].
pub fn quantize<S: Sample>(
    mut graph: Graph,
    samples: &[S],
    options: &Options,
) -> Result<Quantized, QuantizeError> {
    check(&graph, samples)?;
    prepare(&mut graph);
    let observer = Observer::new(&graph)?;
    let mut guided = match options.method {
        Method::Automatic => !options.heads.is_empty(),
        Method::Guided if options.heads.is_empty() => {
            return Err(QuantizeError::NoBoxes { model: graph.name });
        }
        Method::Guided => true,
        _ => false,
    };
    let (ranging, checking) = split(samples);
    let observed = match observe::observe(&graph, &observer, &ranging, options, guided) {
        Err(QuantizeError::NoDerivative { model }) if options.method == Method::Automatic => {
            graph.warnings.push(format!(
                "model `{model}` has an operator without a derivative here: its boxes do not guide the calibration"
            ));
            guided = false;
            observe::observe(&graph, &observer, &ranging, options, guided)?
        }
        observed => observed?,
    };
    let floats =
        checking.iter().map(|sample| observer.run(&sample.inputs())).collect::<Result<Vec<_>, _>>()?;
    drop(observer);
    if guided && observed.candidates == 0 {
        return Err(QuantizeError::NothingDetected { model: graph.name.clone(), samples: samples.len() });
    }
    let is_held_out = samples.len() >= ENOUGH;
    let checking = trials::Checking { samples: &checking, floats: &floats, is_held_out };
    let kept = options.drop_percent.map(|percent| (percent, graph.clone(), observed.clone()));
    let mut best = trials::best(graph, observed, &checking, options, guided)?;
    if let Some((percent, graph, observed)) = kept {
        let prepared = Prepared::new(graph, Cow::Owned(observed), options, best.way);
        best = widen::widen(prepared, best, &checking, percent)?;
    }
    // Guided ranges serve boxes near the threshold: what else heads lose, they lose on purpose.
    let warnings = if guided { Vec::new() } else { low_outputs(&best, &checking, options)? };
    let Attempt { mut graph, float, heads, output_sqnr_db, way } = best;
    graph.warnings.extend(warnings);
    Ok(Quantized { graph, heads, output_sqnr_db, way, float })
}

/// Rounds the weights and biases of `float` under the scales that activations have in `scaled`, a graph with the
/// same tensors. `form` says how the weights of a node, by index, are stored.
///
/// # Errors
/// [`QuantizeError::Node`] when an operand has no scale.
pub fn round(
    float: &Graph,
    scaled: &Graph,
    form: impl Fn(usize) -> WeightForm,
) -> Result<Graph, QuantizeError> {
    let affine = |tensor: &Tensor| match (&tensor.quantization, tensor.element) {
        (Some(quantization), Element::I8) if quantization.scales.len() == 1 => {
            Some(Affine { scale: quantization.scales[0], zero_point: quantization.zero_points[0] })
        }
        _ => None,
    };
    let is_weights =
        |id: usize| float.nodes.iter().any(|node| node.op.is_weighted() && node.inputs[1..].contains(&id));
    let affines: Vec<Option<Affine>> = scaled
        .tensors
        .iter()
        .enumerate()
        .map(|(id, tensor)| affine(tensor).filter(|_| !is_weights(id)))
        .collect();
    weights::quantize(float, &affines, &observe::Observed::default(), &wide::Wide::default(), form)
}

/// A warning for every output that is far from float, with the layers that lose most.
fn low_outputs(
    attempt: &Attempt,
    checking: &trials::Checking<'_>,
    options: &Options,
) -> Result<Vec<String>, QuantizeError> {
    // An output that has one value on all samples is not noisy.
    const MEASURED: std::ops::Range<f64> = NO_SIGNAL_DB..LOW_SQNR_DB;
    let names = attempt.graph.outputs.iter().map(|&id| &attempt.graph.tensors[id].name);
    let low: Vec<(&String, f64)> =
        names.zip(attempt.output_sqnr_db.iter().copied()).filter(|(_, db)| MEASURED.contains(db)).collect();
    if low.is_empty() {
        return Ok(Vec::new());
    }
    let losses = losses::largest(&attempt.float, &attempt.graph, checking.samples, options)?;
    let lost = |loss: &losses::Loss| {
        format!("{:?} ({:.1} dB before, {:.1} after)", loss.node, loss.before_db, loss.after_db)
    };
    let lost: Vec<String> = losses.iter().map(lost).collect();
    let measured =
        if checking.is_held_out { "held-out samples" } else { "the samples that ranges come from" };
    let warning = |(name, db): (&String, f64)| {
        format!(
            "output {name:?} comes within {db:.1} dB of float on {measured}, below {LOW_SQNR_DB} dB; most is lost in {}; give more pictures like those the model will see, or another `--method`",
            lost.join(", ")
        )
    };
    Ok(low.into_iter().map(warning).collect())
}

/// Scale and zero point of an activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) scale: f32,
    pub(crate) zero_point: i32,
}

impl Affine {
    /// The finest one that holds `low` to `high` and 0.
    pub(crate) fn covering(low: f32, high: f32) -> Affine {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = (high - low) / 255.0;
        if !scale.is_normal() {
            return Affine { scale: 1.0 / 255.0, zero_point: 0 };
        }
        let scale = snapped(scale, 64.0);
        let zero_point = (-128.0 - low / scale).round() as i32;
        Affine { scale, zero_point: zero_point.clamp(-128, 127) }
    }

    /// The stored value nearest to a real one.
    pub(crate) fn store(self, real: f32) -> i8 {
        ((real / self.scale).round() as i64 + i64::from(self.zero_point)).clamp(-128, 127) as i8
    }

    /// The real value of a stored one.
    pub(crate) fn real(self, stored: i8) -> f32 {
        self.scale * (i32::from(stored) - self.zero_point) as f32
    }
}

/// The next power of two with an exponent in steps of `1 / steps`. Floats that differ in their last bits
/// from host to host, as those of tract's kernels do, then give the same model.
pub(crate) fn snapped(value: f32, steps: f64) -> f32 {
    let exponent = (libm::log2(f64::from(value)) * steps - 1e-3).ceil() / steps;
    libm::exp2(exponent) as f32
}

/// The node that computes a tensor.
pub(crate) fn producer(graph: &Graph, id: TensorId) -> Option<usize> {
    graph.nodes.iter().position(|node| node.outputs.contains(&id))
}

/// The nodes that read a tensor.
pub(crate) fn consumers(graph: &Graph, id: TensorId) -> Vec<usize> {
    (0..graph.nodes.len()).filter(|&node| graph.nodes[node].inputs.contains(&id)).collect()
}

fn check<S: Sample>(graph: &Graph, samples: &[S]) -> Result<(), QuantizeError> {
    if graph.nodes.is_empty() {
        return Err(QuantizeError::Empty { model: graph.name.clone() });
    }
    let first = samples.first().and_then(|sample| sample.inputs().first()?.first().copied());
    let value = first.ok_or_else(|| QuantizeError::NoSamples { model: graph.name.clone() })?;
    let is_flat = |sample: &S| sample.inputs().iter().flatten().all(|&other| other == value);
    if samples.iter().all(is_flat) {
        return Err(QuantizeError::Flat { samples: samples.len(), value });
    }
    for tensor in &graph.tensors {
        if let Some(Data::F32(values)) = &tensor.data
            && let Some(position) = values.iter().position(|value| !value.is_finite())
        {
            let (tensor, value) = (tensor.name.clone(), values[position]);
            return Err(QuantizeError::NotFinite { tensor, value, position });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
