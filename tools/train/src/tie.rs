//! What holds weights together while an optimiser moves them: pruned ones stay 0, clustered ones share a value.

use serde::{Deserialize, Serialize};

use crate::optimiser::{Memory, Settings};

/// How the numbers of a parameter may move.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tie {
    /// Each for itself.
    #[default]
    Free,
    /// Those that are 0 stay 0.
    Pruned,
    /// Each is one of a few values, and the values move. 0 stays 0 when a value is 0.
    Clustered {
        /// The values.
        centroids: Vec<f32>,
        /// Which value each number is.
        members: Vec<u8>,
    },
}

/// A step's circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Rate of learning.
    pub rate: f32,
    /// Steps that the memory has seen, this one included.
    pub count: u64,
    /// Whether regularization applies.
    pub is_weights: bool,
}

impl Tie {
    pub(crate) fn centroids_mut(&mut self) -> Option<&mut Vec<f32>> {
        match self {
            Tie::Clustered { centroids, .. } => Some(centroids),
            _ => None,
        }
    }

    /// Moves numbers as far as the tie lets them.
    pub fn step(
        &mut self,
        settings: &Settings,
        values: &mut [f32],
        mut gradients: Vec<f32>,
        memory: &mut Memory,
        step: Step,
    ) {
        let Step { rate, count, is_weights } = step;
        match self {
            Tie::Free => settings.step(values, &gradients, memory, rate, count, is_weights),
            Tie::Pruned => {
                let kept: Vec<bool> = values.iter().map(|&value| value != 0.0).collect();
                gradients
                    .iter_mut()
                    .zip(&kept)
                    .for_each(|(gradient, &kept)| *gradient *= f32::from(u8::from(kept)));
                settings.step(values, &gradients, memory, rate, count, is_weights);
                values.iter_mut().zip(&kept).for_each(|(value, &kept)| *value *= f32::from(u8::from(kept)));
            }
            Tie::Clustered { centroids, members } => {
                let mut sums = vec![0.0; centroids.len()];
                members
                    .iter()
                    .zip(&gradients)
                    .for_each(|(&member, gradient)| sums[usize::from(member)] += gradient);
                let kept: Vec<bool> = centroids.iter().map(|&value| value != 0.0).collect();
                settings.step(centroids, &sums, memory, rate, count, false);
                centroids
                    .iter_mut()
                    .zip(&kept)
                    .for_each(|(value, &kept)| *value *= f32::from(u8::from(kept)));
                values
                    .iter_mut()
                    .zip(members)
                    .for_each(|(value, &mut member)| *value = centroids[usize::from(member)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimiser::Kind;

    const SETTINGS: Settings = Settings { kind: Kind::Sgd, momentum: 0.9, decay: 0.999, l2: 0.0, l1: 0.0 };
    const STEP: Step = Step { rate: 0.1, count: 1, is_weights: true };

    #[test]
    fn pruned_weights_stay_pruned() {
        let mut values = [1.0, 0.0, -1.0];
        Tie::Pruned.step(&SETTINGS, &mut values, vec![1.0; 3], &mut Memory::default(), STEP);
        assert_eq!(values, [0.9, 0.0, -1.1]);
    }

    #[test]
    fn clustered_weights_move_together_by_the_sum_of_their_gradients() {
        let mut values = [0.5, 0.0, 0.5, -0.25];
        let mut tie = Tie::Clustered { centroids: vec![0.0, 0.5, -0.25], members: vec![1, 0, 1, 2] };
        tie.step(&SETTINGS, &mut values, vec![1.0, 9.0, 2.0, -1.0], &mut Memory::default(), STEP);
        for (value, wanted) in values.iter().zip([0.2, 0.0, 0.2, -0.15]) {
            assert!((value - wanted).abs() < 1e-6, "{values:?}");
        }
    }
}
