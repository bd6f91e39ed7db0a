//! Pruning by magnitude: weights that are small become 0 and stay 0.
//!
//! Sparsity rises over the stage as Zhu and Gupta (2017) let it, fast first, so that training makes good for each
//! step. What is alike in all forms is the order: units of weights by their size, the smallest go first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::network::{Network, Parameter, Role};
use crate::tie::Tie;

/// What a stage prunes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Which weights go together.
    #[serde(default)]
    pub form: Form,
    /// Part of a layer's weights that is 0 in the end.
    pub sparsity: f32,
    /// Other parts for layers by name; 0 leaves a layer alone.
    #[serde(default)]
    pub layers: BTreeMap<String, f32>,
    /// Part of the stage over which sparsity rises.
    #[serde(default = "ramp")]
    pub ramp: f32,
}

/// Which weights are pruned together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Each for itself.
    #[default]
    Element,
    /// Of each four neighbours along the input channels one stays.
    #[serde(rename = "1-of-4")]
    OneOfFour,
    /// Of each four neighbours along the input channels two stay.
    #[serde(rename = "2-of-4")]
    TwoOfFour,
    /// Four neighbours along the input channels go together.
    #[serde(rename = "1x4")]
    Blocks,
}

fn ramp() -> f32 {
    0.6
}

/// Neighbours that the forms speak of.
const NEIGHBOURS: usize = 4;

/// Steps between two prunings.
pub(crate) const EVERY: u64 = 16;

impl Prune {
    /// Part of its aim at this part of the stage.
    fn reached(&self, part: f32) -> f32 {
        if self.ramp <= 0.0 {
            return 1.0;
        }
        1.0 - (1.0 - (part / self.ramp).clamp(0.0, 1.0)).powi(3)
    }

    /// The sparsity that a layer is to have.
    pub(crate) fn aim(&self, layer: &str) -> f32 {
        self.layers.get(layer).copied().unwrap_or(self.sparsity)
    }

    /// Prunes what this part of the stage asks for, and ties it.
    pub(crate) fn apply(&self, network: &mut Network, parameters: &[Parameter], ties: &mut [Tie], part: f32) {
        for (parameter, tie) in parameters.iter().zip(ties) {
            if parameter.role != Role::Weights {
                continue;
            }
            let aim = self.aim(&network.graph.nodes[parameter.node].name) * self.reached(part);
            let channels = network.channels_read(parameter.node);
            if aim <= 0.0 {
                continue;
            }
            zero(network.values_mut(parameter.place), self.form, channels, aim);
            *tie = Tie::Pruned;
        }
    }
}

/// Sets the smallest units to 0 until `part` of the weights is 0. `run` neighbours in memory share a filter's place.
fn zero(weights: &mut [f32], form: Form, run: usize, part: f32) {
    let (unit, kept) = match form {
        Form::Element => (1, 0),
        Form::Blocks => (NEIGHBOURS, 0),
        Form::OneOfFour => (NEIGHBOURS, 1),
        Form::TwoOfFour => (NEIGHBOURS, 2),
    };
    // Units do not reach from one place of a filter into the next.
    let mut units: Vec<(f32, usize, usize)> = Vec::new();
    for start in (0..weights.len()).step_by(run.max(1)) {
        let end = (start + run.max(1)).min(weights.len());
        for first in (start..end).step_by(unit) {
            let last = (first + unit).min(end);
            let mut squares: Vec<f32> = weights[first..last].iter().map(|value| value * value).collect();
            squares.sort_by(f32::total_cmp);
            let lost: f32 = squares[..squares.len().saturating_sub(kept)].iter().sum();
            units.push((lost, first, last));
        }
    }
    units.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let wanted = (part * weights.len() as f32).round() as usize;
    let mut zeros = 0;
    for (_, first, last) in units {
        if zeros >= wanted {
            break;
        }
        let unit = &mut weights[first..last];
        let mut order: Vec<usize> = (0..unit.len()).collect();
        order.sort_by(|&a, &b| unit[a].abs().total_cmp(&unit[b].abs()));
        let count = unit.len().saturating_sub(kept);
        order[..count].iter().for_each(|&index| unit[index] = 0.0);
        zeros += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pruned(form: Form, run: usize, part: f32) -> Vec<f32> {
        let mut weights = vec![0.1, -0.9, 0.2, 0.3, 1.0, -1.1, 1.2, -0.05];
        zero(&mut weights, form, run, part);
        weights
    }

    #[test]
    fn the_smallest_units_go_first() {
        assert_eq!(pruned(Form::Element, 8, 0.5), [0.0, -0.9, 0.0, 0.0, 1.0, -1.1, 1.2, 0.0]);
        assert_eq!(pruned(Form::Blocks, 8, 0.5), [0.0, 0.0, 0.0, 0.0, 1.0, -1.1, 1.2, -0.05]);
        assert_eq!(pruned(Form::OneOfFour, 8, 0.75), [0.0, -0.9, 0.0, 0.0, 0.0, 0.0, 1.2, 0.0]);
        assert_eq!(pruned(Form::TwoOfFour, 8, 0.5), [0.0, -0.9, 0.0, 0.3, 0.0, -1.1, 1.2, 0.0]);
    }

    #[test]
    fn units_end_where_a_filter_s_place_ends() {
        // Three channels: units of three, none across.
        let mut weights = vec![9.0, 8.0, 0.1, 0.1, 0.1, 9.0];
        zero(&mut weights, Form::OneOfFour, 3, 0.6);
        assert_eq!(weights, [9.0, 0.0, 0.0, 0.0, 0.0, 9.0]);
    }

    #[test]
    fn sparsity_rises_fast_first() {
        let prune = Prune { form: Form::Element, sparsity: 0.9, layers: BTreeMap::new(), ramp: 0.5 };
        assert_eq!(
            [prune.reached(0.0), prune.reached(0.25), prune.reached(0.5), prune.reached(1.0)],
            [0.0, 0.875, 1.0, 1.0]
        );
    }
}
