//! A camera that sees a y4m video: YUV frames without compression, as `ffmpeg` and many others
//! write them into files and pipes.
//!
//! The header is one line of fields; every frame is a line that begins with `FRAME` and then the
//! planes. A reader of its own tells an end between frames from one within a frame.

use std::io::{self, BufRead, Read};
use std::str;

use ocelli_core::{Camera, Frame, PixelFormat};

use crate::{CaptureError, OpenError, Y4mError};

/// What a y4m file begins with.
pub(crate) const MAGIC: &[u8] = b"YUV4MPEG2 ";

/// Lines that are longer belong to no y4m file.
const MAX_LINE_BYTES: u64 = 1024;

/// A y4m video: 4:2:0 as I420, mono as Gray8, both with 8 bit.
pub struct Y4mCamera {
    reader: Box<dyn BufRead + Send>,
    name: String,
    width: usize,
    height: usize,
    format: PixelFormat,
    buffer: Vec<u8>,
    next: u64,
}

impl Y4mCamera {
    /// Reads the header; `name` is for messages.
    ///
    /// # Errors
    /// [`OpenError::Read`] and [`OpenError::Y4m`].
    pub fn new(mut reader: Box<dyn BufRead + Send>, name: &str) -> Result<Y4mCamera, OpenError> {
        let line = read_line(&mut reader).map_err(|source| OpenError::Read { path: name.into(), source })?;
        let header =
            parse_header(&line).map_err(|source| OpenError::Y4m { name: name.to_owned(), source })?;
        let (width, height, format) = header;
        let buffer = vec![0; format.frame_bytes(width, height)];
        Ok(Y4mCamera { reader, name: name.to_owned(), width, height, format, buffer, next: 0 })
    }
}

impl Camera for Y4mCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        let frame = self.next;
        let name = || self.name.clone();
        let read_error = |source| CaptureError::Read { name: name(), frame, source };
        let line = read_line(&mut self.reader).map_err(read_error)?;
        if line.is_empty() {
            return Err(nb::Error::Other(CaptureError::End));
        }
        if !line.starts_with(b"FRAME") || !line.ends_with(b"\n") {
            let expected = "a line that begins with FRAME";
            return Err(nb::Error::Other(CaptureError::Unexpected { name: name(), frame, expected }));
        }
        let available_bytes = read_full(&mut self.reader, &mut self.buffer).map_err(read_error)?;
        if available_bytes < self.buffer.len() {
            return Err(nb::Error::Other(CaptureError::Truncated { name: name(), frame, available_bytes }));
        }
        self.next += 1;
        Ok(Frame::new(&self.buffer, self.width, self.height, self.format)
            .expect("the header's size is a frame's, and the buffer is as long"))
    }
}

impl std::fmt::Debug for Y4mCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Y4mCamera")
            .field("name", &self.name)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("format", &self.format)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

fn parse_header(line: &[u8]) -> Result<(usize, usize, PixelFormat), Y4mError> {
    let fields =
        line.strip_prefix(MAGIC).and_then(|line| line.strip_suffix(b"\n")).ok_or(Y4mError::Header)?;
    let fields = str::from_utf8(fields).map_err(|_| Y4mError::Header)?;
    let (mut width, mut height, mut colour_space) = (0, 0, "420");
    for field in fields.split_ascii_whitespace() {
        let number = |digits: &str| digits.parse().map_err(|_| Y4mError::Number { field: field.to_owned() });
        match field.split_at_checked(1) {
            Some(("W", digits)) => width = number(digits)?,
            Some(("H", digits)) => height = number(digits)?,
            Some(("C", name)) => colour_space = name,
            Some(("X", "COLORRANGE=FULL")) => return Err(Y4mError::FullRange),
            _ => {}
        }
    }
    let sides = 1..=Frame::MAX_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(Y4mError::Size { width, height });
    }
    // The variants of 4:2:0 differ in where chroma samples stand within their four pixels.
    match colour_space {
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok((width, height, PixelFormat::I420)),
        "mono" => Ok((width, height, PixelFormat::Gray8)),
        name => Err(Y4mError::ColourSpace { name: name.to_owned() }),
    }
}

