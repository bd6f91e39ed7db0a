//! The reading end of a ring as a camera.

use ocelli_core::{Camera, CaptureCounts, CaptureError, Frame, FrameFormat, FrameStamp, Loan};

use super::RingReader;

/// A camera whose frames come by interrupt.
#[derive(Debug)]
pub struct RingCamera<'r, const SLOTS: usize> {
    reader: RingReader<'r, SLOTS>,
}

impl<'r, const SLOTS: usize> RingCamera<'r, SLOTS> {
    /// A camera over this end of a ring.
    pub fn new(reader: RingReader<'r, SLOTS>) -> Self {
        RingCamera { reader }
    }

    /// Size and spelling of the frames.
    pub fn format(&self) -> FrameFormat {
        self.reader.format()
    }
}

impl<'r, const SLOTS: usize> Camera for RingCamera<'r, SLOTS> {
    type Error = CaptureError;
    type Loan<'a>
        = RingLoan<'a, 'r, SLOTS>
    where
        Self: 'a;

    fn read_frame(&mut self) -> nb::Result<RingLoan<'_, 'r, SLOTS>, CaptureError> {
        let (slot, stamp, buffer) = self.reader.take()?;
        Ok(RingLoan { reader: &mut self.reader, slot, stamp, buffer: Some(buffer) })
    }

    fn counts(&self) -> CaptureCounts {
        self.reader.counts()
    }
}

/// A frame of a ring, which gets it back when this is dropped.
#[derive(Debug)]
pub struct RingLoan<'a, 'r, const SLOTS: usize> {
    reader: &'a mut RingReader<'r, SLOTS>,
    slot: usize,
    stamp: FrameStamp,
    /// There until it is dropped.
    buffer: Option<&'static mut [u8]>,
}

impl<const SLOTS: usize> Loan for RingLoan<'_, '_, SLOTS> {
    fn frame(&self) -> Frame<'_> {
        let pixels = self.buffer.as_deref().unwrap_or_default();
        let frame = self.reader.format().frame(pixels);
        // `FrameRing::new` has seen that every buffer holds a frame.
        debug_assert!(frame.is_ok(), "{frame:?}");
        frame.unwrap_or(Frame::BLACK_PIXEL)
    }

    fn stamp(&self) -> Option<FrameStamp> {
        Some(self.stamp)
    }
}

impl<const SLOTS: usize> Drop for RingLoan<'_, '_, SLOTS> {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.reader.give_back(self.slot, buffer);
        }
    }
}
