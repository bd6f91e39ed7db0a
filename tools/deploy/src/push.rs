//! Sends an artefact to a device and waits for its verdict.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use ocelli_format::Artefact;
use ocelli_slots::link::{Deframer, DeviceReport, FRAME_BYTES, Reply, Request, Sender, Verdict};

use crate::{PushError, Stream};

/// How long and how often a device is asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For an answer, before the question is asked again. Erasing a block may take a device longer, and to be asked twice does
    /// it no harm.
    pub answer: Duration,
    /// For the verdict: the device hashes the artefact and runs its self-test.
    pub verdict: Duration,
    /// How often a question is asked.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { answer: Duration::from_secs(3), verdict: Duration::from_secs(60), tries: 5 }
    }
}

/// Asks a device who it is, and what it remembers.
///
/// # Errors
/// [`PushError::NoAnswer`] and [`PushError::Io`].
pub fn ask(stream: &mut dyn Stream, patience: Patience) -> Result<DeviceReport, PushError> {
    let (mut answers, mut buffer) = (Deframer::new(), [0; FRAME_BYTES]);
    for _ in 0..patience.tries {
        stream.write_all(Request::Hello.frame(&mut buffer))?;
        let deadline = Instant::now() + patience.answer;
        while let Some(reply) = reply(stream, &mut answers, deadline)? {
            if let Reply::Device(report) = reply {
                return Ok(report);
            }
        }
    }
    Err(PushError::NoAnswer { sent_bytes: 0 })
}

/// Pushes a signed artefact. `met` hears who the device is, `progress` how many bytes it has.
///
/// # Errors
/// A [`PushError`]; only without one the device tries the artefact at its next start.
pub fn push(
    stream: &mut dyn Stream,
    artefact: &Artefact<'_>,
    patience: Patience,
    mut met: impl FnMut(&DeviceReport),
    mut progress: impl FnMut(usize),
) -> Result<(), PushError> {
    let mut sender = Sender::new(artefact).ok_or(PushError::Unsigned)?;
    let (mut answers, mut buffer) = (Deframer::new(), [0; FRAME_BYTES]);
    'questions: loop {
        let asked = sender.clone();
        let is_last = sender.sent_bytes() == artefact.bytes().len();
        for _ in 0..patience.tries {
            stream.write_all(sender.frame(&mut buffer))?;
            let deadline = Instant::now() + if is_last { patience.verdict } else { patience.answer };
            while let Some(reply) = reply(stream, &mut answers, deadline)? {
                match sender.answer(&reply) {
                    Verdict::Met(device) => met(&device),
                    Verdict::Staged => return Ok(()),
                    Verdict::Refused(refusal) => return Err(PushError::Refused { refusal }),
                    Verdict::GoOn => {}
                }
                if sender != asked {
                    progress(sender.sent_bytes());
                    continue 'questions;
                }
            }
        }
        return Err(PushError::NoAnswer { sent_bytes: sender.sent_bytes() });
    }
}

/// The next reply, or `None` when it is too late. What else comes over the stream, such as a log, is passed over.
fn reply(stream: &mut dyn Stream, answers: &mut Deframer, deadline: Instant) -> io::Result<Option<Reply>> {
    let mut byte = [0];
    loop {
        match stream.read(&mut byte) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                if let Some(reply) = answers.feed(byte[0]).and_then(Reply::read) {
                    return Ok(Some(reply));
                }
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
    }
}

/// Whether a read only waited too long.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