/// A line with its end, or what stands before the end of the file.
fn read_line(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
    Ok(line)
}

/// Fills the buffer as far as there are bytes, and says how far.
pub(crate) fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(bytes: &[u8]) -> Result<Y4mCamera, OpenError> {
        Y4mCamera::new(Box::new(io::Cursor::new(bytes.to_vec())), "clip.y4m")
    }

    fn header_error(bytes: &[u8]) -> Y4mError {
        match camera(bytes) {
            Err(OpenError::Y4m { source, .. }) => source,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn odd_frames_come_as_i420() {
        let mut bytes = b"YUV4MPEG2 W3 H3 F25:1 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n".to_vec();
        for first in [0, 100] {
            bytes.extend(b"FRAME Ip\n");
            bytes.extend(first..first + 17);
        }
        let mut camera = camera(&bytes).unwrap();
        for first in [0, 100] {
            let frame = camera.read_frame().unwrap();
            assert_eq!((frame.width(), frame.height(), frame.format()), (3, 3, PixelFormat::I420));
            assert_eq!(frame.bytes(), Vec::from_iter(first..first + 17));
        }
        assert!(matches!(camera.read_frame(), Err(nb::Error::Other(CaptureError::End))));
        assert!(matches!(camera.read_frame(), Err(nb::Error::Other(CaptureError::End))));
    }

    #[test]
    fn mono_comes_as_gray() {
        let mut camera = camera(b"YUV4MPEG2 H1 W2 Cmono\nFRAME\n\x05\x06").unwrap();
        let frame = camera.read_frame().unwrap();
        assert_eq!((frame.format(), frame.bytes()), (PixelFormat::Gray8, &[5, 6][..]));
    }

    #[test]
    fn a_cut_frame_says_where() {
        let mut camera = camera(b"YUV4MPEG2 W2 H2 Cmono\nFRAME\n\x01\x02\x03\x04FRAME\n\x01").unwrap();
        camera.read_frame().unwrap();
        let Err(nb::Error::Other(error)) = camera.read_frame() else { panic!("a frame of one byte") };
        assert_eq!(error.to_string(), "clip.y4m, frame 1: the file ends within the frame, after 1 bytes");
    }

    #[test]
    fn something_else_between_frames_is_refused() {
        let mut camera = camera(b"YUV4MPEG2 W1 H1 Cmono\nFRAME\n\x01\x02FRAME\n\x01").unwrap();
        camera.read_frame().unwrap();
        let Err(nb::Error::Other(error)) = camera.read_frame() else { panic!("a shifted frame") };
        assert_eq!(error.to_string(), "clip.y4m, frame 1: a line that begins with FRAME was expected");
    }

    #[test]
    fn headers_say_what_is_wrong() {
        assert_eq!(header_error(b"YUV4MPEG2 W2 H2"), Y4mError::Header);
        assert_eq!(header_error(b"YUV4MPEG W2 H2\n"), Y4mError::Header);
        assert_eq!(header_error(&[b"YUV4MPEG2 ", &[b'x'; 2000][..], b"\n"].concat()), Y4mError::Header);
        assert_eq!(header_error(b"YUV4MPEG2 W2\n"), Y4mError::Size { width: 2, height: 0 });
        assert_eq!(header_error(b"YUV4MPEG2 W8193 H2\n"), Y4mError::Size { width: 8193, height: 2 });
        let number = |field: &str| Y4mError::Number { field: field.to_owned() };
        assert_eq!(header_error(b"YUV4MPEG2 W99999999999999999999 H2\n"), number("W99999999999999999999"));
        assert_eq!(header_error(b"YUV4MPEG2 W-1 H2\n"), number("W-1"));
        let colour_space = Y4mError::ColourSpace { name: "444p10".to_owned() };
        assert_eq!(header_error(b"YUV4MPEG2 W2 H2 C444p10\n"), colour_space);
        assert_eq!(header_error(b"YUV4MPEG2 W2 H2 C420jpeg XCOLORRANGE=FULL\n"), Y4mError::FullRange);
    }
}
