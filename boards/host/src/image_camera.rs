//! A camera that sees one picture, once.

use std::path::Path;

use ocelli_core::{Camera, Frame};

use crate::{CaptureError, OpenError, Picture};

/// One picture.
#[derive(Clone, Debug)]
pub struct ImageCamera {
    picture: Picture,
    is_read: bool,
}

impl ImageCamera {
    /// Decodes the file.
    ///
    /// # Errors
    /// [`OpenError::Read`] and [`OpenError::Picture`].
    pub fn open(path: impl AsRef<Path>) -> Result<ImageCamera, OpenError> {
        Picture::open(path).map(ImageCamera::new)
    }

    /// A camera that sees `picture`.
    pub fn new(picture: Picture) -> ImageCamera {
        ImageCamera { picture, is_read: false }
    }
}

impl Camera for ImageCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        if std::mem::replace(&mut self.is_read, true) {
            return Err(nb::Error::Other(CaptureError::End));
        }
        Ok(self.picture.frame())
    }
}
