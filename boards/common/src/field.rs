//! Models in the field: the newest model that may run runs, and gives way when somebody pushes the next one.
//!
//! A model on trial has to take some frames through all stages, under the watchdog, before it is confirmed. Where
//! neither slot holds a model that may run, the one that was built into the firmware does.

mod addressed;

mod push;

use core::fmt;

use ocelli_slots::link::Receiver;
use ocelli_slots::{
    Booted, Device, Layout, LayoutError, MappedFlash, NorError, NorStorage, PublicKey, Slots, Storage,
};

use crate::Board;
use crate::detect::{self, DetectError, Model};

pub use addressed::Addressed;
pub use push::{Ended, answer};

/// What a firmware knows of the field, as `ocelli-board-build` spells it out.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Name of the board.
    pub board: &'a str,
    /// Whose models are taken. Without a key, nobody's.
    pub keys: &'a [PublicKey],
    /// Where slots and state lie; offsets are addresses.
    pub layout: Layout,
}

/// Why a firmware cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// The table of the board is not one for its flash.
    Layout(LayoutError),
    /// What the device remembers cannot be read.
    Storage(NorError),
    /// The model that was built in cannot run, or the camera brings nothing but errors.
    Detect(DetectError),
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldError::Layout(error) => write!(f, "slots: {error}"),
            FieldError::Storage(error) => write!(f, "slots: {error}"),
            FieldError::Detect(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for FieldError {}

/// How often a new model is booted before it is given up: once more than needed, in case somebody pulls the plug.
const ATTEMPTS: u8 = 2;

/// How many frames a new model has to take through all stages.
const TRIAL_FRAMES: u32 = 30;

/// The program `detect` with models in the field. It only ends with an error; the watchdog starts it anew then, which
/// counts against a model on trial.
pub fn run<B: Board, F: MappedFlash>(
    board: &mut B,
    flash: F,
    field: &Field<'_>,
    built_in: &Model<'_>,
    arena: &mut [u8],
    scratch: &mut [u32],
) -> FieldError {
    let Model { profile, operators, .. } = *built_in;
    let Field { board: name, keys, layout } = *field;
    let device = Device { board: name, keys, profile, operators, attempts: ATTEMPTS };
    let storage = match NorStorage::new(flash, layout) {
        Ok(storage) => storage,
        Err(error) => return FieldError::Layout(error),
    };
    let mut slots = match Slots::open(storage, device) {
        Ok(slots) => slots,
        Err(error) => return FieldError::Storage(error),
    };
    let mut receiver = Receiver::new();
    loop {
        board.feed_watchdog();
        if let Err(error) = run_newest(board, &mut slots, &mut receiver, built_in, arena, scratch) {
            return FieldError::Detect(error);
        }
        if receiver.has_question() {
            board.set_led(false);
            answer(board, &mut receiver, &mut slots, arena);
        }
    }
}

/// Runs the newest model that may run until there is a question to answer, or another model to run.
fn run_newest<B: Board, S: Storage>(
    board: &mut B,
    slots: &mut Slots<'_, S>,
    receiver: &mut Receiver,
    built_in: &Model<'_>,
    arena: &mut [u8],
    scratch: &mut [u32],
) -> Result<(), DetectError> {
    let booted = slots.boot(arena);
    // It was parsed a moment ago, so this fails only where the boot did.
    let artefact = booted.and_then(|booted| Ok((booted, slots.artefact(&booted)?)));
    let (Booted { release, on_trial, .. }, artefact) = match artefact {
        Ok(found) => found,
        Err(failure) => {
            board.line(format_args!("slots {failure}"));
            return detect::run(board, built_in, arena, scratch, |board, _| !hears(board, receiver));
        }
    };
    board.line(format_args!("release {release} {}", if on_trial { "trial" } else { "confirmed" }));
    let model = Model { artefact: artefact.bytes(), ..*built_in };
    let goes_on = |board: &mut B, seen| if on_trial { seen < TRIAL_FRAMES } else { !hears(board, receiver) };
    let kept = match detect::run(board, &model, arena, scratch, goes_on) {
        Ok(()) if on_trial => slots.confirm(),
        // A model cannot help it.
        ran @ (Ok(()) | Err(DetectError::Camera(_))) => return ran,
        // It computes what it should, but does not go with this camera.
        Err(error) => {
            board.line(format_args!("release {release} {error}"));
            if !on_trial {
                return detect::run(board, built_in, arena, scratch, |board, _| !hears(board, receiver));
            }
            slots.reject()
        }
    };
    if let Err(error) = kept {
        board.line(format_args!("slots {error}"));
    }
    Ok(())
}

/// Whether somebody has asked something.
fn hears(board: &mut impl Board, receiver: &mut Receiver) -> bool {
    while let Some(byte) = board.receive() {
        if receiver.hear(byte) {
            return true;
        }
    }
    false
}
