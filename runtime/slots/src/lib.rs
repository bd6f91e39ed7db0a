//! Two model slots: push, verify, trial, confirm, revert, through every loss of power.
//!
//! Beside the five stages, this is how a new artefact reaches a device in the field. One slot holds the
//! confirmed model, the other takes the next one. Nothing but a model that is signed by a trusted key, newer
//! than the confirmed one, made for this board, plannable by this firmware and right in its self-test is ever
//! staged; it runs on trial, and a watchdog that bites before [`Slots::confirm`] brings the old one back.
//!
//! ```text
//!            begin, write           finish: verified           boot                confirm
//! confirmed -------------> receiving -------------> staged -------------> on trial ---------> confirmed
//!     ^                        |                      |                      |
//!     +------- power lost -----+    does not verify --+-- watchdog, attempts used up: reverted
//! ```
//!
//! [`Slots`] is that policy. Where artefacts and state lie is [`Storage`]'s to say: [`NorStorage`] keeps them in
//! NOR flash of any kind that `embedded-storage` describes; a Linux program has files. The modules of
//! [`link`] carry an artefact over any byte stream.
//!
//! While a model runs it borrows its slot, and writing wants the slots for itself: the borrow checker sees to it
//! that no flash changes under a running model.
#![no_std]
#![forbid(unsafe_code)]

mod device;

mod key;

mod slots;

mod refusal;

mod verify;

mod state;

mod storage;

mod nor;

pub mod link;

pub use device::Device;
pub use key::PublicKey;
pub use nor::{Layout, LayoutError, MappedFlash, NorError, NorStorage, Operation, Region};
pub use refusal::{Failure, Refusal};
pub use slots::{Booted, Offer, Slots};
pub use state::{Outcome, Slot, State, Trial};
pub use storage::Storage;
