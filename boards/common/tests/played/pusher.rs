//! Somebody who pushes artefacts over the serial port of a played board, one after the other.

use std::collections::VecDeque;

use ocelli_boards::slots::link::{Deframer, FRAME_BYTES, Reply, Sender, Verdict};
use ocelli_format::{AlignedBytes, Artefact};

/// Sends one question at a time, and once more where the answer does not come.
pub struct Pusher {
    /// What is still to be pushed, the next first.
    artefacts: Vec<&'static AlignedBytes>,
    /// How often it is asked for a byte before it begins, and before it repeats a question.
    patience: u32,
    sender: Option<Sender<'static>>,
    answers: Deframer,
    outgoing: VecDeque<u8>,
    waited: u32,
    pub verdicts: Vec<Verdict>,
    pub repeats: u32,
}

impl Pusher {
    pub fn new(artefacts: &[AlignedBytes], patience: u32) -> Pusher {
        // A sender borrows its artefact; a test's few live as long as the test.
        let artefacts = artefacts.iter().map(|artefact| &*Box::leak(Box::new(artefact.clone()))).collect();
        let (sender, answers, outgoing) = (None, Deframer::new(), VecDeque::new());
        Pusher { artefacts, patience, sender, answers, outgoing, waited: 0, verdicts: Vec::new(), repeats: 0 }
    }

    /// The next byte to the device.
    pub fn send(&mut self) -> Option<u8> {
        if let Some(byte) = self.outgoing.pop_front() {
            return Some(byte);
        }
        self.waited += 1;
        if self.waited < self.patience {
            return None;
        }
        match &self.sender {
            Some(_) => self.repeats += 1,
            None if self.artefacts.is_empty() => return None,
            None => self.sender = Sender::new(&Artefact::parse(self.artefacts.remove(0)).unwrap()),
        }
        self.ask();
        self.outgoing.pop_front()
    }

    /// A byte from the device: text, or part of an answer.
    pub fn receive(&mut self, byte: u8) {
        let Some(reply) = self.answers.feed(byte).and_then(Reply::read) else { return };
        let Some(sender) = &mut self.sender else { return };
        match sender.answer(&reply) {
            Verdict::GoOn | Verdict::Met(_) => self.ask(),
            verdict => {
                self.verdicts.push(verdict);
                (self.sender, self.waited) = (None, 0);
            }
        }
    }

    fn ask(&mut self) {
        let mut buffer = [0; FRAME_BYTES];
        let frame = self.sender.as_ref().map_or(&[][..], |sender| sender.frame(&mut buffer));
        self.outgoing.extend(frame);
        self.waited = 0;
    }
}
