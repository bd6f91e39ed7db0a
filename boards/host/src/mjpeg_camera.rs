//! A camera that sees a stream of JPEGs, as webcams and network cameras send them.

use std::io::BufRead;

use ocelli_core::{Camera, Frame};

use crate::{
    CaptureError, Picture,
    jpeg_stream::{StreamError, next_jpeg},
};

/// JPEGs one after the other, all of one size.
pub struct MjpegCamera {
    reader: Box<dyn BufRead + Send>,
    name: String,
    jpeg: Vec<u8>,
    picture: Option<Picture>,
    first_size: Option<(usize, usize)>,
    next: u64,
}

impl MjpegCamera {
    /// A camera that reads from `reader`; `name` is for messages.
    pub fn new(reader: Box<dyn BufRead + Send>, name: &str) -> MjpegCamera {
        let name = name.to_owned();
        MjpegCamera { reader, name, jpeg: Vec::new(), picture: None, first_size: None, next: 0 }
    }
}

impl Camera for MjpegCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    /// A picture that cannot be decoded is an error, once; the next frame is the next picture.
    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        let frame = self.next;
        let name = || self.name.clone();
        match next_jpeg(&mut self.reader, &mut self.jpeg) {
            Ok(true) => {}
            Ok(false) => return Err(nb::Error::Other(CaptureError::End)),
            Err(StreamError::Read(source)) => {
                return Err(nb::Error::Other(CaptureError::Read { name: name(), frame, source }));
            }
            Err(StreamError::Truncated) => {
                let available_bytes = self.jpeg.len();
                return Err(nb::Error::Other(CaptureError::Truncated {
                    name: name(),
                    frame,
                    available_bytes,
                }));
            }
            Err(StreamError::Broken) => {
                self.next += 1;
                let expected = "a whole JPEG";
                return Err(nb::Error::Other(CaptureError::Unexpected { name: name(), frame, expected }));
            }
        }
        self.next += 1;
        let picture = Picture::decode(&self.jpeg).map_err(|source| CaptureError::Picture {
            name: name(),
            frame,
            source,
        })?;
        let (width, height) = (picture.frame().width(), picture.frame().height());
        let (first_width, first_height) = *self.first_size.get_or_insert((width, height));
        if (width, height) != (first_width, first_height) {
            let name = name();
            return Err(nb::Error::Other(CaptureError::SizeChanged {
                name,
                frame,
                width,
                height,
                first_width,
                first_height,
            }));
        }
        Ok(self.picture.insert(picture).frame())
    }
}

impl std::fmt::Debug for MjpegCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MjpegCamera")
            .field("name", &self.name)
            .field("first_size", &self.first_size)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
