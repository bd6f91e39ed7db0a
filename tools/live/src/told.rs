//! What the model said of a frame, on its way to the emitters.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ocelli_core::Frame;
use serde_json::{Value, json};

use crate::picture::Mark;
use crate::settings::Settings;
use crate::shot::Shot;

/// How long the stages of one frame took.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Camera pixels to input tensors.
    pub preprocess: Duration,
    /// Input tensors to output tensors.
    pub infer: Duration,
    /// Output tensors to an answer.
    pub postprocess: Duration,
}

/// What the model says of a frame.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The answer as the page and other programs read it.
    pub answer: Value,
    /// What is drawn over the frame, where somebody wants it drawn.
    pub marks: Vec<Mark>,
    /// What it took.
    pub times: StageTimes,
}

/// A frame and what the model says of it.
#[derive(Debug)]
pub struct Told {
    pub(crate) shot: Shot,
    pub(crate) seen: Seen,
    pub(crate) title: Arc<str>,
    /// What the capture stage took.
    pub(crate) capture: Duration,
    /// When the answer was there, and emission began.
    pub(crate) answered: Instant,
    /// When it was.
    pub(crate) frames_per_second: f64,
    pub(crate) dropped: u64,
    pub(crate) settings: Option<Settings>,
}

impl Told {
    /// Of the frame with this number, read without haste: nothing was dropped before it.
    pub fn new(frame: &Frame<'_>, number: u64, seen: Seen) -> Told {
        let now = Instant::now();
        Told {
            shot: Shot::of(frame, number, now, None),
            seen,
            title: "".into(),
            capture: Duration::ZERO,
            answered: now,
            frames_per_second: 0.0,
            dropped: 0,
            settings: None,
        }
    }

    /// The pixels.
    pub fn frame(&self) -> Frame<'_> {
        self.shot.frame()
    }

    /// The model's answer.
    pub fn answer(&self) -> &Value {
        &self.seen.answer
    }

    /// What is drawn over the frame.
    pub fn marks(&self) -> &[Mark] {
        &self.seen.marks
    }

    /// All that is told of the frame, for other programs. Emission counts up to this call.
    pub fn record(&self) -> Value {
        let microseconds = |duration: Duration| duration.as_micros() as u64;
        let StageTimes { preprocess, infer, postprocess } = self.seen.times;
        let frame = self.frame();
        json!({
            "title": &*self.title,
            "frame": self.shot.number,
            "width": frame.width(),
            "height": frame.height(),
            "answer": self.seen.answer,
            "microseconds": {
                "capture": microseconds(self.capture),
                "preprocess": microseconds(preprocess),
                "infer": microseconds(infer),
                "postprocess": microseconds(postprocess),
                "emit": microseconds(self.answered.elapsed()),
            },
            "latency_microseconds": microseconds(self.shot.taken.elapsed()),
            "frames_per_second": self.frames_per_second,
            "dropped": self.dropped,
            "settings": self.settings,
        })
    }

    /// The same as one line of text.
    pub fn line(&self) -> String {
        self.record().to_string() + "\n"
    }
}
