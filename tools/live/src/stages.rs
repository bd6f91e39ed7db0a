//! The stages in their threads: a camera that does not wait, a model that takes the newest frame, and emitters
//! that tell the newest answer.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nb::Error::{Other, WouldBlock};
use ocelli_core::{Camera, Frame, Loan};

use crate::emit::{Emission, Emitter, emit_answers};
use crate::hub::Hub;
use crate::newest::Newest;
use crate::settings::Settings;
use crate::shot::Shot;
use crate::told::{Seen, Told};

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
    /// What answers are headed with.
    pub title: String,
    /// Told what is wrong with the camera, or with an emitter.
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

/// Runs until the camera ends, or `hub` is closed. `see` is called in this thread, with every frame that it has
/// time for; each emitter in a thread of its own, with every answer that it has time for.
///
/// # Errors
/// The message of a camera that cannot be opened at the start: later it is waited for.
pub fn run<'e, C: Camera + Send>(
    mut capture: Capture<'_, C>,
    hub: &Hub,
    mut see: impl FnMut(&Frame<'_>, Option<Settings>) -> Seen,
    emitters: Vec<Box<dyn Emitter + 'e>>,
) -> Result<(), String>
where
    C::Error: std::fmt::Display,
{
    let camera = (capture.open)()?;
    let title: Arc<str> = std::mem::take(&mut capture.title).into();
    let warn = capture.warn;
    let shots = &Newest::new();
    let queues: Vec<Newest<Arc<Told>>> = emitters.iter().map(|_| Newest::new()).collect();
    let emission =
        |emitter: &dyn Emitter| Emission { name: emitter.name().to_owned(), ..Emission::default() };
    hub.count(|totals| totals.emissions = emitters.iter().map(|emitter| emission(&**emitter)).collect());
    thread::scope(|scope| {
        scope.spawn(move || {
            capture_frames(camera, &mut capture, hub, shots);
            shots.close();
        });
        // Where the camera is silent, the others do not wait for it to end.
        scope.spawn(move || {
            hub.until_closed();
            shots.close();
        });
        for (index, (mut emitter, answers)) in emitters.into_iter().zip(&queues).enumerate() {
            scope.spawn(move || emit_answers(&mut *emitter, answers, hub, index, warn));
        }
        let mut last: Option<Instant> = None;
        while let Some((shot, capture)) = shots.take() {
            let settings = hub.settings();
            let seen = see(&shot.frame(), settings);
            let answered = Instant::now();
            let interval = last.replace(answered).map_or(Duration::ZERO, |last| answered - last);
            let (frames_per_second, dropped) = hub.count(|totals| {
                totals.dropped = shots.dropped();
                totals.add_answer(capture, &seen.times, interval);
                (totals.frames_per_second(), totals.dropped)
            });
            let title = title.clone();
            let told =
                Arc::new(Told { shot, seen, title, capture, answered, frames_per_second, dropped, settings });
            queues.iter().for_each(|answers| drop(answers.put(told.clone())));
            hub.count(|totals| {
                let emissions = totals.emissions.iter_mut().zip(&queues);
                emissions.for_each(|(emission, answers)| emission.dropped = answers.dropped());
            });
        }
        queues.iter().for_each(Newest::close);
        hub.close();
    });
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
