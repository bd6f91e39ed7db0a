//! What can go wrong with a camera made of files: each error names the file, and what would do.

use std::io;
use std::path::PathBuf;

use ocelli_core::Frame;
use thiserror::Error;

/// What [`open`](crate::open) understands, for messages.
pub const SUPPORTED: &str = "a PNG, JPEG, BMP or PPM/PGM picture, a folder of them, a y4m video (4:2:0 or mono, \
     8 bit), an MJPEG stream, `-` for one of these on standard input, `pipe:[WIDTHxHEIGHT:[FORMAT:]]COMMAND` for what \
     a program writes, `http://HOST/PATH` for a camera's MJPEG, or `synthetic:SEED[:WIDTHxHEIGHT]`";

/// Why bytes are no picture.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The first bytes belong to no format that is read here.
    #[error("it is no PNG, JPEG, BMP, PPM or PGM")]
    Format,
    /// The decoder gave up.
    #[error("it cannot be decoded: {0}")]
    Decode(#[from] image::ImageError),
    /// A side is 0 or above [`Frame::MAX_SIDE`].
    #[error("it has {width}x{height} pixels; each side must be 1 to {max}", max = Frame::MAX_SIDE)]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// Why a y4m header is refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Y4mError {
    /// The first line does not begin with `YUV4MPEG2 ` or does not end within 1024 bytes.
    #[error("the first line is no y4m header")]
    Header,
    /// A field of the header is no number.
    #[error("header field `{field}` is no number of pixels")]
    Number {
        /// The field with its letter.
        field: String,
    },
    /// A side is 0, missing or above [`Frame::MAX_SIDE`].
    #[error("it has {width}x{height} pixels; each side must be 1 to {max}", max = Frame::MAX_SIDE)]
    Size {
        /// Width in pixels, 0 where there is none.
        width: usize,
        /// Height in pixels, 0 where there is none.
        height: usize,
    },
    /// Chroma or depth is not supported.
    #[error(
        "its colour space is {name}; 4:2:0 and mono with 8 bit are supported (`ffmpeg -pix_fmt yuv420p` converts)"
    )]
    ColourSpace {
        /// As the header says it.
        name: String,
    },
    /// The header says full range, where limited range is supported.
    #[error("its YUV has full range; limited range is supported (`ffmpeg -vf scale=out_range=tv` converts)")]
    FullRange,
}

/// Why a camera cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is empty.
    #[error("{name} is empty; supported: {SUPPORTED}")]
    Empty {
        /// Which.
        name: String,
    },
    /// The content is nothing that is read here.
    #[error("{name} is nothing that can be read as a camera; supported: {SUPPORTED}")]
    Unknown {
        /// Which.
        name: String,
    },
    /// The file is no picture, or a broken one.
    #[error("{name}: {source}")]
    Picture {
        /// Which.
        name: String,
        /// Why.
        source: PictureError,
    },
    /// The folder has no pictures.
    #[error("{} has no PNG, JPEG, BMP, PPM or PGM picture among its {files} files", path.display())]
    EmptyFolder {
        /// Which.
        path: PathBuf,
        /// How many other files it has.
        files: usize,
    },
    /// The video's header is refused.
    #[error("{name}: {source}")]
    Y4m {
        /// Which.
        name: String,
        /// Why.
        source: Y4mError,
    },
    /// A program that should give frames does not.
    #[error("`{command}`: {problem}")]
    Pipe {
        /// What was run.
        command: String,
        /// What is wrong.
        problem: String,
    },
    /// A camera on the network does not answer with a stream.
    #[error("{url}: {problem}")]
    Url {
        /// Which.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// What follows `synthetic:` is not understood.
    #[error("`synthetic:{text}` is not `synthetic:SEED[:WIDTHxHEIGHT]` with sides of {min} to {max}", min = crate::Scene::MIN_SIDE, max = Frame::MAX_SIDE)]
    Synthetic {
        /// What follows.
        text: String,
    },
}

/// Why there is no next frame.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Every frame has been read.
    #[error("there are no more frames")]
    End,
    /// The program that gave frames failed.
    #[error("`{command}` ended with {status}")]
    Pipe {
        /// What was run.
        command: String,
        /// How it ended.
        status: String,
    },
    /// The file cannot be read any further.
    #[error("{name}, frame {frame}: {source}")]
    Read {
        /// Which file.
        name: String,
        /// Which frame, from 0.
        frame: u64,
        /// Why.
        source: io::Error,
    },
    /// The frame is no picture, or a broken one.
    #[error("{name}, frame {frame}: {source}")]
    Picture {
        /// Which file.
        name: String,
        /// Which frame, from 0.
        frame: u64,
        /// Why.
        source: PictureError,
    },
    /// The file ends within the frame.
    #[error("{name}, frame {frame}: the file ends within the frame, after {available_bytes} bytes")]
    Truncated {
        /// Which file.
        name: String,
        /// Which frame, from 0.
        frame: u64,
        /// Bytes of the frame that are there.
        available_bytes: usize,
    },
    /// Something else stands where a frame should begin.
    #[error("{name}, frame {frame}: {expected} was expected")]
    Unexpected {
        /// Which file.
        name: String,
        /// Which frame, from 0.
        frame: u64,
        /// What should have been there.
        expected: &'static str,
    },
    /// A frame of a stream has another size than the first.
    #[error(
        "{name}, frame {frame}: it has {width}x{height} pixels, the first had {first_width}x{first_height}"
    )]
    SizeChanged {
        /// Which file.
        name: String,
        /// Which frame, from 0.
        frame: u64,
        /// Its width.
        width: usize,
        /// Its height.
        height: usize,
        /// Width of the first frame.
        first_width: usize,
        /// Height of the first frame.
        first_height: usize,
    },
}

impl CaptureError {
    /// Whether only this frame is spoilt, and the next may be read.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            CaptureError::Picture { .. } | CaptureError::Unexpected { .. } | CaptureError::SizeChanged { .. }
        )
    }
}
