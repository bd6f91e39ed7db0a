//! One layer of the artefact beside the operators of the source that compute the same tensor.
//!
//! The compiler evens out channels: a channel of the artefact may be the source's divided by a factor, which
//! the next layer takes back. Every matched tensor therefore keeps the factor of each channel. Channels that no output
//! depends on may be gone; the artefact tells which stayed, and only these are compared.

use std::collections::HashMap;

use ocelli_format::model::{Model, Node, OutputContract};

use super::exact::Exact;
use super::factor::{Factor, fitted, middle, nearest};
use super::values::{Values, bounds};
use super::weights::{self, Beside, Inputs};
use super::{DiffError, Fault, LayerDifference, NumberFault, ROUNDING_LIMIT, Source, noise};
use crate::graph::{self, Graph, Op, TensorId};
use crate::lower::KeptChannels;
use crate::oracle::Oracle;
use crate::provenance::read_kept_channels;

/// The layers seen so far.
pub(super) struct Layers<'a> {
    source: &'a Source,
    exact: Option<&'a Exact<'a>>,
    model: &'a Model,
    values: &'a Values,
    /// Channels of the source that the artefact kept, of tensors that lost some.
    kept: KeptChannels,
    /// Tensors of the source that are computed, by name.
    names: HashMap<&'a str, TensorId>,
    /// The node that computes each tensor of the source.
    producers: Vec<Option<usize>>,
    /// Tensors of the source of which the artefact's numbers are known.
    matched: Vec<Option<Matched>>,
}

/// The artefact's numbers for a tensor of the source.
struct Matched {
    /// What they stand for in the source.
    source_real: Vec<f32>,
    /// What they stand for in the artefact.
    real: Vec<f32>,
    /// The source's channel over the artefact's.
    factors: Vec<Factor>,
    /// Which channels the artefact has.
    kept: Vec<bool>,
}

/// The operators of the source between matched tensors and one more.
pub(super) struct Stage {
    /// Matched tensors in, one tensor out.
    pub(super) graph: Graph,
    /// The inputs' ids in the source.
    boundary: Vec<TensorId>,
}

