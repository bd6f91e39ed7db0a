//! What the float model does on the calibration samples, boiled down to what ranges are chosen from.
//!
//! A model's activations on a hundred pictures would fill memory, so of every tensor and picture only the
//! extremes, the peak of every channel and a few hundred numbers drawn at random are kept, each with its weight: how much the
//! outputs move with it.

use super::sensitivity::{self, ByTensor};
use super::{Head, Options, QuantizeError, Sample, consumers};
use crate::graph::{Activation, Graph, Op, TensorId};
use crate::oracle::Observer;

/// Numbers drawn at random of a tensor on one sample.
const DRAWN: usize = 400;

/// As many of all samples tell enough where all numbers count alike: memory stays bounded, whatever there is to
/// calibrate on.
const DRAWN_OF_ALL: usize = 12_800;

/// Smallest and largest numbers kept besides.
const EXTREMES: usize = 16;

/// Gradients drawn a sample.
const DRAWS: usize = 2;

/// Logits below the threshold from which an anchor is near it.
pub(super) const NEAR: f32 = 1.0;

/// A number of a tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub(super) value: f32,
    /// The number that is added to it before a rectifier, for tensors with [`Observed::hinge`].
    pub(super) partner: f32,
    /// How much the outputs move with it, squared, times the numbers that it stands for.
    pub(super) weight: f32,
    /// Innermost axis.
    pub(super) channel: u32,
}

/// What was seen of a tensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) min: f32,
    pub(super) max: f32,
    /// Largest magnitude of each channel among numbers that count.
    pub(super) channel_peaks: Vec<f32>,
    pub(super) numbers: Vec<Number>,
}

/// What was seen of a head at anchors that are near the threshold or above.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadSeen {
    /// Rows of fields by anchor of a cell.
    pub(super) fields: Vec<Vec<Vec<f32>>>,
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    /// By tensor.
    pub(super) tensors: Vec<Option<Seen>>,
    /// By head.
    pub(super) heads: Vec<HeadSeen>,
    /// Anchors near the threshold or above.
    pub(super) candidates: usize,
    /// Numbers that are drawn of a tensor on one sample.
    drawn: usize,
}

impl Seen {
    /// The mean of every channel, each number with its weight; 0 where nothing counted.
    pub(super) fn channel_means(&self) -> Vec<f32> {
        let mut sums = vec![(0f64, 0f64); self.channel_peaks.len()];
        for number in &self.numbers {
            if let Some((sum, weight)) = sums.get_mut(number.channel as usize) {
                *sum += f64::from(number.weight) * f64::from(number.value);
                *weight += f64::from(number.weight);
            }
        }
        sums.iter().map(|&(sum, weight)| if weight > 0.0 { (sum / weight) as f32 } else { 0.0 }).collect()
    }
}

/// Runs the float model on all samples.
pub(super) fn observe(
    graph: &Graph,
    observer: &Observer,
    samples: &[&dyn Sample],
    options: &Options,
    guided: bool,
) -> Result<Observed, QuantizeError> {
    let hinges: Vec<Option<Hinge>> = (0..graph.tensors.len()).map(|id| hinge(graph, id)).collect();
    let mut observed = Observed { tensors: vec![None; graph.tensors.len()], ..Observed::default() };
    observed.heads = options
        .heads
        .iter()
        .map(|head| HeadSeen { fields: vec![Vec::new(); head.grid.anchors.len()] })
        .collect();
    observed.drawn = if guided { DRAWN } else { (DRAWN_OF_ALL / samples.len().max(1)).clamp(64, DRAWN) };
    // Values, and of a guided calibration the squares of their gradients.
    let threads = observer.threads(if guided { 2 } else { 1 });
    for (batch, inputs) in samples.chunks(threads).enumerate() {
        let first = batch * threads;
        // Run side by side, taken in in order: the number of threads changes nothing.
        let run = |index: usize| run_sample(graph, observer, inputs[index], first + index, options, guided);
        let runs: Vec<_> = match inputs.len() {
            // A thread's memory is its own, so that a single one costs that of two.
            1 => vec![run(0)],
            count => std::thread::scope(|scope| {
                let spawned: Vec<_> = (0..count).map(|index| scope.spawn(move || run(index))).collect();
                spawned
                    .into_iter()
                    .map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            }),
        };
        for (index, run) in runs.into_iter().enumerate() {
            take_in(&mut observed, graph, &hinges, &run?, first + index, options, guided);
        }
    }
    Ok(observed)
}

/// What a sample makes of the model.
struct Run {
    values: ByTensor,
    /// Squared gradients, of a guided calibration where an anchor counts.
    weights: Option<ByTensor>,
}

