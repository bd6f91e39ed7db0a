//! How the rate of learning changes over a stage.

use serde::{Deserialize, Serialize};

/// A shape over the steps of a stage, as recipes name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The same from begin to end.
    Constant,
    /// A tenth after half of the steps, and a hundredth after three quarters.
    Step,
    /// Falls in a straight line to 0.
    Linear,
    /// Falls to 0 as a cosine does.
    #[default]
    Cosine,
    /// Rises over three tenths of the steps and falls to 0 as a cosine does.
    OneCycle,
}

impl Schedule {
    /// The factor of the rate in step `step` of `steps`, after a `warmup` of so many steps.
    pub fn factor(self, step: u64, steps: u64, warmup: u64) -> f32 {
        if step < warmup {
            return (step + 1) as f32 / (warmup + 1) as f32;
        }
        let part = (step - warmup) as f32 / steps.saturating_sub(warmup).max(1) as f32;
        let cosine = |part: f32| 0.5 * (1.0 + (std::f32::consts::PI * part.clamp(0.0, 1.0)).cos());
        match self {
            Schedule::Constant => 1.0,
            Schedule::Step => [1.0, 0.1, 0.01][usize::from(part >= 0.5) + usize::from(part >= 0.75)],
            Schedule::Linear => (1.0 - part).max(0.0),
            Schedule::Cosine => cosine(part),
            Schedule::OneCycle if part < 0.3 => 1.0 - 0.96 * cosine(part / 0.3),
            Schedule::OneCycle => cosine((part - 0.3) / 0.7),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_begin_and_end_where_they_say() {
        for (schedule, first, middle, last) in [
            (Schedule::Constant, 1.0, 1.0, 1.0),
            (Schedule::Step, 1.0, 0.1, 0.01),
            (Schedule::Linear, 1.0, 0.5, 0.01),
            (Schedule::Cosine, 1.0, 0.5, 0.0),
            (Schedule::OneCycle, 0.04, 0.811, 0.0),
        ] {
            let at = |step| schedule.factor(step, 100, 0);
            for (step, wanted) in [(0, first), (50, middle), (99, last)] {
                assert!((at(step) - wanted).abs() < 2e-2, "{schedule:?} at {step}: {}", at(step));
            }
        }
        assert!(Schedule::Cosine.factor(0, 100, 9) < 0.11 && Schedule::Cosine.factor(9, 100, 9) == 1.0);
    }
}
