//! The stages in their threads: a camera that does not wait, a model that takes the newest frame, and the
//! emit stage that tells the newest answer.

use std::thread;
use std::time::{Duration, Instant};

use nb::Error::{Other, WouldBlock};
use ocelli_core::{Camera, Frame, Loan};
use serde_json::{Value, json};

use crate::encode::to_jpeg;
use crate::hub::Hub;
use crate::newest::Newest;
use crate::settings::Settings;
use crate::shot::Shot;

/// Where frames come from, and what to do when none comes.
pub struct Capture<'c, C: Camera> {
    /// Opens the camera, and opens it again when it was lost.
    pub open: &'c mut (dyn FnMut() -> Result<C, String> + Send),
    /// What an error means.
    pub trouble: fn(&C::Error) -> Trouble,
    /// Whether a camera that has ended is opened again.
    pub repeats: bool,
    /// The least time from one frame to the next, for cameras that are faster than what they show.
    pub pace: Duration,
    /// What the page calls it.
    pub title: String,
    /// Told what is wrong with the camera.
    pub warn: &'c (dyn Fn(&str) + Sync),
}

/// What an error of a camera means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Every frame has been read.
    End,
    /// One frame is spoilt, and the next may be good.
    Frame,
    /// The camera is lost, and is opened again.
    Camera,
}

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
#[derive(Clone, Debug)]
pub struct Seen {
    /// The answer as the page and other programs read it.
    pub answer: Value,
    /// What it took.
    pub times: StageTimes,
}

/// An answer on its way to the emit stage.
struct Told {
    shot: Shot,
    seen: Seen,
    capture: Duration,
}

/// Runs until the camera ends, or `hub` is closed. `see` is called in this thread, with every frame that it has
/// time for; `tell` in the emit thread, with every answer that is emitted.
///
/// # Errors
/// The message of a camera that cannot be opened at the start: later it is waited for.
pub fn run<C: Camera + Send>(
    mut capture: Capture<'_, C>,
    hub: &Hub,
    mut see: impl FnMut(&Frame<'_>, Option<Settings>) -> Seen,
    tell: impl FnMut(&Value) + Send,
) -> Result<(), String>
where
    C::Error: std::fmt::Display,
{
    let camera = (capture.open)()?;
    let title = std::mem::take(&mut capture.title);
    let (shots, answers) = (Newest::new(), Newest::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            capture_frames(camera, &mut capture, hub, &shots);
            shots.close();
        });
        scope.spawn(|| emit(&answers, hub, &title, tell));
        while let Some((shot, capture)) = shots.take() {
            let seen = see(&shot.frame(), hub.settings());
            hub.count(|totals| totals.dropped_before_infer = shots.dropped());
            // Only the memory of an answer that nobody took comes back.
            answers.put(Told { shot, seen, capture });
            if hub.is_closed() {
                shots.close();
            }
        }
        answers.close();
    });
    hub.close();
    Ok(())
}

/// Reads frames until the end, and opens a lost camera again.
fn capture_frames<C: Camera>(
    camera: C,
    capture: &mut Capture<'_, C>,
    hub: &Hub,
    shots: &Newest<(Shot, Duration)>,
) where
    C::Error: std::fmt::Display,
{
    let mut camera = Some(camera);
    let mut backoff = FIRST_BACKOFF;
    let (mut number, mut old) = (0, None);
    let mut due = Instant::now();
    while !hub.is_closed() && !shots.is_closed() {
        let Some(open) = &mut camera else {
            hub.wait_closed(backoff);
            backoff = (2 * backoff).min(LONGEST_BACKOFF);
            match (capture.open)() {
                Ok(opened) => camera = Some(opened),
                Err(message) => (capture.warn)(&message),
            }
            continue;
        };
        let start = Instant::now();
        let error = match open.read_frame() {
            Ok(loan) => {
                let shot = Shot::of(&loan.frame(), number, Instant::now(), old.take());
                drop(loan);
                number += 1;
                backoff = FIRST_BACKOFF;
                hub.count(|totals| totals.captured += 1);
                old = shots.put((shot, start.elapsed())).map(|(shot, _)| shot);
                due = (due + capture.pace).max(start);
                hub.wait_closed(due.saturating_duration_since(Instant::now()));
                continue;
            }
            Err(WouldBlock) => {
                hub.wait_closed(POLL);
                continue;
            }
            Err(Other(error)) => error,
        };
        match (capture.trouble)(&error) {
            Trouble::End if capture.repeats && number > 0 => match (capture.open)() {
                Ok(opened) => camera = Some(opened),
                Err(message) => {
                    (capture.warn)(&message);
                    camera = None;
                }
            },
            Trouble::End => return,
            Trouble::Frame => {
                (capture.warn)(&error.to_string());
                hub.count(|totals| totals.spoilt += 1);
            }
            Trouble::Camera => {
                (capture.warn)(&error.to_string());
                hub.count(|totals| totals.lost += 1);
                camera = None;
            }
        }
    }
}

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// How long a camera without a frame is left alone.
const POLL: Duration = Duration::from_millis(1);

/// Tells every answer that it has time for: to browsers with the frame, to `tell` without.
fn emit(answers: &Newest<Told>, hub: &Hub, title: &str, mut tell: impl FnMut(&Value)) {
    let mut last = None;
    while let Some(Told { shot, seen, capture }) = answers.take() {
        let start = Instant::now();
        let interval = last.replace(start).map_or(Duration::ZERO, |last: Instant| start - last);
        let jpeg = hub.is_watched().then(|| to_jpeg(&shot.frame()));
        let (frame, emit) = (shot.frame(), start.elapsed());
        let totals = hub.count(|totals| {
            totals.dropped_before_emit = answers.dropped();
            totals.add(capture, &seen.times, emit, interval);
        });
        let microseconds = |duration: Duration| duration.as_micros() as u64;
        let StageTimes { preprocess, infer, postprocess } = seen.times;
        let told = json!({
            "title": title,
            "frame": shot.number,
            "width": frame.width(),
            "height": frame.height(),
            "answer": seen.answer,
            "microseconds": {
                "capture": microseconds(capture),
                "preprocess": microseconds(preprocess),
                "infer": microseconds(infer),
                "postprocess": microseconds(postprocess),
                "emit": microseconds(emit),
            },
            "latency_microseconds": microseconds(shot.taken.elapsed()),
            "frames_per_second": totals.frames_per_second(),
            "dropped": totals.dropped_before_infer + totals.dropped_before_emit,
            "settings": hub.settings(),
        });
        tell(&told);
        if let Some(jpeg) = jpeg {
            hub.publish(&told, &jpeg);
        }
    }
}
