//! The device's side: bytes in, slots written, answers out.

use super::frame::{Deframer, FRAME_BYTES};
use super::message::{DeviceReport, Reply, Request};
use crate::{Failure, PublicKey, Refusal, Slots, Storage};

/// Feeds the slots from a stream of bytes.
///
/// Answering takes slots and arena, because the last answer comes after the self-test. So a program that runs a
/// model only [hears](Receiver::hear) meanwhile, which noise on an open line does not disturb; it lets go of the
/// model when a question has come, answers, and boots anew when [`Receiver::is_staged`], or when nothing has come for
/// a while.
#[derive(Debug)]
pub struct Receiver {
    deframer: Deframer,
    /// Length of the question that waits for an answer.
    question_bytes: Option<usize>,
    reply: [u8; FRAME_BYTES],
    /// The answer to the last end, which may have been lost.
    verdict: Option<Result<(), Refusal>>,
    is_staged: bool,
}

impl Receiver {
    /// At the start of a stream.
    pub const fn new() -> Receiver {
        Receiver {
            deframer: Deframer::new(),
            question_bytes: None,
            reply: [0; FRAME_BYTES],
            verdict: None,
            is_staged: false,
        }
    }

    /// Takes the next byte; whether it completes a question. One that was not answered by then is forgotten.
    pub fn hear(&mut self, byte: u8) -> bool {
        let message = self.deframer.feed(byte).filter(|message| Request::read(message).is_some());
        self.question_bytes = message.map(<[u8]>::len);
        self.has_question()
    }

    /// Whether a question waits for its answer.
    pub fn has_question(&self) -> bool {
        self.question_bytes.is_some()
    }

    /// Takes the next byte; returns what is to be sent, which is mostly nothing.
    pub fn feed<S: Storage>(&mut self, byte: u8, slots: &mut Slots<'_, S>, arena: &mut [u8]) -> &[u8] {
        self.hear(byte);
        self.answer(slots, arena)
    }

    /// Answers the question that was heard last; returns what is to be sent, nothing where there is none.
    pub fn answer<S: Storage>(&mut self, slots: &mut Slots<'_, S>, arena: &mut [u8]) -> &[u8] {
        let question = self.question_bytes.take().map(|length| self.deframer.message(length));
        let Some(request) = question.and_then(Request::read) else { return &[] };
        let reply = match request {
            Request::Hello => {
                let device = slots.device();
                let key = device.keys.first().copied().unwrap_or(PublicKey([0; 32]));
                Reply::Device(DeviceReport::new(device.board, key, slots.slot_bytes(), slots.state()))
            }
            Request::Offer(offer) => {
                self.verdict = None;
                slots.begin(&offer).map_or_else(refused, |()| Reply::Ready { offset: 0 })
            }
            Request::Data { offset, bytes } => data(offset, bytes, slots),
            Request::End => {
                if slots.received_bytes().is_some() {
                    self.verdict = Some(slots.finish(arena).map_err(|failure| failure.refusal()));
                }
                match self.verdict {
                    Some(Ok(())) => Reply::Staged,
                    Some(Err(refusal)) => Reply::Refused(Some(refusal)),
                    None => Reply::Refused(Some(Refusal::NotReceiving)),
                }
            }
        };
        self.is_staged = reply == Reply::Staged;
        reply.frame(&mut self.reply)
    }

    /// Whether the last answer was that an artefact is verified: the next start tries it.
    pub fn is_staged(&self) -> bool {
        self.is_staged
    }
}

impl Default for Receiver {
    fn default() -> Receiver {
        Receiver::new()
    }
}

/// Bytes that are not the next ones have come before, or some were lost: the answer says what is wanted.
fn data<S: Storage>(offset: u32, bytes: &[u8], slots: &mut Slots<'_, S>) -> Reply {
    let Some(wanted) = slots.received_bytes() else { return Reply::Refused(Some(Refusal::NotReceiving)) };
    let written = if offset == wanted { slots.write(bytes) } else { Ok(()) };
    written.map_or_else(refused, |()| Reply::Ready { offset: slots.received_bytes().unwrap_or(wanted) })
}

fn refused<E>(failure: Failure<E>) -> Reply {
    Reply::Refused(Some(failure.refusal()))
}
