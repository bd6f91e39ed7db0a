//! The device's side: bytes in, slots written, answers out.

use super::frame::{Deframer, FRAME_BYTES};
use super::message::{DeviceReport, Reply, Request};
use crate::{Failure, PublicKey, Refusal, Slots, Storage};

/// Feeds the slots from a stream of bytes.
///
/// It takes the arena too, because the last answer comes after the self-test; so a program that runs a model lets
/// go of it when the first byte arrives, and starts anew when [`Receiver::is_staged`], or when nothing has come
/// for a while.
#[derive(Debug)]
pub struct Receiver {
    deframer: Deframer,
    reply: [u8; FRAME_BYTES],
    /// The answer to the last end, which may have been lost.
    verdict: Option<Result<(), Refusal>>,
}

impl Receiver {
    /// At the start of a stream.
    pub const fn new() -> Receiver {
        Receiver { deframer: Deframer::new(), reply: [0; FRAME_BYTES], verdict: None }
    }

    /// Takes the next byte; returns what is to be sent, which is mostly nothing.
    pub fn feed<S: Storage>(&mut self, byte: u8, slots: &mut Slots<'_, S>, arena: &mut [u8]) -> &[u8] {
        let Some(request) = self.deframer.feed(byte).and_then(Request::read) else { return &[] };
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
        reply.frame(&mut self.reply)
    }

    /// Whether an artefact was verified: the next start tries it.
    pub fn is_staged(&self) -> bool {
        self.verdict == Some(Ok(()))
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
