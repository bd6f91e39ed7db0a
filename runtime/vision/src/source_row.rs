//! One row of camera pixels: what the preprocess stage is fed with.
//!
//! A row says its own format, so a camera that delivers line by line and a whole frame in memory
//! take the same way.

use ocelli_core::{Frame, PixelFormat};

use crate::{
    PreprocessError,
    colour::{Chroma, gray_of_luma, gray_of_rgb, rgb_of_rgb565},
};

/// The bytes of one row of a frame. Rows of formats with shared chroma bring the chroma row that
/// they share; chroma is not interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceRow<'a> {
    /// One byte a pixel.
    Gray8(&'a [u8]),
    /// Three bytes a pixel.
    Rgb888(&'a [u8]),
    /// Two bytes a pixel, little-endian.
    Rgb565(&'a [u8]),
    /// Y0 U Y1 V for two pixels.
    Yuyv(&'a [u8]),
    /// Limited-range YUV, U and V interleaved.
    Nv12 {
        /// One byte a pixel.
        luma: &'a [u8],
        /// U V for two pixels.
        chroma: &'a [u8],
    },
    /// Limited-range YUV in three planes.
    I420 {
        /// One byte a pixel.
        luma: &'a [u8],
        /// U for two pixels.
        blue: &'a [u8],
        /// V for two pixels.
        red: &'a [u8],
    },
}

impl<'a> SourceRow<'a> {
    /// Row `y` of a frame, or `None` below its last row.
    pub fn of(frame: &Frame<'a>, y: usize) -> Option<SourceRow<'a>> {
        let (width, height, bytes) = (frame.width(), frame.height(), frame.bytes());
        if y >= height {
            return None;
        }
        let row_bytes = frame.format().row_bytes(width);
        let first = bytes.get(y * row_bytes..)?.get(..row_bytes)?;
        let half_width = width.div_ceil(2);
        let plane = |start: usize, row_bytes: usize| {
            let row = start + y / 2 * row_bytes;
            bytes.get(row..row + row_bytes)
        };
        let luma_bytes = width * height;
        Some(match frame.format() {
            PixelFormat::Gray8 => SourceRow::Gray8(first),
            PixelFormat::Rgb888 => SourceRow::Rgb888(first),
            PixelFormat::Rgb565 => SourceRow::Rgb565(first),
            PixelFormat::Yuyv => SourceRow::Yuyv(first),
            PixelFormat::Nv12 => SourceRow::Nv12 { luma: first, chroma: plane(luma_bytes, half_width * 2)? },
            PixelFormat::I420 => SourceRow::I420 {
                luma: first,
                blue: plane(luma_bytes, half_width)?,
                red: plane(luma_bytes + half_width * height.div_ceil(2), half_width)?,
            },
            _ => return None,
        })
    }

    /// Whether every part holds `width` pixels.
    pub(crate) fn check(&self, row: usize, width: usize) -> Result<(), PreprocessError> {
        let half = width.div_ceil(2);
        let parts: [(&[u8], usize); 3] = match *self {
            SourceRow::Gray8(bytes) => [(bytes, width), (&[], 0), (&[], 0)],
            SourceRow::Rgb888(bytes) => [(bytes, width * 3), (&[], 0), (&[], 0)],
            SourceRow::Rgb565(bytes) => [(bytes, width * 2), (&[], 0), (&[], 0)],
            SourceRow::Yuyv(bytes) => [(bytes, half * 4), (&[], 0), (&[], 0)],
            SourceRow::Nv12 { luma, chroma } => [(luma, width), (chroma, half * 2), (&[], 0)],
            SourceRow::I420 { luma, blue, red } => [(luma, width), (blue, half), (red, half)],
        };
        for (bytes, needed_bytes) in parts {
            if bytes.len() < needed_bytes {
                return Err(PreprocessError::Row { row, needed_bytes, available_bytes: bytes.len() });
            }
        }
        Ok(())
    }
}

/// Random access to the pixels of a row, two at a time, because many formats share chroma between
/// two. Beyond the row pixels are black: a reader cannot fail.
pub(crate) trait Pixels: Copy {
    /// Red, green, blue of the pixels `2 * pair` and `2 * pair + 1`.
    fn rgb(self, pair: usize) -> [[u8; 3]; 2];

    /// Their brightness.
    #[inline]
    fn gray(self, pair: usize) -> [u8; 2] {
        self.rgb(pair).map(gray_of_rgb)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Gray8<'a>(pub &'a [u8]);

impl Pixels for Gray8<'_> {
    #[inline]
    fn rgb(self, pair: usize) -> [[u8; 3]; 2] {
        self.gray(pair).map(|gray| [gray; 3])
    }

    #[inline]
    fn gray(self, pair: usize) -> [u8; 2] {
        both(self.0, pair)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Rgb888<'a>(pub &'a [[u8; 3]]);

impl Pixels for Rgb888<'_> {
    #[inline]
    fn rgb(self, pair: usize) -> [[u8; 3]; 2] {
        both(self.0, pair)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Rgb565<'a>(pub &'a [[u8; 2]]);

impl Pixels for Rgb565<'_> {
    #[inline]
    fn rgb(self, pair: usize) -> [[u8; 3]; 2] {
        both(self.0, pair).map(rgb_of_rgb565)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Yuyv<'a>(pub &'a [[u8; 4]]);

impl Pixels for Yuyv<'_> {
    #[inline]
    fn rgb(self, pair: usize) -> [[u8; 3]; 2] {
        let [even, u, odd, v] = at(self.0, pair);
        let chroma = Chroma::new(u, v);
        [even, odd].map(|y| chroma.rgb(y))
    }

    #[inline]
    fn gray(self, pair: usize) -> [u8; 2] {
        let [even, _, odd, _] = at(self.0, pair);
        [even, odd].map(gray_of_luma)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Nv12<'a>(pub &'a [u8], pub &'a [[u8; 2]]);

impl Pixels for Nv12<'_> {
    #[inline]
    fn rgb(self, pair: usize) -> [[u8; 3]; 2] {
        let [u, v] = at(self.1, pair);
        let chroma = Chroma::new(u, v);
        both(self.0, pair).map(|y| chroma.rgb(y))
    }

    #[inline]
    fn gray(self, pair: usize) -> [u8; 2] {
        both(self.0, pair).map(gray_of_luma)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct I420<'a>(pub &'a [u8], pub &'a [u8], pub &'a [u8]);

impl Pixels for I420<'_> {
    #[inline]
    fn rgb(self, pair: usize) -> [[u8; 3]; 2] {
        let chroma = Chroma::new(at(self.1, pair), at(self.2, pair));
        both(self.0, pair).map(|y| chroma.rgb(y))
    }

    #[inline]
    fn gray(self, pair: usize) -> [u8; 2] {
        both(self.0, pair).map(gray_of_luma)
    }
}

#[inline]
fn both<T: Copy + Default>(row: &[T], pair: usize) -> [T; 2] {
    match row.get(2 * pair..).unwrap_or(&[]) {
        [even, odd, ..] => [*even, *odd],
        [even] => [*even, T::default()],
        [] => [T::default(); 2],
    }
}

#[inline]
fn at<T: Copy + Default>(row: &[T], x: usize) -> T {
    row.get(x).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::rgb_of_yuv;

    #[test]
    fn shared_chroma_rows_of_odd_frames_are_found() {
        // 3x3: nine Y, then two rows of two U V pairs.
        let mut bytes = [0; 17];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = index as u8;
        }
        let nv12 = Frame::new(&bytes, 3, 3, PixelFormat::Nv12).unwrap();
        let row = SourceRow::of(&nv12, 2).unwrap();
        assert_eq!(row, SourceRow::Nv12 { luma: &[6, 7, 8], chroma: &[13, 14, 15, 16] });
        let i420 = Frame::new(&bytes, 3, 3, PixelFormat::I420).unwrap();
        let row = SourceRow::of(&i420, 1).unwrap();
        assert_eq!(row, SourceRow::I420 { luma: &[3, 4, 5], blue: &[9, 10], red: &[13, 14] });
        assert_eq!(SourceRow::of(&i420, 3), None);
    }

    #[test]
    fn every_format_finds_its_rows_at_odd_sizes() {
        let bytes = [0; 7 * 5 * 4];
        let formats = [
            PixelFormat::Gray8,
            PixelFormat::Rgb888,
            PixelFormat::Rgb565,
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
            PixelFormat::I420,
        ];
        for format in formats {
            for (width, height) in [(1, 1), (7, 5), (1, 5), (7, 1)] {
                let exact = &bytes[..format.frame_bytes(width, height)];
                let frame = Frame::new(exact, width, height, format).unwrap();
                for y in 0..height {
                    SourceRow::of(&frame, y).unwrap().check(y, width).unwrap();
                }
                assert!(SourceRow::of(&frame, height).is_none());
            }
        }
    }

    #[test]
    fn a_short_row_says_how_short() {
        let row = SourceRow::I420 { luma: &[0; 5], blue: &[0; 3], red: &[0; 2] };
        let error = row.check(7, 5).unwrap_err();
        assert_eq!(error, PreprocessError::Row { row: 7, needed_bytes: 3, available_bytes: 2 });
        assert!(SourceRow::Yuyv(&[0; 11]).check(0, 5).is_err());
        assert!(SourceRow::Yuyv(&[0; 12]).check(0, 5).is_ok());
    }

    #[test]
    fn readers_pick_the_pixels() {
        let yuyv = Yuyv(&[[81, 90, 145, 240]]);
        assert_eq!(yuyv.rgb(0), [rgb_of_yuv([81, 90, 240]), rgb_of_yuv([145, 90, 240])]);
        assert_eq!(yuyv.gray(0), [gray_of_luma(81), gray_of_luma(145)]);
        assert_eq!(yuyv.gray(1), [gray_of_luma(0); 2]);
        assert_eq!(Gray8(&[4, 9, 7]).rgb(1), [[7; 3], [0; 3]]);
        assert_eq!(Rgb888(&[[1; 3], [2; 3]]).rgb(0), [[1; 3], [2; 3]]);
        let i420 = I420(&[1, 2, 3], &[4, 5], &[6, 7]);
        assert_eq!(i420.rgb(1), [rgb_of_yuv([3, 5, 7]), rgb_of_yuv([0, 5, 7])]);
        let nv12 = Nv12(&[1, 2, 3], &[[4, 6], [5, 7]]);
        assert_eq!(nv12.rgb(0), [rgb_of_yuv([1, 4, 6]), rgb_of_yuv([2, 4, 6])]);
        assert_eq!(
            (nv12.gray(1), i420.gray(1)),
            (both(&[1, 2, 3], 1).map(gray_of_luma), [gray_of_luma(3), 0])
        );
    }
}