/// The random numbers of a sample.
fn random_of(sample: usize, purpose: u32) -> Random {
    let seed = (sample as u32 + 1).wrapping_mul(0x9E37_79B9) ^ purpose;
    Random(if seed == 0 { purpose } else { seed })
}

fn run_sample(
    graph: &Graph,
    observer: &Observer,
    sample: &dyn Sample,
    index: usize,
    options: &Options,
    guided: bool,
) -> Result<Run, QuantizeError> {
    let values = observer.run_all(&sample.inputs())?;
    check(graph, &values, index)?;
    let counts = |head: &Head| !head.near(|id| values[id].as_deref(), options.score_threshold).is_empty();
    let weights = if guided && options.heads.iter().any(counts) {
        let mut random = random_of(index, 0x2545_F491);
        Some(squared_gradients(graph, &values, options, &mut random).ok_or_else(|| unsupported(graph))?)
    } else {
        None
    };
    Ok(Run { values, weights })
}

/// Adds a sample to what was observed.
fn take_in(
    observed: &mut Observed,
    graph: &Graph,
    hinges: &[Option<Hinge>],
    run: &Run,
    index: usize,
    options: &Options,
    guided: bool,
) {
    let Run { values, weights } = run;
    observed.candidates += see_heads(observed, values, options);
    if guided && weights.is_none() {
        return;
    }
    let mut random = random_of(index, 0x1234_5678);
    for id in 0..graph.tensors.len() {
        let Some(numbers) = &values[id] else { continue };
        let hinge = hinges[id].as_ref().filter(|_| guided);
        let weighted_by = hinge.map_or(id, |hinge| hinge.sum);
        let weights = match weights {
            Some(weights) => match &weights[weighted_by] {
                Some(weights) => Some(&weights[..]),
                None => continue,
            },
            None => None,
        };
        let seen = observed.tensors[id].get_or_insert_with(|| Seen {
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
            ..Seen::default()
        });
        let channels = graph.tensors[id].shape.last().copied().unwrap_or(1);
        let partner = hinge.and_then(|hinge| values[hinge.partner].as_deref());
        see(seen, numbers, partner, weights, channels, observed.drawn, &mut random);
    }
}

/// A tensor that is only added to another and then rectified: below minus its partner it may be cut.
pub(super) struct Hinge {
    pub(super) sum: TensorId,
    pub(super) partner: TensorId,
}

/// The hinge that a tensor stands before, if it does and if nothing else reads it.
pub(super) fn hinge(graph: &Graph, id: TensorId) -> Option<Hinge> {
    let &[reader] = &consumers(graph, id)[..] else { return None };
    let node = &graph.nodes[reader];
    let Op::Add { activation: Activation::Relu } = node.op else { return None };
    let &[first, second] = &node.inputs[..] else { return None };
    let partner = if first == id { second } else { first };
    let same_shape = graph.tensors[partner].shape == graph.tensors[id].shape;
    let computed = graph.tensors[partner].data.is_none() && !graph.outputs.contains(&id);
    // The value that passes round the block keeps its range: it is read elsewhere as well.
    let weighted = super::producer(graph, id)
        .is_some_and(|node| matches!(graph.nodes[node].op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. }));
    (first != second && same_shape && computed && weighted).then_some(Hinge { sum: node.outputs[0], partner })
}

fn check(graph: &Graph, values: &ByTensor, sample: usize) -> Result<(), QuantizeError> {
    for (tensor, numbers) in graph.tensors.iter().zip(values) {
        if let Some(&value) = numbers.iter().flatten().find(|value| !value.is_finite()) {
            return Err(QuantizeError::Diverged { tensor: tensor.name.clone(), value, sample });
        }
    }
    Ok(())
}

fn unsupported(graph: &Graph) -> QuantizeError {
    QuantizeError::NoDerivative { model: graph.name.clone() }
}

/// Keeps the fields of anchors that count, and says how many there are.
fn see_heads(observed: &mut Observed, values: &ByTensor, options: &Options) -> usize {
    let mut found = 0;
    for (head, seen) in options.heads.iter().zip(&mut observed.heads) {
        let Some(boxes) = &values[head.boxes] else { continue };
        for anchor in head.near(|id| values[id].as_deref(), options.score_threshold) {
            found += 1;
            let row = head.fields_of(boxes, anchor).to_vec();
            seen.fields[anchor % head.grid.anchors.len()].push(row);
        }
    }
    found
}

