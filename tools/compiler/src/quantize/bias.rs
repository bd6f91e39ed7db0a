//! Bias correction of the heads, and how near the integers come to float.
//!
//! Rounding of weights and cutting of ranges leave a small error of one sign in every output channel.
//! The quantized model runs on calibration samples that ranges were not chosen from, and its mean error goes into the bias.

use super::{Affine, Options, QuantizeError, QuantizedHead, Sample, producer};
use crate::execute::{ExecuteError, Executor};
use crate::graph::{Data, Graph, TensorId};
use crate::{lower, plan};

/// Corrects the heads' biases; the signal to noise of every output in decibels.
pub(super) fn correct(
    graph: &mut Graph,
    samples: &[&dyn Sample],
    floats: &[Vec<Vec<f32>>],
    heads: &[QuantizedHead],
    options: &Options,
) -> Result<Vec<f64>, QuantizeError> {
    let mut errors: Vec<Errors> = graph.outputs.iter().map(|&id| Errors::new(graph, id)).collect();
    let near_in = |floats: &[Vec<f32>]| -> Vec<Vec<usize>> {
        let values = |id: TensorId| {
            let place = graph.outputs.iter().position(|&output| output == id)?;
            floats.get(place).map(Vec::as_slice)
        };
        let near = |head: &QuantizedHead| head.head.near(values, options.score_threshold);
        heads.iter().map(near).collect()
    };
    let near: Vec<Vec<Vec<usize>>> = floats.iter().map(|floats| near_in(floats)).collect();
    let counting: Vec<usize> = (0..samples.len())
        .filter(|&index| heads.is_empty() || !near[index].iter().all(Vec::is_empty))
        .collect();
    let inputs: Vec<Vec<Vec<i8>>> =
        counting.iter().map(|&index| stored_inputs(graph, &samples[index].inputs(), options)).collect();
    for (&index, outputs) in counting.iter().zip(run(graph, &inputs)?) {
        for (place, &id) in graph.outputs.iter().enumerate() {
            let (affine, floats) = (affine(graph, id), &floats[index][place]);
            let mut of_heads =
                heads.iter().zip(&near[index]).filter(|(head, _)| head.computes(id)).peekable();
            if of_heads.peek().is_none() {
                for (index, (&stored, &float)) in outputs[place].iter().zip(floats).enumerate() {
                    errors[place].add(index, affine.real(stored), float);
                }
            }
            for (head, near) in of_heads {
                for index in near.iter().flat_map(|&anchor| head.positions(id, anchor)) {
                    let (float, scale, offset) = head.float(id, index, floats[index]);
                    let stored = outputs[place][index];
                    if stored > -128 && stored < 127 {
                        errors[place].add(index, affine.real(stored), (float - offset) / scale);
                    }
                }
            }
        }
    }
    for (place, id) in graph.outputs.clone().into_iter().enumerate() {
        if heads.iter().any(|head| head.computes(id)) {
            errors[place].move_into_bias(graph, id);
        }
    }
    Ok(errors.iter().map(Errors::sqnr_db).collect())
}

