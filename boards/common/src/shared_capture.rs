//! A capture that interrupt handlers reach: one for the vertical sync, one for a tick.

use core::cell::RefCell;

use critical_section::Mutex;
use ocelli::{Capture, FrameGrabber};

/// Frame buffers of a device: one is filled while the other is read.
pub const SLOTS: usize = 2;

/// A [`Capture`] in a `static`.
pub struct SharedCapture<G>(Mutex<RefCell<Option<Capture<'static, G, SLOTS>>>>);

impl<G: FrameGrabber> SharedCapture<G> {
    /// Empty: interrupts do nothing yet.
    pub const fn new() -> Self {
        SharedCapture(Mutex::new(RefCell::new(None)))
    }

    /// From now on interrupts drive `capture`.
    pub fn install(&self, capture: Capture<'static, G, SLOTS>) {
        critical_section::with(|token| self.0.replace(token, Some(capture)));
    }

    /// For the handler of the vertical sync.
    pub fn frame_boundary(&self, now_us: u64) {
        self.with(|capture| capture.frame_boundary(now_us));
    }

    /// For the handler of a tick.
    pub fn check_timeout(&self, now_us: u64) {
        self.with(|capture| capture.check_timeout(now_us));
    }

    /// For handlers that need the grabber as well.
    pub fn with<T>(&self, work: impl FnOnce(&mut Capture<'static, G, SLOTS>) -> T) -> Option<T> {
        critical_section::with(|token| self.0.borrow_ref_mut(token).as_mut().map(work))
    }
}

impl<G: FrameGrabber> Default for SharedCapture<G> {
    fn default() -> Self {
        SharedCapture::new()
    }
}
