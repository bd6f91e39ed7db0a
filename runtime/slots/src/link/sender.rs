//! The host's side: what to ask next, and what an answer means.

use ocelli_format::{Artefact, Signature};

use super::frame::FRAME_BYTES;
use super::message::{CHUNK_BYTES, DeviceReport, Reply, Request};
use crate::{Offer, Refusal};

/// Pushes one artefact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender<'a> {
    artefact: &'a [u8],
    signature: Signature,
    step: Step,
}

/// What is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Hello,
    Offer,
    Data(usize),
    End,
}

/// What an answer means to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ask the next question.
    GoOn,
    /// Ask the next question; the device has said who it is.
    Met(DeviceReport),
    /// The device has verified the artefact, and tries it at its next start.
    Staged,
    /// The device does not take the artefact; `None` for a reason that a later version has.
    Refused(Option<Refusal>),
}

impl<'a> Sender<'a> {
    /// For a signed artefact; `None` where it is not signed.
    pub fn new(artefact: &Artefact<'a>) -> Option<Sender<'a>> {
        let signature = artefact.signature()?;
        Some(Sender { artefact: artefact.bytes(), signature, step: Step::Hello })
    }

    /// The frame to send now, and once more where no answer comes.
    pub fn frame<'b>(&self, buffer: &'b mut [u8; FRAME_BYTES]) -> &'b [u8] {
        self.request().frame(buffer)
    }

    /// How many bytes of the artefact the device has.
    pub fn sent_bytes(&self) -> usize {
        match self.step {
            Step::Hello | Step::Offer => 0,
            Step::Data(offset) => offset,
            Step::End => self.artefact.len(),
        }
    }

    /// Takes an answer. One that does not belong to what was asked is an old one, and changes nothing.
    pub fn answer(&mut self, reply: &Reply) -> Verdict {
        match (self.step, *reply) {
            (Step::Hello, Reply::Device(report)) => {
                self.step = Step::Offer;
                return Verdict::Met(report);
            }
            (Step::Offer, Reply::Ready { offset: 0 }) => self.step = self.data(0),
            (Step::Data(sent), Reply::Ready { offset }) if offset as usize > sent => {
                self.step = self.data(offset as usize);
            }
            (Step::End, Reply::Staged) => return Verdict::Staged,
            (Step::Offer | Step::Data(_) | Step::End, Reply::Refused(refusal)) => {
                return Verdict::Refused(refusal);
            }
            _ => {}
        }
        Verdict::GoOn
    }

    fn data(&self, offset: usize) -> Step {
        if offset < self.artefact.len() { Step::Data(offset) } else { Step::End }
    }

    fn request(&self) -> Request<'_> {
        match self.step {
            Step::Hello => Request::Hello,
            Step::Offer => Request::Offer(Offer {
                length: self.artefact.len() as u32,
                release: self.signature.release,
                board: self.signature.board(),
            }),
            Step::Data(offset) => {
                let rest = self.artefact.get(offset..).unwrap_or_default();
                Request::Data { offset: offset as u32, bytes: rest.get(..CHUNK_BYTES).unwrap_or(rest) }
            }
            Step::End => Request::End,
        }
    }
}
