//! Chooses a camera by what a file holds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use image::ImageFormat;
use ocelli_core::{Camera, Frame};

use crate::{
    CaptureError, FolderCamera, ImageCamera, MjpegCamera, OpenError, Picture, PipeCamera, RawCamera,
    SyntheticCamera, Y4mCamera, picture::format_of, url_camera::open_url, y4m_camera,
};

/// Any camera of this crate.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostCamera {
    /// One picture.
    Image(ImageCamera),
    /// The pictures of a folder.
    Folder(FolderCamera),
    /// A y4m video.
    Y4m(Y4mCamera),
    /// A stream of JPEGs.
    Mjpeg(MjpegCamera),
    /// Frames without headers.
    Raw(RawCamera),
    /// What another program writes.
    Pipe(PipeCamera),
    /// A drawn scene.
    Synthetic(SyntheticCamera),
}

/// Opens `source`: a file, a folder, `-` for standard input, `pipe:[WIDTHxHEIGHT:[FORMAT:]]COMMAND`,
/// `http://HOST[:PORT]/PATH`, or `synthetic:SEED[:WIDTHxHEIGHT]`.
///
/// Files are told apart by their first bytes. Only a JPEG may be either a picture or the first of a
/// stream: it is a picture where the file's name ends in `.jpg` or `.jpeg`. Reading standard input
/// waits for its bytes.
///
/// # Errors
/// [`OpenError`].
pub fn open(source: &str) -> Result<HostCamera, OpenError> {
    if let Some(text) = source.strip_prefix("synthetic:") {
        return SyntheticCamera::parse(text).map(HostCamera::Synthetic);
    }
    if let Some(command) = source.strip_prefix("pipe:") {
        return PipeCamera::open(command).map(HostCamera::Pipe);
    }
    if source.starts_with("http://") {
        return open_url(source).map(HostCamera::Mjpeg);
    }
    if source == "-" {
        return open_stream(Box::new(BufReader::new(io::stdin())), "standard input");
    }
    let path = Path::new(source);
    if path.is_dir() {
        return FolderCamera::open(path).map(HostCamera::Folder);
    }
    let file = File::open(path).map_err(|error| OpenError::Read { path: path.into(), source: error })?;
    open_stream(Box::new(BufReader::new(file)), source)
}

pub(crate) fn open_stream(mut reader: Box<dyn BufRead + Send>, name: &str) -> Result<HostCamera, OpenError> {
    let read_error = |source| OpenError::Read { path: name.into(), source };
    let mut first = Vec::new();
    reader.by_ref().take(y4m_camera::MAGIC.len() as u64).read_to_end(&mut first).map_err(read_error)?;
    if first.is_empty() {
        return Err(OpenError::Empty { name: name.to_owned() });
    }
    let is_y4m = first == y4m_camera::MAGIC;
    let format = format_of(&first);
    let mut whole: Box<dyn BufRead + Send> = Box::new(Cursor::new(first).chain(reader));
    if is_y4m {
        return Y4mCamera::new(whole, name).map(HostCamera::Y4m);
    }
    match format {
        Some(ImageFormat::Jpeg) if !is_named_as_jpeg(name) => {
            Ok(HostCamera::Mjpeg(MjpegCamera::new(whole, name)))
        }
        Some(_) => {
            let mut bytes = Vec::new();
            whole.read_to_end(&mut bytes).map_err(read_error)?;
            let picture = Picture::decode(&bytes)
                .map_err(|source| OpenError::Picture { name: name.to_owned(), source })?;
            Ok(HostCamera::Image(ImageCamera::new(picture)))
        }
        None => Err(OpenError::Unknown { name: name.to_owned() }),
    }
}

fn is_named_as_jpeg(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("jpg") || extension.eq_ignore_ascii_case("jpeg")
}

impl Camera for HostCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        match self {
            HostCamera::Image(camera) => camera.read_frame(),
            HostCamera::Folder(camera) => camera.read_frame(),
            HostCamera::Y4m(camera) => camera.read_frame(),
            HostCamera::Mjpeg(camera) => camera.read_frame(),
            HostCamera::Raw(camera) => camera.read_frame(),
            HostCamera::Pipe(camera) => camera.read_frame(),
            HostCamera::Synthetic(camera) => camera.read_frame(),
        }
    }
}
