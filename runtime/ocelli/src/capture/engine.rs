//! Drives a frame grabber by its interrupts: ends a frame, judges it, begins the next.

use ocelli_core::{CaptureError, FrameGrabber};

use super::RingWriter;

/// What an interrupt handler owns: a grabber and the filling end of a ring.
///
/// A parallel camera's vertical sync calls [`Capture::frame_boundary`], and any tick that keeps coming
/// [`Capture::check_timeout`]. A grabber that starts frames itself and says when they are in, as a FIFO does, needs
/// nothing but [`Capture::advance`].
#[derive(Debug)]
pub struct Capture<'r, G, const SLOTS: usize> {
    grabber: G,
    writer: RingWriter<'r, SLOTS>,
    /// The slot whose buffer the grabber has.
    filling: Option<usize>,
    needed_bytes: usize,
    /// When something last happened.
    since_us: u64,
    timeout_us: u32,
}

impl<'r, G: FrameGrabber, const SLOTS: usize> Capture<'r, G, SLOTS> {
    /// Begins with the next boundary; a frame that takes longer than `timeout_us` is lost.
    pub fn new(grabber: G, writer: RingWriter<'r, SLOTS>, timeout_us: u32, now_us: u64) -> Self {
        Capture { grabber, writer, filling: None, needed_bytes: 0, since_us: now_us, timeout_us }
    }

    /// One frame has ended, and the next begins.
    pub fn frame_boundary(&mut self, now_us: u64) {
        let received = self.received();
        self.end(received);
        self.begin(now_us);
    }

    /// Gives up on a frame that does not end, and tells of a sync that does not come.
    pub fn check_timeout(&mut self, now_us: u64) {
        let waited_us = now_us.saturating_sub(self.since_us);
        if waited_us <= u64::from(self.timeout_us) {
            return;
        }
        self.since_us = now_us;
        let cause = CaptureError::Timeout { waited_us: u32::try_from(waited_us).unwrap_or(u32::MAX) };
        match self.filling {
            Some(_) => self.end(Err(cause)),
            None => self.writer.report(cause),
        }
    }

    /// Begins a frame when none is under way, ends it when it is in or lost.
    pub fn advance(&mut self, now_us: u64) {
        if self.filling.is_none() {
            return self.begin(now_us);
        }
        match self.received() {
            Ok(bytes) if bytes < self.needed_bytes => self.check_timeout(now_us),
            received => self.end(received),
        }
    }

    /// The grabber, for what only its board knows.
    pub fn grabber(&mut self) -> &mut G {
        &mut self.grabber
    }

    fn begin(&mut self, now_us: u64) {
        self.since_us = now_us;
        if let Some((slot, buffer)) = self.writer.begin(now_us) {
            self.filling = Some(slot);
            self.needed_bytes = buffer.len();
            self.grabber.begin(buffer);
        }
    }

    fn received(&mut self) -> Result<usize, CaptureError> {
        if self.filling.is_some() { self.grabber.received_bytes() } else { Ok(0) }
    }

    fn end(&mut self, received: Result<usize, CaptureError>) {
        let Some(slot) = self.filling.take() else { return };
        let Some(buffer) = self.grabber.end() else { return };
        let lost = match received {
            Err(cause) => Some(cause),
            Ok(received_bytes) if received_bytes < self.needed_bytes => Some(CaptureError::Truncated {
                needed_bytes: self.needed_bytes as u32,
                received_bytes: received_bytes as u32,
            }),
            Ok(_) => None,
        };
        match lost {
            None => self.writer.complete(slot, buffer),
            Some(cause) => self.writer.fail(slot, buffer, cause),
        }
    }
}
