//! Camera frames: the pixels between the capture and the preprocess stage.

/// How the bytes of a frame spell its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PixelFormat {
    /// One byte of brightness a pixel.
    Gray8,
    /// Three bytes a pixel: red, green, blue.
    Rgb888,
    /// Two bytes a pixel, little-endian: red in the top five bits, then six of green, five of blue.
    Rgb565,
    /// Two pixels in four bytes: Y0 U Y1 V (ITU-R BT.601, limited range).
    Yuyv,
    /// A plane of Y, then one of interleaved U V at half width and half height.
    Nv12,
    /// A plane of Y, then one of U and one of V at half width and half height.
    I420,
}

impl PixelFormat {
    /// Bytes of one row of the first plane of a frame `width` pixels wide.
    pub const fn row_bytes(self, width: usize) -> usize {
        match self {
            PixelFormat::Gray8 | PixelFormat::Nv12 | PixelFormat::I420 => width,
            PixelFormat::Rgb888 => width * 3,
            PixelFormat::Rgb565 => width * 2,
            PixelFormat::Yuyv => width.div_ceil(2) * 4,
        }
    }

    /// Bytes of a whole frame without padding between rows. Odd widths and heights of formats with
    /// shared chroma are rounded up, as V4L2 and ffmpeg do.
    pub const fn frame_bytes(self, width: usize, height: usize) -> usize {
        let chroma = match self {
            PixelFormat::Nv12 | PixelFormat::I420 => width.div_ceil(2) * height.div_ceil(2) * 2,
            _ => 0,
        };
        self.row_bytes(width) * height + chroma
    }
}

/// Size and spelling of frames that are all alike, as a camera's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameFormat {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// How the bytes spell pixels.
    pub pixels: PixelFormat,
}

impl FrameFormat {
    /// 320 x 240 bytes of brightness: what small detectors are fed from.
    pub const QVGA_GRAY: FrameFormat = FrameFormat { width: 320, height: 240, pixels: PixelFormat::Gray8 };

    /// Bytes of a frame.
    pub const fn bytes(self) -> usize {
        self.pixels.frame_bytes(self.width as usize, self.height as usize)
    }

    /// Looks at `bytes` as a frame of this format.
    ///
    /// # Errors
    /// Those of [`Frame::new`].
    pub fn frame(self, bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
        Frame::new(bytes, usize::from(self.width), usize::from(self.height), self.pixels)
    }
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// Width or height is 0 or above [`Frame::MAX_SIDE`].
    Size {
        /// Width asked for, in pixels.
        width: usize,
        /// Height asked for, in pixels.
        height: usize,
    },
    /// The buffer is shorter than the format needs.
    Truncated {
        /// What the format needs for this size.
        needed_bytes: usize,
        /// What was given.
        available_bytes: usize,
    },
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            FrameError::Size { width, height } => {
                write!(f, "a frame of {width}x{height} pixels: each side must be 1 to {}", Frame::MAX_SIDE)
            }
            FrameError::Truncated { needed_bytes, available_bytes } => {
                write!(f, "the frame needs {needed_bytes} bytes, the buffer has {available_bytes}")
            }
        }
    }
}

impl core::error::Error for FrameError {}

/// Borrowed pixels with their size and format, rows without padding.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    bytes: &'a [u8],
    width: usize,
    height: usize,
    format: PixelFormat,
}

impl<'a> Frame<'a> {
    /// The largest width and height, in pixels: keeps every coordinate inside `i32` sub-pixels.
    pub const MAX_SIDE: usize = 8192;

    /// The smallest frame: what stands in where there is none.
    pub const BLACK_PIXEL: Frame<'static> =
        Frame { bytes: &[0], width: 1, height: 1, format: PixelFormat::Gray8 };

    /// Looks at `bytes` as a frame of `width` x `height` pixels. Bytes beyond the frame are ignored.
    ///
    /// # Errors
    /// [`FrameError::Size`] and [`FrameError::Truncated`].
    pub fn new(
        bytes: &'a [u8],
        width: usize,
        height: usize,
        format: PixelFormat,
    ) -> Result<Self, FrameError> {
        let sides = 1..=Frame::MAX_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(FrameError::Size { width, height });
        }
        let needed_bytes = format.frame_bytes(width, height);
        let bytes = bytes
            .get(..needed_bytes)
            .ok_or(FrameError::Truncated { needed_bytes, available_bytes: bytes.len() })?;
        Ok(Frame { bytes, width, height, format })
    }

    /// Exactly [`PixelFormat::frame_bytes`] bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// How the bytes spell pixels.
    pub fn format(&self) -> PixelFormat {
        self.format
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_round_shared_chroma_up() {
        assert_eq!(PixelFormat::Yuyv.frame_bytes(3, 2), 16);
        assert_eq!(PixelFormat::Nv12.frame_bytes(3, 3), 9 + 8);
        assert_eq!(PixelFormat::I420.frame_bytes(1, 1), 3);
        assert_eq!(PixelFormat::Rgb565.frame_bytes(3, 2), 12);
    }

    #[test]
    fn a_short_buffer_says_how_short() {
        let error = Frame::new(&[0; 11], 2, 2, PixelFormat::Rgb888).unwrap_err();
        assert_eq!(error, FrameError::Truncated { needed_bytes: 12, available_bytes: 11 });
        assert!(Frame::new(&[], 0, 4, PixelFormat::Gray8).is_err());
        assert!(Frame::new(&[], Frame::MAX_SIDE + 1, 1, PixelFormat::Gray8).is_err());
    }

    #[test]
    fn bytes_beyond_the_frame_are_left_out() {
        let frame = Frame::new(&[9; 10], 3, 3, PixelFormat::Gray8).unwrap();
        assert_eq!(frame.bytes().len(), 9);
    }
}
