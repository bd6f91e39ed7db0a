//! The brightness of single pixels, in whatever format they come.

use ocelli::{Frame, PixelFormat};

/// The brightness of pixel `x`, `y`, 0 to 255; 0 outside the frame.
pub fn brightness(frame: &Frame<'_>, x: usize, y: usize) -> u8 {
    let row = y * frame.format().row_bytes(frame.width());
    let byte = |offset: usize| frame.bytes().get(row + offset).copied().unwrap_or(0);
    match frame.format() {
        PixelFormat::Gray8 | PixelFormat::Nv12 | PixelFormat::I420 => byte(x),
        PixelFormat::Yuyv => byte(2 * x),
        PixelFormat::Rgb888 => luma(byte(3 * x), byte(3 * x + 1), byte(3 * x + 2)),
        PixelFormat::Rgb565 => {
            let pixel = u16::from_le_bytes([byte(2 * x), byte(2 * x + 1)]);
            luma((pixel >> 8 & 0xF8) as u8, (pixel >> 3 & 0xFC) as u8, (pixel << 3 & 0xF8) as u8)
        }
        _ => 0,
    }
}

/// The mean brightness of the part of a frame that begins at `x`, `y`.
pub fn mean_brightness(frame: &Frame<'_>, [x, y]: [usize; 2], [width, height]: [usize; 2]) -> u8 {
    let pixels = (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y)));
    let sum: u32 = pixels.map(|(x, y)| u32::from(brightness(frame, x, y))).sum();
    (sum / ((width * height) as u32).max(1)) as u8
}

/// ITU-R BT.601 in steps of 1/256.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_tells_bright_from_dark() {
        let white = [[255; 6], [235, 128, 235, 128, 235, 128]];
        for (format, bytes, expected) in [
            (PixelFormat::Gray8, white[0], 255),
            (PixelFormat::Rgb888, white[0], 255),
            (PixelFormat::Rgb565, white[0], 250),
            (PixelFormat::Yuyv, white[1], 235),
        ] {
            let frame = Frame::new(&bytes, 2, 1, format).unwrap();
            assert_eq!(brightness(&frame, 1, 0), expected, "{format:?}");
            assert_eq!(brightness(&frame, 0, 9), 0);
            assert_eq!(mean_brightness(&frame, [0, 0], [2, 1]), expected);
        }
        // Pure green in RGB565, low byte first.
        let green = Frame::new(&[0xE0, 0x07], 1, 1, PixelFormat::Rgb565).unwrap();
        assert_eq!(brightness(&green, 0, 0), luma(0, 252, 0));
    }
}