/// The mean over some draws of the squared gradient of what counts.
fn squared_gradients(
    graph: &Graph,
    values: &ByTensor,
    options: &Options,
    random: &mut Random,
) -> Option<ByTensor> {
    let mut squares: ByTensor = vec![None; graph.tensors.len()];
    for _ in 0..DRAWS {
        let mut seeds = Vec::new();
        for head in &options.heads {
            seeds.extend(seeds_of(head, values, options, random)?);
        }
        sensitivity::backward(graph, values, &seeds, |id, gradient| {
            let sum = squares[id].get_or_insert_with(|| vec![0.0; gradient.len()]);
            for (sum, value) in sum.iter_mut().zip(gradient) {
                *sum += value * value / DRAWS as f32;
            }
        })?;
    }
    Some(squares)
}

/// One draw for a head: boxes count relative to their size, keypoints less, a logit like a few percent.
fn seeds_of(
    head: &Head,
    values: &ByTensor,
    options: &Options,
    random: &mut Random,
) -> Option<Vec<(TensorId, Vec<f32>)>> {
    const KEYPOINT: f32 = 0.3;
    const LOGIT: f32 = 0.025;
    let (scores, boxes) = (values[head.scores].as_ref()?, values[head.boxes].as_ref()?);
    let (mut score_seed, mut box_seed) = (vec![0.0; scores.len()], vec![0.0; boxes.len()]);
    let mut object_seed = match head.objectness {
        Some((id, first)) => Some((id, first, vec![0.0; values[id].as_ref()?.len()])),
        None => None,
    };
    for anchor in head.near(|id| values[id].as_deref(), options.score_threshold) {
        let pulls = head.pull_of(boxes, anchor);
        for (field, seed) in head.fields_of_mut(&mut box_seed, anchor).iter_mut().enumerate() {
            let is_keypoint = head.spelling.name_of(field).is_none();
            *seed = random.sign() * pulls[field] * if is_keypoint { KEYPOINT } else { 1.0 };
        }
        for seed in head.scores_of_mut(&mut score_seed, anchor) {
            *seed = random.sign() * LOGIT;
        }
        if let Some((_, first, seed)) = &mut object_seed {
            seed[*first + anchor] = random.sign() * LOGIT;
        }
    }
    let objects = object_seed.map(|(id, _, seed)| (id, seed));
    Some([(head.scores, score_seed), (head.boxes, box_seed)].into_iter().chain(objects).collect())
}

/// Adds a tensor on one sample.
fn see(
    seen: &mut Seen,
    values: &[f32],
    partner: Option<&[f32]>,
    weights: Option<&[f32]>,
    channels: usize,
    drawn: usize,
    random: &mut Random,
) {
    seen.channel_peaks.resize(channels, 0.0);
    let mut counting: Vec<u32> = Vec::new();
    let mut peaks: Vec<Option<u32>> = vec![None; channels];
    for (index, &value) in values.iter().enumerate() {
        if weights.is_none_or(|weights| weights[index] > 0.0) {
            let peak = &mut seen.channel_peaks[index % channels];
            *peak = peak.max(value.abs());
            let peak = &mut peaks[index % channels];
            if peak.is_none_or(|peak| values[peak as usize].abs() < value.abs()) {
                *peak = Some(index as u32);
            }
            seen.min = seen.min.min(value);
            seen.max = seen.max.max(value);
            counting.push(index as u32);
        }
    }
    let mut keep = |index: u32, stands_for: f32| {
        let index = index as usize;
        let (value, channel) = (values[index], (index % channels) as u32);
        let weight = weights.map_or(1.0, |weights| weights[index]) * stands_for;
        seen.numbers.push(Number { value, partner: partner.map_or(0.0, |all| all[index]), weight, channel });
    };
    let share = counting.len() as f32 / drawn.min(counting.len().max(1)) as f32;
    if counting.len() > drawn + 2 * EXTREMES + channels {
        peaks.into_iter().flatten().for_each(|index| keep(index, 1.0));
        for _ in 0..drawn {
            keep(counting[random.below(counting.len())], share);
        }
        let by_value = |&left: &u32, &right: &u32| values[left as usize].total_cmp(&values[right as usize]);
        counting.select_nth_unstable_by(EXTREMES, by_value);
        counting[..EXTREMES].iter().for_each(|&index| keep(index, 1.0));
        let last = counting.len() - EXTREMES;
        counting.select_nth_unstable_by(last, by_value);
        counting[last..].iter().for_each(|&index| keep(index, 1.0));
    } else {
        counting.iter().for_each(|&index| keep(index, 1.0));
    }
}

/// xorshift32, so that the same samples give the same model.
pub(super) struct Random(pub(super) u32);

impl Random {
    pub(super) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.next()) * bound as u64) >> 32) as usize
    }

    /// From 0 to 1.
    pub(super) fn unit(&mut self) -> f32 {
        self.next() as f32 / u32::MAX as f32
    }

    fn sign(&mut self) -> f32 {
        if self.next() >> 31 == 0 { 1.0 } else { -1.0 }
    }
}
