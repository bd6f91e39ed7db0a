//! How long the five stages took over a run, and the share of each: what `ocelli run --stats` tells at the end.

use std::time::Duration;

use ocelli_live::STAGES;

use crate::session::StageTimes;
use crate::terminal;

/// Sums over the frames of a run.
#[derive(Debug, Default)]
pub struct StageShares {
    frames: u32,
    /// In the order of [`STAGES`].
    taken: [Duration; STAGES.len()],
}

impl StageShares {
    /// Adds a frame: how long it was waited for, computed on and told.
    pub fn add(&mut self, capture: Duration, times: &StageTimes, emit: Duration) {
        let StageTimes { preprocess, infer, postprocess } = *times;
        let stages = [capture, preprocess, infer, postprocess, emit];
        self.taken.iter_mut().zip(stages).for_each(|(taken, stage)| *taken += stage);
        self.frames += 1;
    }

    /// A line for each stage, and one for all of them.
    pub fn text(&self) -> String {
        let whole: Duration = self.taken.iter().sum();
        let frames = f64::from(self.frames.max(1));
        let mut table = terminal::table(&["stage", "microseconds a frame", "share"], &[1, 2]);
        for (stage, taken) in STAGES.into_iter().chain(["all"]).zip(self.taken.into_iter().chain([whole])) {
            let share = 100.0 * taken.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE);
            let microseconds = 1e6 * taken.as_secs_f64() / frames;
            table.add_row([stage.to_owned(), format!("{microseconds:.1}"), format!("{share:.1} %")]);
        }
        let rate = frames / whole.as_secs_f64().max(f64::MIN_POSITIVE);
        format!("{table}\n{} frames, {rate:.1} a second", self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_frames_and_stages() {
        let mut shares = StageShares::default();
        let micros = Duration::from_micros;
        let times = StageTimes { preprocess: micros(100), infer: micros(500), postprocess: micros(50) };
        shares.add(micros(50), &times, micros(0));
        shares.add(micros(150), &times, micros(500));
        let text = shares.text();
        let line = |stage: &str| text.lines().find(|line| line.trim_start().starts_with(stage)).unwrap();
        for (stage, expected) in [
            ("capture", ["100.0", "10.0 %"]),
            ("infer", ["500.0", "50.0 %"]),
            ("emit", ["250.0", "25.0 %"]),
            ("all", ["1000.0", "100.0 %"]),
        ] {
            assert!(expected.iter().all(|word| line(stage).contains(word)), "{text}");
        }
        assert!(text.ends_with("2 frames, 1000.0 a second"), "{text}");
    }
}
