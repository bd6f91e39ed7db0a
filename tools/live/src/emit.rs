//! The emit stage: everything that takes the model's answers is an [`Emitter`], in a thread of its own behind a queue
//! of one place, so that none waits for another.
//!
//! One that fails is told of once, tried again with growing pauses, and told of again when it works; meanwhile newer
//! answers take the place of older ones. For each emitter, answers are those that were sent, dropped and failed.

pub mod lines;

pub mod page;

pub mod unix_socket;

pub mod video;

mod y4m;

pub mod mqtt;

pub mod gpio;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::hub::Hub;
use crate::newest::{Newest, Taken};
use crate::told::Told;

/// What takes answers.
pub trait Emitter: Send {
    /// What it is called in messages and metrics.
    fn name(&self) -> &str;

    /// Tells one answer. It may take its time: nobody else waits.
    ///
    /// # Errors
    /// [`EmitError`]; the next answer is another attempt.
    fn emit(&mut self, told: &Told) -> Result<(), EmitError>;

    /// Does what is to be done without an answer, and says when it wants to be called again. It is called before
    /// each wait for an answer.
    fn idle(&mut self) -> Option<Duration> {
        None
    }
}

/// Why an answer was not told, or an emitter cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmitError {
    /// A file, a socket or a device.
    #[error("{place}: {source}")]
    Io {
        /// Which.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// What was asked for is not possible.
    #[error("{place}: {problem}")]
    Refused {
        /// A file, a program, a broker, a pin.
        place: String,
        /// What is wrong, and what would do.
        problem: String,
    },
}

impl EmitError {
    pub(crate) fn io(place: &str) -> impl FnOnce(io::Error) -> EmitError {
        move |source| EmitError::Io { place: place.to_owned(), source }
    }

    pub(crate) fn refused(place: &str, problem: impl Into<String>) -> EmitError {
        EmitError::Refused { place: place.to_owned(), problem: problem.into() }
    }
}

/// What became of the answers that were meant for an emitter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emission {
    /// The emitter's name.
    pub name: String,
    /// Answers that it told.
    pub sent: u64,
    /// Answers that made way for newer ones.
    pub dropped: u64,
    /// Answers that it could not tell.
    pub failed: u64,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Tells every answer that there is time for, as the emitter with this index, until the queue is closed.
pub(crate) fn emit_answers(
    emitter: &mut dyn Emitter,
    answers: &Newest<Arc<Told>>,
    hub: &Hub,
    index: usize,
    warn: &(dyn Fn(&str) + Sync),
) {
    let mut trouble: Option<String> = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let told = match answers.take_within(emitter.idle()) {
            Taken::Item(told) => told,
            Taken::Nothing => continue,
            Taken::Closed => return,
        };
        let start = Instant::now();
        let result = emitter.emit(&told);
        let is_sent = result.is_ok();
        hub.count(|totals| totals.add_emission(index, is_sent, start.elapsed()));
        match result {
            Ok(()) => {
                if trouble.take().is_some() {
                    warn(&format!("{}: it works again", emitter.name()));
                }
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                let message = format!("{}: {error}", emitter.name());
                if trouble.as_ref() != Some(&message) {
                    warn(&message);
                    trouble = Some(message);
                }
                hub.wait_closed(pause);
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        }
    }
}
