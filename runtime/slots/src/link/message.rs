//! What the two sides say, and its bytes: a code, then fields in the order of the structs, numbers little-endian.

use ocelli_format::Signature;

use super::frame::{FRAME_BYTES, encode};
use crate::{Offer, PublicKey, Refusal, State};

/// Bytes of the artefact in a frame, at most.
pub const CHUNK_BYTES: usize = 256;

/// The longest message: a chunk behind its code and offset.
pub(super) const MESSAGE_BYTES: usize = 5 + CHUNK_BYTES;

/// The version of the protocol, which a device tells first.
const VERSION: u8 = 1;

const BOARD_BYTES: usize = Signature::BOARD_BYTES;

/// What the sender says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Who is there?
    Hello,
    /// An artefact is to come.
    Offer(Offer<'a>),
    /// Some of its bytes.
    Data {
        /// Where they stand.
        offset: u32,
        /// The bytes, at most [`CHUNK_BYTES`].
        bytes: &'a [u8],
    },
    /// That was all.
    End,
}

/// What the receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Who is there.
    Device(DeviceReport),
    /// The byte that is wanted next.
    Ready {
        /// Its offset.
        offset: u32,
    },
    /// The artefact is verified, and tried at the next start.
    Staged,
    /// The artefact is not taken; `None` for a reason that a later version has.
    Refused(Option<Refusal>),
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceReport {
    board: [u8; BOARD_BYTES],
    /// The first key that it trusts; zeros where it trusts none.
    pub key: PublicKey,
    /// Room for an artefact.
    pub slot_bytes: u32,
    /// What it remembers.
    pub state: State,
}

impl DeviceReport {
    /// A report; a board's name is cut to what a signature has room for.
    pub fn new(board: &str, key: PublicKey, slot_bytes: u32, state: State) -> DeviceReport {
        DeviceReport { board: padded(board), key, slot_bytes, state }
    }

    /// Name of the board.
    pub fn board(&self) -> &str {
        unpadded(&self.board)
    }
}

impl<'a> Request<'a> {
    /// Lays the message out; returns its length.
    pub fn write(&self, message: &mut [u8; MESSAGE_BYTES]) -> usize {
        let mut out = Out { message, used: 0 };
        match *self {
            Request::Hello => out.bytes(&[1]),
            Request::Offer(Offer { length, release, board }) => {
                out.bytes(&[2]);
                out.bytes(&length.to_le_bytes());
                out.bytes(&release.to_le_bytes());
                out.bytes(&padded(board));
            }
            Request::Data { offset, bytes } => {
                out.bytes(&[3]);
                out.bytes(&offset.to_le_bytes());
                out.bytes(bytes);
            }
            Request::End => out.bytes(&[4]),
        }
        out.used
    }

    /// The message in its frame.
    pub fn frame<'b>(&self, buffer: &'b mut [u8; FRAME_BYTES]) -> &'b [u8] {
        let mut message = [0; MESSAGE_BYTES];
        let length = self.write(&mut message);
        encode(message.get(..length).unwrap_or_default(), buffer)
    }

    /// Reads a message; `None` for what is no request.
    pub fn read(message: &'a [u8]) -> Option<Request<'a>> {
        let (&code, mut rest) = message.split_first()?;
        let request = match code {
            1 => Request::Hello,
            2 => Request::Offer(Offer {
                length: u32::from_le_bytes(take(&mut rest)?),
                release: u32::from_le_bytes(take(&mut rest)?),
                board: unpadded(take_ref::<BOARD_BYTES>(&mut rest)?),
            }),
            3 => Request::Data {
                offset: u32::from_le_bytes(take(&mut rest)?),
                bytes: core::mem::take(&mut rest),
            },
            4 => Request::End,
            _ => return None,
        };
        rest.is_empty().then_some(request)
    }
}

impl Reply {
    /// Lays the message out; returns its length.
    pub fn write(&self, message: &mut [u8; MESSAGE_BYTES]) -> usize {
        let mut out = Out { message, used: 0 };
        match *self {
            Reply::Device(report) => {
                out.bytes(&[0x81, VERSION]);
                out.bytes(&report.board);
                out.bytes(&report.key.0);
                out.bytes(&report.slot_bytes.to_le_bytes());
                out.bytes(&report.state.to_bytes());
            }
            Reply::Ready { offset } => {
                out.bytes(&[0x82]);
                out.bytes(&offset.to_le_bytes());
            }
            Reply::Staged => out.bytes(&[0x83]),
            Reply::Refused(refusal) => {
                out.bytes(&[0x84]);
                out.bytes(&refusal.map_or([0; Refusal::BYTES], Refusal::to_bytes));
            }
        }
        out.used
    }

    /// The message in its frame.
    pub fn frame<'b>(&self, buffer: &'b mut [u8; FRAME_BYTES]) -> &'b [u8] {
        let mut message = [0; MESSAGE_BYTES];
        let length = self.write(&mut message);
        encode(message.get(..length).unwrap_or_default(), buffer)
    }

    /// Reads a message; `None` for what is no reply, or of another version.
    pub fn read(message: &[u8]) -> Option<Reply> {
        let (&code, mut rest) = message.split_first()?;
        let reply = match code {
            0x81 => {
                let [version] = take(&mut rest)?;
                Reply::Device(DeviceReport {
                    board: take(&mut rest)?,
                    key: PublicKey(take(&mut rest)?),
                    slot_bytes: u32::from_le_bytes(take(&mut rest)?),
                    state: State::from_bytes(&take(&mut rest)?).filter(|_| version == VERSION)?,
                })
            }
            0x82 => Reply::Ready { offset: u32::from_le_bytes(take(&mut rest)?) },
            0x83 => Reply::Staged,
            0x84 => Reply::Refused(Refusal::from_bytes(take(&mut rest)?)),
            _ => return None,
        };
        rest.is_empty().then_some(reply)
    }
}

/// A message in the making.
struct Out<'b> {
    message: &'b mut [u8; MESSAGE_BYTES],
    used: usize,
}

impl Out<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(place) = self.message.get_mut(self.used..).and_then(|rest| rest.get_mut(..bytes.len())) {
            place.copy_from_slice(bytes);
            self.used += bytes.len();
        }
    }
}

fn take<const LENGTH: usize>(bytes: &mut &[u8]) -> Option<[u8; LENGTH]> {
    take_ref(bytes).copied()
}

fn take_ref<'a, const LENGTH: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; LENGTH]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

fn padded(board: &str) -> [u8; BOARD_BYTES] {
    let mut padded = [0; BOARD_BYTES];
    padded.iter_mut().zip(board.as_bytes()).for_each(|(place, byte)| *place = *byte);
    padded
}

fn unpadded(board: &[u8; BOARD_BYTES]) -> &str {
    let end = board.iter().position(|&byte| byte == 0).unwrap_or(BOARD_BYTES);
    board.get(..end).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
}
