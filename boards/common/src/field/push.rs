//! The device's side of a push: questions are answered until a model is staged, or until nobody asks any more.

use ocelli_slots::link::Receiver;
use ocelli_slots::{Slots, Storage};

use crate::Port;

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A model was verified: the next boot tries it.
    Staged,
    /// Nobody asks any more.
    Silent,
}

/// How long nobody asks before the device looks through its camera again: longer than a sender waits for an answer
/// before it repeats its question.
const PATIENCE_US: u64 = 10_000_000;

/// Answers what `receiver` has heard, and everything that follows. Nothing may run a model meanwhile: slots and arena are
/// needed.
pub fn answer<P: Port, S: Storage>(
    port: &mut P,
    receiver: &mut Receiver,
    slots: &mut Slots<'_, S>,
    arena: &mut [u8],
) -> Ended {
    // Whatever text went out before is no part of the first answer.
    port.send(&[0]);
    port.send(receiver.answer(slots, arena));
    let mut asked_us = port.now_us();
    while !receiver.is_staged() {
        port.feed_watchdog();
        match port.receive() {
            Some(byte) => {
                port.send(receiver.feed(byte, slots, arena));
                asked_us = port.now_us();
            }
            None if port.now_us().saturating_sub(asked_us) > PATIENCE_US => return Ended::Silent,
            None => {}
        }
    }
    Ended::Staged
}
