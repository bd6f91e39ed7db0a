//! A decoded picture: what files hold, as the capture stage hands it on.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use ocelli_core::{Frame, PixelFormat};

use crate::{OpenError, PictureError};

/// Pixels of a picture, RGB888 or Gray8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    bytes: Vec<u8>,
    width: usize,
    height: usize,
    format: PixelFormat,
}

impl Picture {
    /// Decodes a PNG, JPEG, BMP, PPM or PGM. Gray pictures become Gray8, all others RGB888.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn decode(bytes: &[u8]) -> Result<Picture, PictureError> {
        let format = format_of(bytes).ok_or(PictureError::Format)?;
        let decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder()?;
        let (width, height) = decoder.dimensions();
        let sides = 1..=Frame::MAX_SIDE as u32;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(PictureError::Size { width, height });
        }
        let decoded = DynamicImage::from_decoder(decoder)?;
        let (bytes, format) = if decoded.color().has_color() {
            (decoded.into_rgb8().into_raw(), PixelFormat::Rgb888)
        } else {
            (decoded.into_luma8().into_raw(), PixelFormat::Gray8)
        };
        Ok(Picture { bytes, width: width as usize, height: height as usize, format })
    }

    /// Reads and decodes a file.
    ///
    /// # Errors
    /// [`OpenError::Read`] and [`OpenError::Picture`].
    pub fn open(path: impl AsRef<Path>) -> Result<Picture, OpenError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| OpenError::Read { path: path.into(), source })?;
        let name = path.display().to_string();
        Picture::decode(&bytes).map_err(|source| OpenError::Picture { name, source })
    }

    /// The pixels as a frame.
    pub fn frame(&self) -> Frame<'_> {
        Frame::new(&self.bytes, self.width, self.height, self.format)
            .expect("decoding checked size and length")
    }
}

/// The format that the first bytes belong to.
pub(crate) fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(ImageFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [b'B', b'M', ..] => Some(ImageFormat::Bmp),
        [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace() => Some(ImageFormat::Pnm),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_and_colour_keep_their_kind() {
        let gray = Picture::decode(b"P5 2 1 255\n\x10\xff").unwrap();
        assert_eq!(gray.frame().format(), PixelFormat::Gray8);
        assert_eq!(gray.frame().bytes(), [16, 255]);
        let colour = Picture::decode(b"P6 1 2 255\n\x01\x02\x03\x04\x05\x06").unwrap();
        assert_eq!(colour.frame().format(), PixelFormat::Rgb888);
        assert_eq!((colour.frame().width(), colour.frame().height()), (1, 2));
        assert_eq!(colour.frame().bytes(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn bytes_that_are_no_picture_are_refused() {
        assert!(matches!(Picture::decode(b""), Err(PictureError::Format)));
        assert!(matches!(Picture::decode(b"GIF89a"), Err(PictureError::Format)));
        assert!(matches!(Picture::decode(b"P6 2 2 255\n\x01"), Err(PictureError::Decode(_))));
        assert!(matches!(Picture::decode(b"\x89PNG\r\n\x1a\nnothing"), Err(PictureError::Decode(_))));
        let wide = Picture::decode(b"P5 8193 1 255\n").unwrap_err();
        assert_eq!(wide.to_string(), "it has 8193x1 pixels; each side must be 1 to 8192");
    }
}
