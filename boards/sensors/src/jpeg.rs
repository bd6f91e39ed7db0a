//! Compressed frames, where there is a heap: `zune-jpeg` behind the limits of a microcontroller.

use alloc::vec::Vec;

use ocelli_core::{Frame, PixelFormat};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Why bytes are no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JpegError {
    /// The bytes do not begin or end as a JPEG does: the frame was cut.
    Truncated,
    /// Its sides are larger than allowed; nothing was decoded.
    TooLarge,
    /// Damaged, or a kind that the decoder does not know.
    Damaged,
}

impl core::fmt::Display for JpegError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            JpegError::Truncated => "the compressed frame has no end: it was cut",
            JpegError::TooLarge => "the compressed frame is larger than allowed",
            JpegError::Damaged => "the compressed frame is damaged",
        })
    }
}

impl core::error::Error for JpegError {}

/// A decoded picture.
#[derive(Clone, Debug)]
pub struct Decoded {
    pixels: Vec<u8>,
    width: usize,
    height: usize,
}

impl Decoded {
    /// The picture as RGB888.
    pub fn frame(&self) -> Frame<'_> {
        Frame::new(&self.pixels, self.width, self.height, PixelFormat::Rgb888).unwrap_or(Frame::BLACK_PIXEL)
    }
}

/// Decodes the JPEG at the start of `bytes`; what a FIFO has behind its end does not matter.
///
/// # Errors
/// Every [`JpegError`]; sides above `most_width` and `most_height` are refused before memory is taken.
pub fn decode(bytes: &[u8], most_width: usize, most_height: usize) -> Result<Decoded, JpegError> {
    const START: [u8; 2] = [0xFF, 0xD8];
    const END: [u8; 2] = [0xFF, 0xD9];
    let end = bytes.windows(2).position(|pair| pair == END).ok_or(JpegError::Truncated)?;
    let bytes = &bytes[..end + END.len()];
    if !bytes.starts_with(&START) {
        return Err(JpegError::Truncated);
    }
    let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| JpegError::Damaged)?;
    let (width, height) = decoder.dimensions().ok_or(JpegError::Damaged)?;
    if width > most_width || height > most_height {
        return Err(JpegError::TooLarge);
    }
    let pixels = decoder.decode().map_err(|_| JpegError::Damaged)?;
    Ok(Decoded { pixels, width, height })
}
