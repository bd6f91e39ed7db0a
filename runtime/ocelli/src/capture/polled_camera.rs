//! A camera that moves its pixels when it is asked for a frame: no interrupt, for sensors with a FIFO of their own.

use ocelli_core::{Camera, CaptureCounts, CaptureError, FrameFormat, FrameGrabber};

use super::{Capture, RingCamera, RingLoan};

/// Both ends of a ring, and the clock that tells when a frame took too long.
#[derive(Debug)]
pub struct PolledCamera<'r, G, C, const SLOTS: usize> {
    capture: Capture<'r, G, SLOTS>,
    camera: RingCamera<'r, SLOTS>,
    now_us: C,
}

impl<'r, G: FrameGrabber, C: FnMut() -> u64, const SLOTS: usize> PolledCamera<'r, G, C, SLOTS> {
    /// A camera over both ends of one ring.
    pub fn new(capture: Capture<'r, G, SLOTS>, camera: RingCamera<'r, SLOTS>, now_us: C) -> Self {
        PolledCamera { capture, camera, now_us }
    }

    /// The grabber, for what only its board knows.
    pub fn grabber(&mut self) -> &mut G {
        self.capture.grabber()
    }

    /// Size and spelling of the frames.
    pub fn format(&self) -> FrameFormat {
        self.camera.format()
    }
}

impl<'r, G: FrameGrabber, C: FnMut() -> u64, const SLOTS: usize> Camera for PolledCamera<'r, G, C, SLOTS> {
    type Error = CaptureError;
    type Loan<'a>
        = RingLoan<'a, 'r, SLOTS>
    where
        Self: 'a;

    fn read_frame(&mut self) -> nb::Result<RingLoan<'_, 'r, SLOTS>, CaptureError> {
        self.capture.advance((self.now_us)());
        self.camera.read_frame()
    }

    fn counts(&self) -> CaptureCounts {
        self.camera.counts()
    }
}
