//! What has happened since the start, and its text for Prometheus.

use std::fmt::Write;
use std::time::Duration;

use crate::stages::StageTimes;

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Frames that the camera gave.
    pub captured: u64,
    /// Frames that made way for newer ones before the model saw them.
    pub dropped_before_infer: u64,
    /// Answers that made way for newer ones before they were told.
    pub dropped_before_emit: u64,
    /// Answers that were told.
    pub emitted: u64,
    /// Frames that could not be read.
    pub spoilt: u64,
    /// How often the camera was lost.
    pub lost: u64,
    /// Browsers that watch now.
    pub watchers: usize,
    /// Seconds that the stages took in all, in the order of [`STAGES`].
    pub(crate) seconds: [f64; 5],
    /// Of the last second or so.
    interval_seconds: f64,
}

const STAGES: [&str; 5] = ["capture", "preprocess", "infer", "postprocess", "emit"];

impl Totals {
    /// Adds an answer that was told `interval` after the one before; 0 for the first.
    pub(crate) fn add(&mut self, capture: Duration, times: &StageTimes, emit: Duration, interval: Duration) {
        self.emitted += 1;
        let StageTimes { preprocess, infer, postprocess } = *times;
        let taken = [capture, preprocess, infer, postprocess, emit];
        for (seconds, duration) in self.seconds.iter_mut().zip(taken) {
            *seconds += duration.as_secs_f64();
        }
        let interval = interval.as_secs_f64();
        // An average that forgets within a second.
        let share = if self.interval_seconds == 0.0 { 1.0 } else { interval.min(1.0) };
        self.interval_seconds += (interval - self.interval_seconds) * share;
    }

    /// Answers a second, lately.
    pub fn frames_per_second(&self) -> f64 {
        if self.interval_seconds > 0.0 { 1.0 / self.interval_seconds } else { 0.0 }
    }

    /// The text form that Prometheus reads.
    pub(crate) fn prometheus(&self) -> String {
        let mut text = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, rows: &[(String, f64)]| {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "# HELP ocelli_{name} {help}\n# TYPE ocelli_{name} {kind}");
            for (labels, value) in rows {
                let _ = writeln!(text, "ocelli_{name}{labels} {value}");
            }
        };
        let one = |value: u64| [(String::new(), value as f64)];
        metric("frames_captured_total", "counter", "Frames that the camera gave.", &one(self.captured));
        let dropped = [("infer", self.dropped_before_infer), ("emit", self.dropped_before_emit)];
        let dropped = dropped.map(|(stage, count)| (format!("{{before=\"{stage}\"}}"), count as f64));
        metric("frames_dropped_total", "counter", "Frames that made way for newer ones.", &dropped);
        metric("answers_emitted_total", "counter", "Answers that were told.", &one(self.emitted));
        metric("frames_spoilt_total", "counter", "Frames that could not be read.", &one(self.spoilt));
        metric("camera_lost_total", "counter", "How often the camera was lost.", &one(self.lost));
        let seconds = STAGES.iter().zip(self.seconds);
        let seconds: Vec<_> =
            seconds.map(|(stage, seconds)| (format!("{{stage=\"{stage}\"}}"), seconds)).collect();
        metric("stage_seconds_total", "counter", "Time that the stages took.", &seconds);
        metric("watchers", "gauge", "Browsers that watch.", &one(self.watchers as u64));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_gets_its_text_form() {
        let times = StageTimes { infer: Duration::from_millis(250), ..StageTimes::default() };
        let mut totals = Totals { captured: 7, dropped_before_infer: 2, ..Totals::default() };
        totals.add(Duration::ZERO, &times, Duration::ZERO, Duration::ZERO);
        totals.add(Duration::ZERO, &times, Duration::ZERO, Duration::from_millis(500));
        assert_eq!(totals.frames_per_second(), 2.0);
        let text = totals.prometheus();
        for line in [
            "# TYPE ocelli_frames_captured_total counter",
            "ocelli_frames_captured_total 7",
            "ocelli_frames_dropped_total{before=\"infer\"} 2",
            "ocelli_stage_seconds_total{stage=\"infer\"} 0.5",
            "ocelli_answers_emitted_total 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
