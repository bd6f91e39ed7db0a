//! Brings artefacts and firmware to devices: keys and signatures, the two ends of a push, flashing, and new projects.
//!
//! The last step on the host's way, after `write`. What a device does with what arrives is `ocelli-slots`; this crate
//! owns files, ports and patience. The program `ocelli` prints what happens here.
#![forbid(unsafe_code)]

mod key;

mod sign;

mod port;

mod push;

mod receive;

mod uf2;

mod flash;

mod project;

mod error;

pub use error::{FlashError, KeyError, PushError, SignError};
pub use flash::{Flash, Step, Way};
pub use key::{SigningKey, read_public_key};
pub use port::{Stream, open};
pub use project::Project;
pub use push::{Patience, ask, push};
pub use receive::{End, receive};
