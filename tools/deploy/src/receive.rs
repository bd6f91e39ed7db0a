//! The device's end on a computer: what firmware does with its serial port, over any stream.

use std::io::{self, ErrorKind};

use ocelli_slots::link::Receiver;
use ocelli_slots::{Slots, Storage};

use crate::Stream;
use crate::push::is_timeout;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// An artefact was verified: the next boot tries it.
    Staged,
    /// The other side hung up.
    HungUp,
}

/// Answers what comes over a stream until an artefact is staged or the other side hangs up.
///
/// # Errors
/// The stream's.
pub fn receive<S: Storage>(
    stream: &mut dyn Stream,
    slots: &mut Slots<'_, S>,
    arena: &mut [u8],
) -> io::Result<End> {
    let mut receiver = Receiver::new();
    let mut bytes = [0; 512];
    loop {
        let length = match stream.read(&mut bytes) {
            Ok(0) => return Ok(End::HungUp),
            Ok(length) => length,
            Err(error) if is_timeout(&error) => continue,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(End::HungUp),
            Err(error) => return Err(error),
        };
        for &byte in &bytes[..length] {
            stream.write_all(receiver.feed(byte, slots, arena))?;
        }
        stream.flush()?;
        if receiver.is_staged() {
            return Ok(End::Staged);
        }
    }
}
