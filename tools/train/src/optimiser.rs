//! Optimisers on plain numbers: what a step makes of weights and gradients.
//!
//! Their memory is vectors beside the weights, so that a checkpoint holds it bit by bit and pruned or clustered
//! weights need no special form.

use serde::{Deserialize, Serialize};

/// Which optimiser, as recipes name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Plain steps against the gradient.
    Sgd,
    /// With a velocity.
    Momentum,
    /// With a velocity that looks ahead.
    Nesterov,
    /// Steps shrink with the sum of squares.
    Adagrad,
    /// Steps shrink with the running mean of squares.
    RmsProp,
    /// Running means of gradients and of squares, corrected for their start.
    #[default]
    Adam,
    /// As Adam, with weight decay beside the gradient.
    AdamW,
}

/// An optimiser's settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Which one.
    pub kind: Kind,
    /// Of velocities and of Adam's first mean.
    pub momentum: f32,
    /// Of running squares.
    pub decay: f32,
    /// Pulls weights towards 0 in proportion to them: in the gradient, but beside it for AdamW.
    pub l2: f32,
    /// Pulls weights towards 0 by a constant.
    pub l1: f32,
}

/// The memory of one parameter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Velocities or mean gradients.
    pub first: Vec<f32>,
    /// Sums or means of squares.
    pub second: Vec<f32>,
}

/// What keeps roots from 0.
const EPSILON: f32 = 1e-8;

impl Settings {
    /// One step. `count` is how many steps this memory has seen, this one included; `is_weights` says whether the
    /// regularization applies.
    pub fn step(
        &self,
        values: &mut [f32],
        gradients: &[f32],
        memory: &mut Memory,
        rate: f32,
        count: u64,
        is_weights: bool,
    ) {
        if memory.first.len() != values.len() {
            *memory = Memory { first: vec![0.0; values.len()], second: vec![0.0; values.len()] };
        }
        let (l1, l2) = if is_weights { (self.l1, self.l2) } else { (0.0, 0.0) };
        let is_apart = self.kind == Kind::AdamW;
        let corrections = [self.momentum, self.decay].map(|beta| 1.0 - beta.powf(count as f32));
        let slots = memory.first.iter_mut().zip(&mut memory.second);
        for ((value, &gradient), (first, second)) in values.iter_mut().zip(gradients).zip(slots) {
            let sign = if *value == 0.0 { 0.0 } else { value.signum() };
            let gradient = gradient + l1 * sign + if is_apart { 0.0 } else { l2 * *value };
            let step = match self.kind {
                Kind::Sgd => gradient,
                Kind::Momentum => {
                    *first = self.momentum * *first + gradient;
                    *first
                }
                Kind::Nesterov => {
                    *first = self.momentum * *first + gradient;
                    gradient + self.momentum * *first
                }
                Kind::Adagrad => {
                    *second += gradient * gradient;
                    gradient / (second.sqrt() + EPSILON)
                }
                Kind::RmsProp => {
                    *second = self.decay * *second + (1.0 - self.decay) * gradient * gradient;
                    gradient / (second.sqrt() + EPSILON)
                }
                Kind::Adam | Kind::AdamW => {
                    *first = self.momentum * *first + (1.0 - self.momentum) * gradient;
                    *second = self.decay * *second + (1.0 - self.decay) * gradient * gradient;
                    (*first / corrections[0]) / ((*second / corrections[1]).sqrt() + EPSILON)
                }
            };
            *value -= rate * (step + if is_apart { l2 * *value } else { 0.0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: Kind) -> Settings {
        Settings { kind, momentum: 0.9, decay: 0.999, l2: 0.0, l1: 0.0 }
    }

    /// Two steps on x^2 / 2 from 1 at a rate of 0.1, as the formulas of the papers give them by hand.
    #[test]
    fn two_steps_are_those_of_the_papers() {
        let expected = [
            (Kind::Sgd, 0.81),
            (Kind::Momentum, 0.72),
            (Kind::Nesterov, 0.5751),
            (Kind::Adagrad, 0.9 - 0.1 * 0.9 / (1.81f32).sqrt()),
            (Kind::Adam, 0.800_25),
        ];
        for (kind, wanted) in expected {
            let (mut x, mut memory) = (vec![1.0f32], Memory::default());
            for count in 1..=2 {
                let gradient = x.clone();
                settings(kind).step(&mut x, &gradient, &mut memory, 0.1, count, true);
            }
            assert!((x[0] - wanted).abs() < 1e-3, "{kind:?}: {} instead of {wanted}", x[0]);
        }
    }

    #[test]
    fn every_optimiser_finds_the_bottom_of_a_bowl() {
        for kind in
            [Kind::Sgd, Kind::Momentum, Kind::Nesterov, Kind::Adagrad, Kind::RmsProp, Kind::Adam, Kind::AdamW]
        {
            let (mut x, mut memory) = (vec![3.0f32, -2.0], Memory::default());
            // Adagrad's steps shrink with all that it has seen.
            let rate = if kind == Kind::Adagrad { 0.5 } else { 0.02 };
            for count in 1..=2000 {
                let gradient: Vec<f32> =
                    x.iter().zip([1.0, 4.0]).map(|(x, curve)| curve * (x - 0.5)).collect();
                settings(kind).step(&mut x, &gradient, &mut memory, rate, count, true);
            }
            assert!(x.iter().all(|x| (x - 0.5).abs() < 0.05), "{kind:?}: {x:?}");
        }
    }

    #[test]
    fn decay_pulls_weights_and_nothing_else() {
        for (l1, l2) in [(0.1, 0.0), (0.0, 0.1)] {
            let settings = Settings { l1, l2, ..settings(Kind::AdamW) };
            let (mut weights, mut bias) = (vec![1.0f32], vec![1.0f32]);
            settings.step(&mut weights, &[0.0], &mut Memory::default(), 0.1, 1, true);
            settings.step(&mut bias, &[0.0], &mut Memory::default(), 0.1, 1, false);
            assert!(weights[0] < 1.0 && bias[0] == 1.0, "{l1} {l2}: {weights:?} {bias:?}");
        }
    }
}