impl<'a> Layers<'a> {
    /// Nothing seen but the inputs, given as real numbers of the source.
    pub(super) fn new(
        source: &'a Source,
        exact: Option<&'a Exact<'a>>,
        model: &'a Model,
        values: &'a Values,
        real_inputs: Vec<Vec<f32>>,
    ) -> Layers<'a> {
        let graph = &source.graph;
        let mut producers = vec![None; graph.tensors.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            node.outputs.iter().for_each(|&id| producers[id] = Some(index));
        }
        let computed = (0..graph.tensors.len()).filter(|&id| producers[id].is_some());
        let names = computed.map(|id| (graph.tensors[id].name.as_str(), id)).collect();
        let mut matched: Vec<Option<Matched>> = (0..graph.tensors.len()).map(|_| None).collect();
        for ((&id, &stored), source_real) in graph.inputs.iter().zip(&model.inputs).zip(real_inputs) {
            let (factors, kept) = (vec![Factor::ONE; channels(graph, id)], vec![true; channels(graph, id)]);
            matched[id] = Some(Matched { real: values.real(model, stored), source_real, factors, kept });
        }
        let kept = read_kept_channels(&model.provenance);
        Layers { source, exact, model, values, kept, names, producers, matched }
    }

    /// Compares an operator of the artefact; `floats` are the source's tensors from its input on.
    pub(super) fn compare(
        &mut self,
        operator: &Node,
        floats: &[Option<Vec<f32>>],
    ) -> Result<LayerDifference, DiffError> {
        let output = operator.outputs[0];
        let tensor = &self.model.tensors[usize::from(output)];
        let mut difference = LayerDifference {
            name: operator.name.clone(),
            operator: operator.operator.kind().to_string(),
            tensor: tensor.name.clone(),
            ..LayerDifference::default()
        };
        let graph = &self.source.graph;
        let mut real = self.values.real(self.model, output);
        let Some(&id) = self.names.get(tensor.name.as_str()) else {
            difference.unmatched = Some("the source has no tensor of this name".into());
            return Ok(difference);
        };
        let elements = graph.tensors[id].elements();
        if elements != real.len()
            && let Some(all) = self.exact.and_then(|exact| exact.with_all_channels(&tensor.name, &real))
        {
            real = all;
        }
        let kept = self.kept_of(&tensor.name, id, real.len());
        let Some(kept) = kept else {
            let (shape, found) = (&graph.tensors[id].shape, &tensor.shape);
            difference.unmatched = Some(format!(
                "it is {found:?} here and {shape:?} in the source; where the artefact was stripped of what it tells of dead channels, compare what `convert` gives without `--strip`, or with `--keep-dead-channels`"
            ));
            return Ok(difference);
        };
        let stage = self.stage(id);
        let known = |ids: &[TensorId], part: fn(&Matched) -> &Vec<f32>| -> Vec<Vec<f32>> {
            ids.iter()
                .filter_map(|&id| self.matched[id].as_ref())
                .map(|matched| part(matched).clone())
                .collect()
        };
        let oracle = Oracle::new(&stage.graph)?;
        let own = oracle.run(&known(&stage.boundary, |matched| &matched.source_real))?.swap_remove(0);

        let scale = f32::from_bits(tensor.scale_bits);
        let (low, high) = bounds(self.model, output);
        let real =
            with_all_channels(real, &kept, &own, |own| ((own / scale).round() * scale).clamp(low, high));
        let (factors, offsets, beside) = self.align(operator, &stage, &own, &real, &kept);
        let place = |real: f32, channel: usize| real * factors[channel].value + offsets[channel];
        let source_real: Vec<f32> =
            real.iter().enumerate().map(|(index, &real)| place(real, index % factors.len())).collect();

        if let Some(floats) = &floats[id] {
            (difference.sqnr_db, difference.max_error_steps) =
                from_the_input_on(floats, &source_real, &factors, &kept, scale);
        }
        let expected = match self.source.is_exact() || !stage.is_judged(beside.as_ref()) {
            true => None,
            false => {
                Some(noise::variance(&stage, beside.as_ref(), &known(&stage.boundary, |m| &m.real), scale)?)
            }
        };
        let mut worst = (0.0f32, 0);
        let mut noise = vec![(0f64, 0f64); factors.len()];
        for (index, (&own, &found)) in own.iter().zip(&source_real).enumerate() {
            let channel = index % factors.len();
            if !kept[channel] {
                continue;
            }
            let error = own.clamp(place(low, channel), place(high, channel)) - found;
            let steps = (error / factors[channel].value / scale).abs();
            worst = if steps > worst.0 { (steps, channel) } else { worst };
            if let Some(expected) = &expected {
                let (square, variance) = &mut noise[channel];
                *square += f64::from((error / factors[channel].value).powi(2));
                *variance += f64::from(expected[index % expected.len()]);
            }
        }
        difference.own_error_steps = Some(worst.0.into());
        if expected.is_some() {
            let ratios =
                noise.iter().map(|(square, variance)| (square / variance.max(f64::MIN_POSITIVE)).sqrt());
            let (channel, ratio) = ratios.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
            difference.own_over_rounding = Some(ratio);
            let (of, count) = (real.len(), real.len() / factors.len());
            let numbers =
                (ratio > ROUNDING_LIMIT).then_some(NumberFault { count, of, steps: worst.0.into(), channel });
            let constant = beside.and_then(|beside| beside.fault);
            if constant.is_some() || numbers.is_some() {
                difference.fault = Some(Fault { constant, numbers });
            }
        }
        self.matched[id] = Some(Matched { source_real, real, factors, kept });
        Ok(difference)
    }

    /// Which channels of a tensor of the source the artefact has, in so many numbers; `None` where that is not known.
    fn kept_of(&self, name: &str, id: TensorId, numbers: usize) -> Option<Vec<bool>> {
        let graph = &self.source.graph;
        let (all, elements) = (channels(graph, id), graph.tensors[id].elements());
        if elements == numbers {
            return Some(vec![true; all]);
        }
        let kept = self.kept.get(name)?;
        let fits = elements / all * kept.len() == numbers && kept.last().is_some_and(|&last| last < all);
        fits.then(|| (0..all).map(|channel| kept.contains(&channel)).collect())
    }

    /// The operators between a tensor and what is known before it.
    fn stage(&self, target: TensorId) -> Stage {
        let source = &self.source.graph;
        let mut stage = Stage { graph: Graph::default(), boundary: Vec::new() };
        let mut places: HashMap<TensorId, TensorId> = HashMap::new();
        // Nodes stand in the source in the order of execution, so their indices sort them.
        let mut wanted = vec![target];
        let mut nodes = std::collections::BTreeSet::new();
        while let Some(id) = wanted.pop() {
            if let Some(node) = self.producers[id]
                && (id == target || self.matched[id].is_none())
                && nodes.insert(node)
            {
                wanted.extend(&source.nodes[node].inputs);
            }
        }
        let mut place = |id: TensorId, graph: &mut Graph| {
            *places.entry(id).or_insert_with(|| {
                graph.tensors.push(source.tensors[id].clone());
                graph.tensors.len() - 1
            })
        };
        for &index in &nodes {
            let node = &source.nodes[index];
            for &id in &node.inputs {
                let is_inside = self.producers[id].is_some_and(|node| nodes.contains(&node));
                if !is_inside && source.tensors[id].data.is_none() && !stage.boundary.contains(&id) {
                    stage.boundary.push(id);
                    let input = place(id, &mut stage.graph);
                    stage.graph.inputs.push(input);
                }
            }
            let mut inner = node.clone();
            inner
                .inputs
                .iter_mut()
                .chain(&mut inner.outputs)
                .for_each(|id| *id = place(*id, &mut stage.graph));
            stage.graph.nodes.push(inner);
        }
        let output = place(target, &mut stage.graph);
        stage.graph.outputs.push(output);
        stage
    }

    /// What turns the artefact's numbers into the source's: factors and offsets of the channels, and the
    /// weights that tell them.
    fn align(
        &self,
        operator: &Node,
        stage: &Stage,
        own: &[f32],
        real: &[f32],
        kept: &[bool],
    ) -> (Vec<Factor>, Vec<f32>, Option<Beside>) {
        let target = stage.graph.outputs[0];
        let count = channels(&stage.graph, target);
        if self.source.is_exact() {
            return (vec![Factor::ONE; count], vec![0.0; count], None);
        }
        let operand = |index: usize| stage.boundary.get(index).and_then(|&id| self.matched[id].as_ref());
        let beside = operand(0)
            .and_then(|input| {
                let inputs = Inputs { factors: &input.factors, kept: &input.kept };
                weights::beside(self.model, operator, stage, &inputs, kept)
            })
            .filter(|beside| beside.factors.len() == count);
        let mut columns = vec![Vec::new(); count];
        let (low, high) = bounds(self.model, operator.outputs[0]);
        for (index, (&own, &real)) in own.iter().zip(real).enumerate() {
            if real > low && real < high {
                columns[index % count].push((own, real));
            }
        }
        let candidates: Vec<&Vec<Factor>> =
            (0..stage.boundary.len()).filter_map(operand).map(|matched| &matched.factors).collect();
        let factors: Vec<Factor> = (0..count)
            .map(|channel| match &beside {
                Some(Beside { factors, .. }) => match factors[channel] {
                    Some(value) => Factor { value, is_known: true },
                    None => fitted(&columns[channel]),
                },
                None => {
                    // Channels padded on have no factor to inherit.
                    let inherited = candidates.iter().filter_map(|factors| factors.get(channel));
                    nearest(&columns[channel], inherited.copied())
                }
            })
            .collect();
        let offsets = match self.is_of_a_head(operator) {
            true => {
                columns.iter().zip(&factors).map(|(column, &factor)| middle(column, factor.value)).collect()
            }
            false => vec![0.0; count],
        };
        (factors, offsets, beside)
    }

    /// Whether the output contract reads this operator's result as scores or boxes: the compiler then moves
    /// offsets of channels into the contract and mean errors into the bias.
    fn is_of_a_head(&self, operator: &Node) -> bool {
        let output = operator.outputs[0];
        self.model.output_contracts.iter().any(|contract| match contract {
            OutputContract::Boxes(boxes) => {
                boxes.heads.iter().any(|head| head.scores == output || head.boxes == output)
            }
            _ => false,
        })
    }
}

