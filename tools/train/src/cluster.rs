//! Clustering: the weights of a layer become few values, which training then moves.
//!
//! k-means in one dimension from evenly spread values, which Han and others (2016) found to keep large weights best.
//! Weights that are 0 keep a value of their own, so that what was pruned stays pruned.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::network::{Network, Parameter, Role};
use crate::tie::Tie;

/// What a stage clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Values of a layer, 0 among them.
    pub entries: usize,
    /// Other counts for layers by name; 0 leaves a layer alone.
    #[serde(default)]
    pub layers: BTreeMap<String, usize>,
}

impl Cluster {
    /// Clusters every layer's weights and ties them.
    pub(crate) fn apply(&self, network: &mut Network, parameters: &[Parameter], ties: &mut [Tie]) {
        for (parameter, tie) in parameters.iter().zip(ties) {
            let name = &network.graph.nodes[parameter.node].name;
            let entries = self.layers.get(name).copied().unwrap_or(self.entries);
            if parameter.role != Role::Weights || entries < 2 {
                continue;
            }
            let values = network.values_mut(parameter.place);
            let (centroids, members) = codebook(values, entries.min(256));
            values
                .iter_mut()
                .zip(&members)
                .for_each(|(value, &member)| *value = centroids[usize::from(member)]);
            *tie = Tie::Clustered { centroids, members };
        }
    }
}

/// Rounds of k-means at most.
const ROUNDS: usize = 60;

/// At most `entries` values, and which of them each weight is. 0 is one of them when weights are 0.
fn codebook(weights: &[f32], entries: usize) -> (Vec<f32>, Vec<u8>) {
    let has_zero = weights.contains(&0.0);
    let mut sorted: Vec<f32> = weights.iter().copied().filter(|&value| value != 0.0).collect();
    sorted.sort_by(f32::total_cmp);
    let count = (entries - usize::from(has_zero)).min(sorted.len());
    let (low, high) = (sorted.first().copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0));
    let place = |index: usize| low + (high - low) * (index as f32 + 0.5) / count.max(1) as f32;
    let mut centroids: Vec<f32> = (0..count).map(place).collect();
    for _ in 0..ROUNDS {
        let mut moved = false;
        let mut start = 0;
        for index in 0..centroids.len() {
            let end = match centroids.get(index + 1) {
                Some(next) => sorted.partition_point(|&value| value <= (centroids[index] + next) / 2.0),
                None => sorted.len(),
            };
            let own = &sorted[start.min(end)..end];
            if !own.is_empty() {
                let mean = (own.iter().map(|&value| f64::from(value)).sum::<f64>() / own.len() as f64) as f32;
                moved |= mean != centroids[index];
                centroids[index] = mean;
            }
            start = end.max(start);
        }
        if !moved {
            break;
        }
    }
    let mut all = centroids;
    if has_zero {
        all.push(0.0);
    }
    all.sort_by(f32::total_cmp);
    all.dedup();
    let nearest = |&value: &f32| {
        let candidates =
            all.iter().enumerate().filter(|(_, centroid)| (**centroid == 0.0) == (value == 0.0 && has_zero));
        candidates
            .min_by(|a, b| (a.1 - value).abs().total_cmp(&(b.1 - value).abs()))
            .map_or(0, |(index, _)| index as u8)
    };
    let members = weights.iter().map(nearest).collect();
    (all, members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_lie_apart_are_found() {
        let weights = [-1.1, -0.9, 0.0, 0.0, 0.45, 0.55, 2.0];
        let (centroids, members) = codebook(&weights, 4);
        assert_eq!(centroids.len(), 4);
        for (centroid, wanted) in centroids.iter().zip([-1.0, 0.0, 0.5, 2.0]) {
            assert!((centroid - wanted).abs() < 1e-6, "{centroids:?}");
        }
        assert_eq!(members, [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn no_more_values_than_weights_have() {
        let (centroids, members) = codebook(&[0.5, 0.5, 0.0], 16);
        assert_eq!(centroids.len(), 2);
        assert_eq!([members[0], members[1]], [members[0]; 2]);
        assert!(centroids.contains(&0.0) && centroids.contains(&0.5));
    }

    #[test]
    fn a_codebook_is_better_than_even_steps() {
        let mut random = crate::random::Random::of(4, &[]);
        let weights: Vec<f32> = (0..2000).map(|_| random.normal()).collect();
        let (centroids, members) = codebook(&weights, 8);
        let loss: f32 =
            weights.iter().zip(&members).map(|(w, &m)| (w - centroids[usize::from(m)]).powi(2)).sum();
        // Lloyd and Max: 0.0345 for eight levels of a normal distribution.
        assert!(loss / 2000.0 < 0.040, "{}", loss / 2000.0);
    }
}
