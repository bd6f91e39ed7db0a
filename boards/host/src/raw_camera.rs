//! A camera that sees frames without any header, one after the other, as `rpicam-vid --codec yuv420` and
//! `v4l2-ctl --stream-to=-` write them.

use std::io::BufRead;

use ocelli_core::{Camera, Frame, PixelFormat};

use crate::{CaptureError, y4m_camera::read_full};

/// Frames of a size and a format that the stream does not tell.
pub struct RawCamera {
    reader: Box<dyn BufRead + Send>,
    name: String,
    width: usize,
    height: usize,
    format: PixelFormat,
    buffer: Vec<u8>,
    next: u64,
}

impl RawCamera {
    /// Frames of `width` x `height` pixels from `reader`; `name` is for messages. Both sides are a frame's.
    pub(crate) fn new(
        reader: Box<dyn BufRead + Send>,
        name: &str,
        [width, height]: [usize; 2],
        format: PixelFormat,
    ) -> RawCamera {
        let buffer = vec![0; format.frame_bytes(width, height)];
        RawCamera { reader, name: name.to_owned(), width, height, format, buffer, next: 0 }
    }
}

impl Camera for RawCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        let (frame, name) = (self.next, || self.name.clone());
        let available_bytes = read_full(&mut self.reader, &mut self.buffer)
            .map_err(|source| CaptureError::Read { name: name(), frame, source })?;
        if available_bytes == 0 {
            return Err(nb::Error::Other(CaptureError::End));
        }
        if available_bytes < self.buffer.len() {
            return Err(nb::Error::Other(CaptureError::Truncated { name: name(), frame, available_bytes }));
        }
        self.next += 1;
        Ok(Frame::new(&self.buffer, self.width, self.height, self.format)
            .expect("the size is a frame's, and the buffer is as long"))
    }
}

impl std::fmt::Debug for RawCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RawCamera { name, width, height, format, next, .. } = self;
        let mut debug = f.debug_struct("RawCamera");
        debug.field("name", name).field("width", width).field("height", height).field("format", format);
        debug.field("next", next);
        debug.finish_non_exhaustive()
    }
}
