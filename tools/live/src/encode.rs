//! A frame of any format as RGB pixels and as a JPEG: what is drawn on, and what browsers show.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use ocelli_core::{Frame, PixelFormat};
use ocelli_format::{PixelLayout, ResizeMode};
use ocelli_vision::{ImageInput, PreprocessError, Preprocessor, scratch_words};

/// Good enough to look at, and half of the time and bytes of the best.
const QUALITY: u8 = 80;

/// The pixels of a frame of any format, three bytes each.
///
/// # Errors
/// Those of [`Preprocessor::new`]: a frame that is too large for it.
pub fn rgb_of(frame: &Frame<'_>) -> Result<Vec<u8>, PreprocessError> {
    let (width, height) = (frame.width(), frame.height());
    let layout = PixelLayout::Rgb;
    let image = ImageInput { width, height, layout, resize: ResizeMode::Stretch, border: 0 };
    let mut rgb = vec![0; image.elements()];
    let mut scratch = vec![0; scratch_words(width, layout)];
    Preprocessor::new(image, width, height, None, &mut scratch)?.frame_to_pixels(frame, &mut rgb)?;
    Ok(rgb)
}

/// Encodes a frame; empty where the encoder refuses its size.
pub(crate) fn to_jpeg(frame: &Frame<'_>) -> Vec<u8> {
    let size = [frame.width(), frame.height()];
    match (frame.format(), rgb_of(frame)) {
        (PixelFormat::Gray8, _) => encoded(frame.bytes(), size, ExtendedColorType::L8),
        (_, Ok(rgb)) => rgb_to_jpeg(&rgb, size),
        (_, Err(_)) => Vec::new(),
    }
}

/// Encodes pixels of three bytes; empty where the encoder refuses their number.
pub(crate) fn rgb_to_jpeg(rgb: &[u8], size: [usize; 2]) -> Vec<u8> {
    encoded(rgb, size, ExtendedColorType::Rgb8)
}

fn encoded(pixels: &[u8], [width, height]: [usize; 2], colours: ExtendedColorType) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    let written = encoder.write_image(pixels, width as u32, height as u32, colours);
    if written.is_ok() { jpeg } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_becomes_a_jpeg_of_its_size() {
        for format in [PixelFormat::Gray8, PixelFormat::Rgb888, PixelFormat::Yuyv, PixelFormat::I420] {
            let bytes = vec![128; format.frame_bytes(24, 10)];
            let jpeg = to_jpeg(&Frame::new(&bytes, 24, 10, format).unwrap());
            let picture = image::load_from_memory(&jpeg).unwrap();
            assert_eq!((picture.width(), picture.height()), (24, 10), "{format:?}");
        }
    }
}
