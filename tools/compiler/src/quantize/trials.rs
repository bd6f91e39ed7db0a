//! Ways to quantize, tried against each other: what gains on samples that ranges were not chosen from is taken.
//!
//! Without boxes to be guided by, nothing tells beforehand whether outliers matter or uneven channels cost
//! more than the layers that read them can pay. So the quantized model itself is measured, on held-out samples.

use std::borrow::Cow;
use std::fmt;

use super::attempt::{Attempt, attempt};
use super::observe::Observed;
use super::{Method, Options, QuantizeError, Sample};
use crate::graph::{Graph, Op};

/// How a model was quantized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    /// How ranges were chosen.
    pub method: Method,
    /// Whether channels were evened out between layers.
    pub evens_channels: bool,
    /// How many activations are int16.
    pub wide_tensors: usize,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.method)?;
        if self.evens_channels {
            write!(f, ", channels evened out")?;
        }
        match self.wide_tensors {
            0 => Ok(()),
            1 => write!(f, ", one activation in int16"),
            count => write!(f, ", {count} activations in int16"),
        }
    }
}

/// Less is chance.
const GAIN_DB: f64 = 0.5;

/// Multiply-accumulates that one trial may take; larger models are quantized in the plain way.
const TRIAL_MACS: u64 = 20_000_000_000;

/// Constants that a model may have to be tried: each trial holds a copy of them.
const TRIAL_CONSTANTS: usize = 32 << 20;

/// What an output's signal to noise is measured on.
pub(super) struct Checking<'a> {
    pub(super) samples: &'a [&'a dyn Sample],
    /// What the float model makes of them.
    pub(super) floats: &'a [Vec<Vec<f32>>],
    /// Whether ranges were chosen from others.
    pub(super) is_held_out: bool,
}

/// Quantizes in every way that may gain, and keeps the best.
pub(super) fn best(
    graph: Graph,
    observed: Observed,
    checking: &Checking<'_>,
    options: &Options,
    guided: bool,
) -> Result<Attempt, QuantizeError> {
    let plain = match options.method {
        _ if guided => Way { method: Method::Guided, evens_channels: true, wide_tensors: 0 },
        Method::Automatic => Way { method: Method::MinMax, evens_channels: false, wide_tensors: 0 },
        method => Way { method, evens_channels: false, wide_tensors: 0 },
    };
    let work = multiply_accumulates(&graph).saturating_mul(checking.samples.len() as u64);
    let constants: usize = graph.tensors.iter().filter_map(|tensor| Some(tensor.data.as_ref()?.len())).sum();
    if guided || work > TRIAL_MACS || constants > TRIAL_CONSTANTS {
        return attempt(graph, Cow::Owned(observed), checking, options, plain);
    }
    let mut best = attempt(graph.clone(), Cow::Borrowed(&observed), checking, options, plain)?;
    // On the samples that ranges come from, a range that cuts nothing off always looks best.
    if options.method == Method::Automatic && checking.is_held_out {
        for method in [Method::Percentile(99.99), Method::MeanSquare, Method::Entropy] {
            let way = Way { method, ..plain };
            best = better(best, attempt(graph.clone(), Cow::Borrowed(&observed), checking, options, way)?);
        }
    }
    if options.keep_weights {
        return Ok(best);
    }
    let way = Way { evens_channels: true, ..best.way };
    Ok(better(best, attempt(graph, Cow::Owned(observed), checking, options, way)?))
}

/// The second only where it gains.
fn better(first: Attempt, second: Attempt) -> Attempt {
    if second.mean_db() > first.mean_db() + GAIN_DB { second } else { first }
}

/// Multiply-accumulates of one run.
fn multiply_accumulates(graph: &Graph) -> u64 {
    let weighted =
        |op: &Op| matches!(op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. });
    let of = |node: &crate::graph::Node| {
        let (output, weights) = (&graph.tensors[node.outputs[0]], &graph.tensors[node.inputs[1]]);
        let channels = output.shape.last().copied().unwrap_or(1).max(1);
        (output.elements() / channels) as u64 * weights.elements() as u64
    };
    graph.nodes.iter().filter(|node| weighted(&node.op)).map(of).sum()
}