impl Stage {
    /// Whether it is known what rounding explains: of one operator, and of its weights if it has any.
    fn is_judged(&self, beside: Option<&Beside>) -> bool {
        let has_weights = |node: &graph::Node| {
            matches!(
                node.op,
                Op::Conv2d { .. }
                    | Op::DepthwiseConv2d { .. }
                    | Op::TransposeConv2d { .. }
                    | Op::FullyConnected { .. }
            )
        };
        self.only_node().is_some_and(|node| beside.is_some() || !has_weights(node))
    }

    /// The one operator of the stage, if it is one.
    pub(super) fn only_node(&self) -> Option<&graph::Node> {
        match &self.graph.nodes[..] {
            [node] => Some(node),
            _ => None,
        }
    }
}

/// Numbers of the innermost axis.
fn channels(graph: &Graph, id: TensorId) -> usize {
    graph.tensors[id].shape.last().copied().unwrap_or(1).max(1)
}

/// The artefact's numbers with all the source's channels. What it does without are channels that stay the same or that
/// nobody reads: those have the source's numbers, rounded as the artefact would have.
fn with_all_channels(real: Vec<f32>, kept: &[bool], own: &[f32], rounded: impl Fn(f32) -> f32) -> Vec<f32> {
    if real.len() == own.len() {
        return real;
    }
    let mut real = real.into_iter();
    let number = |(index, &own): (usize, &f32)| {
        let stored = if kept[index % kept.len()] { real.next() } else { None };
        stored.unwrap_or_else(|| rounded(own))
    };
    own.iter().enumerate().map(number).collect()
}

/// Signal to noise in decibels and the largest error in steps, from the model's input on.
fn from_the_input_on(
    floats: &[f32],
    found: &[f32],
    factors: &[Factor],
    kept: &[bool],
    scale: f32,
) -> (Option<f64>, Option<f64>) {
    let pairs = || floats.iter().zip(found).enumerate().filter(|(index, _)| kept[index % kept.len()]);
    let mean = pairs().map(|(_, (&float, _))| f64::from(float)).sum::<f64>() / pairs().count().max(1) as f64;
    let (mut signal, mut noise, mut worst) = (0f64, 0f64, 0f64);
    for (index, (&float, &found)) in pairs() {
        let error = f64::from(found - float);
        signal += (f64::from(float) - mean).powi(2);
        noise += error * error;
        worst = worst.max((error / f64::from(factors[index % factors.len()].value * scale)).abs());
    }
    let sqnr = (noise > 0.0 && signal > 0.0).then(|| 10.0 * (signal / noise).log10());
    (sqnr, Some(worst))
}
