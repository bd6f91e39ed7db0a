//! Compressed frames: a picture comes back, whatever is wrong with the bytes is an error and never a panic.

use image::codecs::jpeg::JpegEncoder;
use ocelli_core::PixelFormat;
use ocelli_sensors::{JpegError, decode};

/// A picture that is dark on the left and bright on the right, and what a FIFO leaves behind its end.
fn compressed() -> Vec<u8> {
    let pixels: Vec<u8> = (0..48 * 64).flat_map(|index| [(index % 64 * 4) as u8; 3]).collect();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.encode(&pixels, 64, 48, image::ExtendedColorType::Rgb8).unwrap();
    bytes.extend([0; 9]);
    bytes
}

#[test]
fn a_compressed_frame_becomes_pixels() {
    let decoded = decode(&compressed(), 320, 240).unwrap();
    let frame = decoded.frame();
    assert_eq!((frame.width(), frame.height(), frame.format()), (64, 48, PixelFormat::Rgb888));
    for (index, pixel) in frame.bytes().chunks(3).enumerate() {
        let expected = (index % 64 * 4) as u8;
        assert!(pixel.iter().all(|value| value.abs_diff(expected) < 12), "{index}: {pixel:?}");
    }
}

#[test]
fn cut_large_and_damaged_frames_are_refused() {
    let bytes = compressed();
    let end = bytes.len() - 9;
    assert_eq!(decode(&bytes[..end - 1], 320, 240).err(), Some(JpegError::Truncated));
    assert_eq!(decode(&bytes[1..], 320, 240).err(), Some(JpegError::Truncated));
    assert_eq!(decode(&[], 320, 240).err(), Some(JpegError::Truncated));
    assert_eq!(decode(&bytes, 63, 240).err(), Some(JpegError::TooLarge));
    assert_eq!(decode(&bytes, 320, 47).err(), Some(JpegError::TooLarge));
    let refused = (2..end).filter(|&place| {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0xFF;
        decode(&damaged, 320, 240).is_err()
    });
    assert!(refused.count() > 100, "damage in the headers is noticed, and none panics");
}
