//! Carries an artefact over any byte stream: UART, USB serial, TCP, a pseudo terminal.
//!
//! The sender asks, the receiver answers, one [frame](frame::encode) each. A frame that is lost or damaged is not
//! answered, and the sender asks again; every question may come twice. Neither side reads or writes by
//! itself: bytes go in, bytes come out, and the program between does the waiting.
//!
//! | question | answer |
//! |---|---|
//! | [`Request::Hello`] | [`Reply::Device`]: board, key, room, what the device remembers |
//! | [`Request::Offer`]: length, release, board | [`Reply::Ready`] at byte 0, or [`Reply::Refused`] |
//! | [`Request::Data`]: offset, bytes | [`Reply::Ready`] at the byte that is wanted next, or refused |
//! | [`Request::End`] | [`Reply::Staged`], or refused |

mod frame;

mod message;

mod receiver;

mod sender;

pub use frame::{Deframer, FRAME_BYTES, encode};
pub use message::{CHUNK_BYTES, DeviceReport, Reply, Request};
pub use receiver::Receiver;
pub use sender::{Sender, Verdict};
