//! The capture stage: where frames come from.

use crate::{CaptureCounts, Frame, FrameStamp};

/// A source of frames: a sensor behind a frame grabber, a file, a scene drawn by a program.
///
/// A frame is a loan: it holds its buffer until it is dropped, and the borrow of the camera sees to
/// it that a caller drops it before asking for the next one.
pub trait Camera {
    /// What can go wrong, by cause.
    type Error: core::fmt::Debug;

    /// A loan of one frame.
    type Loan<'a>: Loan
    where
        Self: 'a;

    /// The next frame, without waiting.
    ///
    /// # Errors
    /// [`nb::Error::WouldBlock`] while no frame is complete.
    fn read_frame(&mut self) -> nb::Result<Self::Loan<'_>, Self::Error>;

    /// What became of the frames since the camera was opened, where it counts them.
    fn counts(&self) -> CaptureCounts {
        CaptureCounts::default()
    }
}

/// A frame on loan from its camera; dropping it gives the buffer back.
pub trait Loan {
    /// The pixels.
    fn frame(&self) -> Frame<'_>;

    /// Which frame it is, where the camera counts them.
    fn stamp(&self) -> Option<FrameStamp> {
        None
    }
}

impl Loan for Frame<'_> {
    fn frame(&self) -> Frame<'_> {
        *self
    }
}
