//! Activations that eight bits are too few for become int16: behind the choice of ranges, where a budget says how much
//! may be lost.
//!
//! How much noise the rounding of each tensor brings to the outputs follows from their gradients, for all tensors in one
//! pass. Tensors are widened in the order of that noise by byte; how many of them, the quantized model itself decides, on
//! samples that ranges were not chosen from.

use super::attempt::{Attempt, Prepared};
use super::observe::Random;
use super::sensitivity::backward;
use super::trials::Checking;
use super::wide::{Wide, keeps_scale, may_be_wide};
use super::{QuantizeError, consumers};
use crate::graph::{Graph, TensorId};
use crate::oracle::Observer;
use crate::report::NO_SIGNAL_DB;

/// Widens as little as keeps every output's noise within so many percent of its signal.
///
/// # Errors
/// [`QuantizeError::Drop`] when int16 wherever it is possible does not keep it.
pub(super) fn widen(
    prepared: Prepared<'_>,
    narrow: Attempt,
    checking: &Checking<'_>,
    drop_percent: f64,
) -> Result<Attempt, QuantizeError> {
    let keeps = |db: &[f64]| db.iter().all(|&db| lost_percent(db) <= drop_percent);
    if keeps(&narrow.output_sqnr_db) {
        return Ok(narrow);
    }
    let groups = groups(&prepared.graph);
    let ranked = ranked(&prepared, &narrow, groups, checking, drop_percent)?;
    let round = |count: usize| {
        let chosen = ranked[..count].concat();
        let wide = Wide::of(&prepared.graph, &prepared.affines, &prepared.observed, &chosen);
        prepared.round(&wide, checking).map(|(graph, db)| (graph, db, chosen.len()))
    };
    let mut best = round(ranked.len())?;
    if let Some((place, &db)) = best.1.iter().enumerate().find(|&(_, &db)| lost_percent(db) > drop_percent) {
        let output = prepared.graph.tensors[prepared.graph.outputs[place]].name.clone();
        let (percent, narrow_percent) = (lost_percent(db), lost_percent(narrow.output_sqnr_db[place]));
        let model = prepared.graph.name;
        return Err(QuantizeError::Drop { model, output, percent, narrow_percent, drop_percent });
    }
    let (mut too_few, mut enough) = (0, ranked.len());
    while enough - too_few > 1 {
        let count = too_few + (enough - too_few) / 2;
        let found = round(count)?;
        if keeps(&found.1) {
            (best, enough) = (found, count);
        } else {
            too_few = count;
        }
    }
    let (graph, output_sqnr_db, wide_tensors) = best;
    let way = super::Way { wide_tensors, ..narrow.way };
    Ok(Attempt { graph, output_sqnr_db, way, ..narrow })
}

/// Noise in percent of the signal's power: 1 is 20 dB. An output without a signal loses nothing.
fn lost_percent(sqnr_db: f64) -> f64 {
    if sqnr_db < NO_SIGNAL_DB { 0.0 } else { 100.0 * 10f64.powf(-sqnr_db / 10.0) }
}

/// Tensors that can be int16, with those that share their values: it helps only to widen them together.
fn groups(graph: &Graph) -> Vec<Vec<TensorId>> {
    let mut groups: Vec<Vec<TensorId>> = Vec::new();
    for node in graph.nodes.iter().filter(|node| may_be_wide(graph, node)) {
        let output = node.outputs[0];
        let readers = consumers(graph, output);
        if graph.outputs.contains(&output)
            || !readers.iter().any(|&reader| may_be_wide(graph, &graph.nodes[reader]))
        {
            continue;
        }
        let is_source = |group: &&mut Vec<TensorId>| group.contains(&node.inputs[0]);
        match groups.iter_mut().find(is_source).filter(|_| keeps_scale(&node.op)) {
            Some(group) => group.push(output),
            None => groups.push(vec![output]),
        }
    }
    groups
}

/// Groups in the order of what widening them gains by byte; as they stand, where the graph has no gradients.
fn ranked(
    prepared: &Prepared<'_>,
    narrow: &Attempt,
    groups: Vec<Vec<TensorId>>,
    checking: &Checking<'_>,
    drop_percent: f64,
) -> Result<Vec<Vec<TensorId>>, QuantizeError> {
    let Some(noise) = noise(prepared, narrow, checking, drop_percent)? else { return Ok(groups) };
    let gain = |group: &Vec<TensorId>| {
        let bytes: usize = group.iter().map(|&id| prepared.graph.tensors[id].elements()).sum();
        group.iter().map(|&id| noise[id]).sum::<f64>() / bytes.max(1) as f64
    };
    let mut ranked: Vec<(f64, Vec<TensorId>)> =
        groups.into_iter().map(|group| (gain(&group), group)).collect();
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0));
    Ok(ranked.into_iter().map(|(_, group)| group).collect())
}

/// The noise that rounding each tensor to int8 brings to the outputs that lose too much, relative to their signals.
fn noise(
    prepared: &Prepared<'_>,
    narrow: &Attempt,
    checking: &Checking<'_>,
    drop_percent: f64,
) -> Result<Option<Vec<f64>>, QuantizeError> {
    /// Samples that tell enough of gradients.
    const SAMPLES: usize = 4;
    let graph = &prepared.graph;
    let observer = Observer::new(graph)?;
    let lossy: Vec<(TensorId, f32)> = (0..graph.outputs.len())
        .filter(|&place| lost_percent(narrow.output_sqnr_db[place]) > drop_percent)
        .map(|place| (graph.outputs[place], deviation(checking, place)))
        .collect();
    let mut noise = vec![0.0; graph.tensors.len()];
    let mut random = Random(0x6C07_8965);
    for sample in checking.samples.iter().take(SAMPLES) {
        let values = observer.run_all(&sample.inputs())?;
        // Of a sum with random signs, the mean square is that of all summands.
        let mut seed = |&(id, deviation): &(TensorId, f32)| {
            let mut sign = || if random.next() & 1 == 0 { 1.0 } else { -1.0 };
            (id, (0..graph.tensors[id].elements()).map(|_| sign() / deviation).collect())
        };
        let seeds: Vec<(TensorId, Vec<f32>)> = lossy.iter().map(&mut seed).collect();
        let reached = backward(graph, &values, &seeds, |id, gradients| {
            if let Some(affine) = &prepared.affines[id] {
                let squares: f64 = gradients.iter().map(|&gradient| f64::from(gradient).powi(2)).sum();
                noise[id] += squares * f64::from(affine.scale).powi(2);
            }
        });
        if reached.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(noise))
}

/// Standard deviation of an output, over all of its numbers on all samples.
fn deviation(checking: &Checking<'_>, place: usize) -> f32 {
    let numbers =
        || checking.floats.iter().flat_map(|outputs| &outputs[place]).map(|&number| f64::from(number));
    let count = numbers().count().max(1) as f64;
    let mean = numbers().sum::<f64>() / count;
    let variance = numbers().map(|number| (number - mean).powi(2)).sum::<f64>() / count;
    (variance.sqrt() as f32).max(f32::MIN_POSITIVE)
}
