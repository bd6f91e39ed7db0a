//! What has happened since the start, and its text for Prometheus.

use std::fmt::Write;
use std::time::Duration;

use crate::emit::Emission;
use crate::told::StageTimes;

/// Counts since the start.
///
/// Every captured frame is answered, dropped, or on its way; every answer is, for each emitter, sent, dropped, failed,
/// or on its way.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Frames that the camera gave.
    pub captured: u64,
    /// Frames that made way for newer ones before the model saw them.
    pub dropped: u64,
    /// Frames that the model saw.
    pub answered: u64,
    /// What became of the answers.
    pub emissions: Vec<Emission>,
    /// Frames that could not be read.
    pub spoilt: u64,
    /// How often the camera was lost.
    pub lost: u64,
    /// Browsers that watch now.
    pub watchers: usize,
    /// Seconds that the stages took in all, in the order of [`STAGES`]; those of emission by all emitters.
    pub(crate) seconds: [f64; 5],
    /// Of the last second or so.
    interval_seconds: f64,
}

/// The five stages by name, in the order of the data's way.
pub const STAGES: [&str; 5] = ["capture", "preprocess", "infer", "postprocess", "emit"];

impl Totals {
    /// Adds an answer that came `interval` after the one before; 0 for the first.
    pub(crate) fn add_answer(&mut self, capture: Duration, times: &StageTimes, interval: Duration) {
        self.answered += 1;
        let StageTimes { preprocess, infer, postprocess } = *times;
        let taken = [capture, preprocess, infer, postprocess];
        for (seconds, duration) in self.seconds.iter_mut().zip(taken) {
            *seconds += duration.as_secs_f64();
        }
        let interval = interval.as_secs_f64();
        // An average that forgets within a second.
        let share = if self.interval_seconds == 0.0 { 1.0 } else { interval.min(1.0) };
        self.interval_seconds += (interval - self.interval_seconds) * share;
    }

    /// Adds an answer that the emitter with this index has dealt with.
    pub(crate) fn add_emission(&mut self, index: usize, is_sent: bool, emit: Duration) {
        let [.., seconds] = &mut self.seconds;
        *seconds += emit.as_secs_f64();
        if let Some(emission) = self.emissions.get_mut(index) {
            let count = if is_sent { &mut emission.sent } else { &mut emission.failed };
            *count += 1;
        }
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
        metric("frames_dropped_total", "counter", "Frames that made way for newer ones.", &one(self.dropped));
        metric("frames_answered_total", "counter", "Frames that the model saw.", &one(self.answered));
        let by_emitter = |count: fn(&Emission) -> u64| {
            let row = |emission: &Emission| (format!("{{to=\"{}\"}}", emission.name), count(emission) as f64);
            self.emissions.iter().map(row).collect::<Vec<_>>()
        };
        let sent = by_emitter(|emission| emission.sent);
        metric("answers_sent_total", "counter", "Answers that were told.", &sent);
        let dropped = by_emitter(|emission| emission.dropped);
        metric("answers_dropped_total", "counter", "Answers that made way for newer ones.", &dropped);
        let failed = by_emitter(|emission| emission.failed);
        metric("answers_failed_total", "counter", "Answers that could not be told.", &failed);
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
        let emissions = vec![Emission { name: "page".into(), dropped: 3, ..Emission::default() }];
        let mut totals = Totals { captured: 7, dropped: 2, emissions, ..Totals::default() };
        totals.add_answer(Duration::ZERO, &times, Duration::ZERO);
        totals.add_answer(Duration::ZERO, &times, Duration::from_millis(500));
        totals.add_emission(0, true, Duration::from_millis(125));
        totals.add_emission(0, false, Duration::ZERO);
        assert_eq!(totals.frames_per_second(), 2.0);
        let text = totals.prometheus();
        for line in [
            "# TYPE ocelli_frames_captured_total counter",
            "ocelli_frames_captured_total 7",
            "ocelli_frames_dropped_total 2",
            "ocelli_frames_answered_total 2",
            "ocelli_answers_sent_total{to=\"page\"} 1",
            "ocelli_answers_dropped_total{to=\"page\"} 3",
            "ocelli_answers_failed_total{to=\"page\"} 1",
            "ocelli_stage_seconds_total{stage=\"infer\"} 0.5",
            "ocelli_stage_seconds_total{stage=\"emit\"} 0.125",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