/// The outputs for every input, run side by side.
fn run(graph: &Graph, inputs: &[Vec<Vec<i8>>]) -> Result<Vec<Vec<Vec<i8>>>, ExecuteError> {
    let mut model = lower::lower(graph)?.model;
    let schedule = plan::plan(&model)?;
    model.schedules.push(schedule);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = inputs.len().div_ceil(threads).max(1);
    let run_share = |inputs: &[Vec<Vec<i8>>]| -> Result<Vec<Vec<Vec<i8>>>, ExecuteError> {
        let mut executor = Executor::new(&model)?;
        inputs.iter().map(|inputs| executor.run(inputs)).collect()
    };
    std::thread::scope(|scope| {
        let shares: Vec<_> = inputs.chunks(share).map(|inputs| scope.spawn(|| run_share(inputs))).collect();
        let mut outputs = Vec::with_capacity(inputs.len());
        for share in shares {
            outputs.extend(share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(outputs)
    })
}

/// Scale and zero point of a quantized tensor.
pub(super) fn affine(graph: &Graph, id: TensorId) -> Affine {
    let quantization = graph.tensors[id].quantization.as_ref();
    quantization.map_or(Affine { scale: 1.0, zero_point: 0 }, |quantization| Affine {
        scale: quantization.scales[0],
        zero_point: quantization.zero_points[0],
    })
}

/// Samples as the device stores them.
pub(super) fn stored_inputs(graph: &Graph, sample: &[Vec<f32>], options: &Options) -> Vec<Vec<i8>> {
    let mut inputs = Vec::with_capacity(sample.len());
    for (index, (values, &id)) in sample.iter().zip(&graph.inputs).enumerate() {
        let affine = affine(graph, id);
        let scaling = options.input.as_ref().filter(|_| index == 0);
        inputs.push(match scaling {
            Some(scaling) => scaling.store(values, affine),
            None => values.iter().map(|&value| affine.store(value)).collect(),
        });
    }
    inputs
}

impl QuantizedHead {
    /// Whether a tensor is one of this head's.
    fn computes(&self, id: TensorId) -> bool {
        let head = &self.head;
        id == head.scores || id == head.boxes || head.objectness.is_some_and(|(object, _)| id == object)
    }

    /// Places of an anchor's values in one of its tensors.
    fn positions(&self, id: TensorId, anchor: usize) -> std::ops::Range<usize> {
        let head = &self.head;
        match head.objectness {
            _ if id == head.scores => {
                let start = (head.first_score + anchor) * head.classes;
                start + usize::from(head.has_background)..start + head.classes
            }
            Some((object, first)) if id == object => first + anchor..first + anchor + 1,
            _ => {
                let start = (head.first_box + anchor) * head.fields();
                start..start + head.fields()
            }
        }
    }

    /// A float output, and the scale and offset that its channel is stored under besides the tensor's.
    fn float(&self, id: TensorId, index: usize, float: f32) -> (f32, f32, f32) {
        let per_cell = self.head.grid.anchors.len() * self.head.fields();
        if id == self.head.boxes && self.own_scales() {
            let (scale, offset) = self.fields[(index - self.head.first_box * self.head.fields()) % per_cell];
            (float, scale, offset)
        } else {
            (float, 1.0, 0.0)
        }
    }
}

/// Errors of an output by channel.
struct Errors {
    channels: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
    counts: Vec<u32>,
    signal_sums: Vec<f64>,
    signal_squares: Vec<f64>,
}

impl Errors {
    fn new(graph: &Graph, id: TensorId) -> Errors {
        let channels = graph.tensors[id].shape.last().copied().unwrap_or(1).max(1);
        let zeros = || vec![0.0; channels];
        Errors {
            channels,
            sums: zeros(),
            squares: zeros(),
            counts: vec![0; channels],
            signal_sums: zeros(),
            signal_squares: zeros(),
        }
    }

    fn add(&mut self, index: usize, real: f32, float: f32) {
        let channel = index % self.channels;
        let (error, float) = (f64::from(real - float), f64::from(float));
        self.sums[channel] += error;
        self.squares[channel] += error * error;
        self.counts[channel] += 1;
        self.signal_sums[channel] += float;
        self.signal_squares[channel] += float * float;
    }

    /// Takes the mean error of each channel out of the layer that computes `id`.
    fn move_into_bias(&mut self, graph: &mut Graph, id: TensorId) {
        /// Fewer numbers say nothing about the mean.
        const ENOUGH: u32 = 10;
        let output = affine(graph, id);
        let Some(node) = producer(graph, id) else { return };
        let Some(&bias) = graph.nodes[node].inputs.get(2) else { return };
        let tensor = &mut graph.tensors[bias];
        let (Some(Data::I32(values)), Some(quantization)) = (&mut tensor.data, &tensor.quantization) else {
            return;
        };
        if values.len() != self.channels || quantization.scales.len() != self.channels || output.scale <= 0.0
        {
            return;
        }
        for (channel, value) in values.iter_mut().enumerate() {
            if self.counts[channel] >= ENOUGH {
                let mean = self.sums[channel] / f64::from(self.counts[channel]);
                let moved = f64::from(*value) - mean / f64::from(quantization.scales[channel]);
                *value = moved.round() as i32;
                self.squares[channel] -= mean * self.sums[channel];
            }
        }
    }

    /// Mean square around the mean of the signal over that of the error.
    fn sqnr_db(&self) -> f64 {
        let (mut signal, mut noise) = (0.0, 0.0);
        for channel in 0..self.channels {
            let count = f64::from(self.counts[channel].max(1));
            signal +=
                self.signal_squares[channel] - self.signal_sums[channel] * self.signal_sums[channel] / count;
            noise += self.squares[channel].max(0.0);
        }
        if noise == 0.0 { f64::INFINITY } else { 10.0 * (signal.max(f64::MIN_POSITIVE) / noise).log10() }
    }
}
