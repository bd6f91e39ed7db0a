//! Where quantization loses most: after the choice of ranges, for a warning that says what to look at.
//!
//! Float and int8 start from the same stored input, so that all noise is the model's own. A layer is told by how
//! much more noise, relative to its signal, its result has than the noisiest of its operands.

use super::{Affine, Options, QuantizeError, Sample, bias};
use crate::execute::{ExecuteError, Executor};
use crate::graph::{Element, Graph, Op, Tensor, TensorId, Unary};
use crate::oracle::Observer;
use crate::{lower, plan};

/// A layer, and signal to noise in decibels of what it reads and of what it computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loss {
    pub(super) node: String,
    pub(super) before_db: f64,
    pub(super) after_db: f64,
}

/// Samples that tell enough.
const SAMPLES: usize = 4;

/// Layers worth naming.
const NAMED: usize = 3;

/// The layers that add most noise, the worst first. `float` is the graph that `quantized` was rounded from.
pub(super) fn largest(
    float: &Graph,
    quantized: &Graph,
    samples: &[&dyn Sample],
    options: &Options,
) -> Result<Vec<Loss>, QuantizeError> {
    let observer = Observer::new(float)?;
    let lowered = lower::lower(quantized).map_err(ExecuteError::from)?;
    let mut model = lowered.model;
    model.schedules.push(plan::plan(&model).map_err(ExecuteError::from)?);
    let mut executor = Executor::new(&model)?;
    let mut noise = vec![Noise::default(); quantized.tensors.len()];
    let origins = origins(float, quantized);
    for sample in samples.iter().take(SAMPLES) {
        let stored = bias::stored_inputs(quantized, &sample.inputs(), options);
        let real = |(values, &id): (&Vec<i8>, &TensorId)| -> Vec<f32> {
            let affine = bias::affine(quantized, id);
            values.iter().map(|&value| affine.real(value)).collect()
        };
        let inputs: Vec<Vec<f32>> = stored.iter().zip(&quantized.inputs).map(real).collect();
        let floats = observer.run_all(&inputs)?;
        let integers = executor.run_all(&stored)?;
        for (id, noise) in noise.iter_mut().enumerate() {
            let floats = floats.get(origins[id]).and_then(Option::as_ref);
            let place = lowered.tensors.get(id).copied().flatten();
            let integers = place.and_then(|place| integers[usize::from(place)].as_ref());
            if let (Some(floats), Some(integers)) = (floats, integers) {
                noise.add(floats, &numbers(&quantized.tensors[id], integers), bias::affine(quantized, id));
            }
        }
    }
    let mut losses: Vec<(f64, Loss)> = quantized
        .nodes
        .iter()
        .filter_map(|node| {
            let after = noise[node.outputs[0]].ratio();
            let before = node.inputs.iter().map(|&id| noise[id].ratio()).fold(0.0, f64::max);
            let decibels = |ratio: f64| -10.0 * ratio.log10();
            let (before_db, after_db) = (decibels(before), decibels(after));
            (after > before).then(|| (after - before, Loss { node: node.name.clone(), before_db, after_db }))
        })
        .collect();
    losses.sort_by(|left, right| right.0.total_cmp(&left.0));
    Ok(losses.into_iter().take(NAMED).map(|(_, loss)| loss).collect())
}

/// For every tensor the one whose numbers it has in float: itself, unless it is a copy in another type.
fn origins(float: &Graph, quantized: &Graph) -> Vec<TensorId> {
    let mut origins: Vec<TensorId> = (0..quantized.tensors.len()).collect();
    let is_copy = |id: TensorId| id >= float.tensors.len();
    for node in quantized.nodes.iter().filter(|node| node.op == Op::Unary(Unary::Requantize)) {
        match (node.inputs[0], node.outputs[0]) {
            (from, to) if is_copy(to) => origins[to] = from,
            (from, to) if is_copy(from) => origins[from] = to,
            _ => {}
        }
    }
    origins
}

/// The numbers that a tensor's bytes hold.
fn numbers(tensor: &Tensor, bytes: &[i8]) -> Vec<i32> {
    let pair = |pair: &[i8]| i16::from_le_bytes([pair[0] as u8, pair[1] as u8]).into();
    match tensor.element {
        Element::I16 => bytes.chunks_exact(2).map(pair).collect(),
        _ => bytes.iter().map(|&byte| byte.into()).collect(),
    }
}

/// Sums over a tensor.
#[derive(Clone, Copy, Debug, Default)]
struct Noise {
    count: f64,
    sum: f64,
    square: f64,
    error: f64,
}

impl Noise {
    fn add(&mut self, floats: &[f32], integers: &[i32], affine: Affine) {
        for (&float, &stored) in floats.iter().zip(integers) {
            let (float, real) =
                (f64::from(float), f64::from(affine.scale * (stored - affine.zero_point) as f32));
            self.count += 1.0;
            self.sum += float;
            self.square += float * float;
            self.error += (float - real) * (float - real);
        }
    }

    /// Noise over signal; 0 for constants and for what was not seen.
    fn ratio(&self) -> f64 {
        let signal = self.square - self.sum * self.sum / self.count.max(1.0);
        if signal > 0.0 { self.error / signal } else { 0.0 }
    }
}
