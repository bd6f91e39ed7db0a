//! A frame that has left its camera: what travels from the capture stage to the others.

use std::time::Instant;

use ocelli_core::{Frame, PixelFormat};

/// The pixels of one frame, owned.
#[derive(Debug)]
pub(crate) struct Shot {
    bytes: Vec<u8>,
    width: usize,
    height: usize,
    format: PixelFormat,
    /// Counted by the camera, dropped ones included.
    pub(crate) number: u64,
    pub(crate) taken: Instant,
}

impl Shot {
    /// Copies a frame, into the memory of an older one where there is one.
    pub(crate) fn of(frame: &Frame<'_>, number: u64, taken: Instant, old: Option<Shot>) -> Shot {
        let mut bytes = old.map_or_else(Vec::new, |old| old.bytes);
        bytes.clear();
        bytes.extend_from_slice(frame.bytes());
        let (width, height, format) = (frame.width(), frame.height(), frame.format());
        Shot { bytes, width, height, format, number, taken }
    }

    /// The pixels.
    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame::new(&self.bytes, self.width, self.height, self.format)
            .expect("it was a frame when it was copied")
    }
}
