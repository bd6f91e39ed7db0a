//! A camera that another program reads: `rpicam-vid`, `ffmpeg`, `gst-launch-1.0`. Its standard output is a y4m video, a
//! stream of JPEGs, or plain frames of a size and a format that are told beforehand.

use std::io::BufReader;
use std::process::{Child, Command, Stdio};

use ocelli_core::{Camera, Frame, PixelFormat};

use crate::{
    CaptureError, HostCamera, OpenError, RawCamera, open::open_stream, synthetic_camera::parse_size,
};

/// What a program writes, frame by frame; the program ends with the camera.
#[derive(Debug)]
pub struct PipeCamera {
    // Before the child: the pipe is closed first, so that a program that writes to it ends.
    camera: Box<HostCamera>,
    program: Program,
}

#[derive(Debug)]
struct Program {
    child: Child,
    command: String,
}

impl PipeCamera {
    /// Starts `[WIDTHxHEIGHT:[FORMAT:]]COMMAND` in a shell. With a size the program writes plain frames: I420,
    /// or by ffmpeg's names `gray`, `rgb24`, `rgb565le`, `yuyv422`, `nv12` or `yuv420p`.
    ///
    /// # Errors
    /// [`OpenError::Pipe`] when it cannot be started or writes nothing, and what is wrong with what it writes.
    pub fn open(text: &str) -> Result<PipeCamera, OpenError> {
        let (plain, command) = plain_frames(text);
        let failed = |problem: String| OpenError::Pipe { command: command.to_owned(), problem };
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = shell.spawn().map_err(|error| failed(error.to_string()))?;
        let mut program = Program { child, command: command.to_owned() };
        let output = program.child.stdout.take().ok_or_else(|| failed("it has no output".to_owned()))?;
        let reader = Box::new(BufReader::with_capacity(256 * 1024, output));
        let camera = match plain {
            Some((size, format)) => HostCamera::Raw(RawCamera::new(reader, command, size, format)),
            None => match open_stream(reader, command) {
                Err(OpenError::Empty { .. }) => return Err(failed(program.ended())),
                opened => opened?,
            },
        };
        Ok(PipeCamera { camera: Box::new(camera), program })
    }
}

/// What ffmpeg calls the formats of plain frames.
const FORMATS: [(&str, PixelFormat); 6] = [
    ("gray", PixelFormat::Gray8),
    ("rgb24", PixelFormat::Rgb888),
    ("rgb565le", PixelFormat::Rgb565),
    ("yuyv422", PixelFormat::Yuyv),
    ("nv12", PixelFormat::Nv12),
    ("yuv420p", PixelFormat::I420),
];

/// Size and format of plain frames, where the text begins with them, and the command behind.
fn plain_frames(text: &str) -> (Option<([usize; 2], PixelFormat)>, &str) {
    let Some((size, rest)) = text.split_once(':').and_then(|(size, rest)| Some((parse_size(size)?, rest)))
    else {
        return (None, text);
    };
    let named = |(name, command)| {
        let (_, format) = FORMATS.into_iter().find(|(known, _)| *known == name)?;
        Some((format, command))
    };
    let (format, command) = rest.split_once(':').and_then(named).unwrap_or((PixelFormat::I420, rest));
    (Some((size, format)), command)
}

impl Program {
    /// How it ended, which it has when its output is at its end.
    fn ended(&mut self) -> String {
        match self.child.wait() {
            Ok(status) => format!("it ended with {status} before the first frame"),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Camera for PipeCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        match self.camera.read_frame() {
            Err(nb::Error::Other(CaptureError::End)) => {
                let status = self.program.child.wait().ok().filter(|status| !status.success());
                let command = &self.program.command;
                Err(nb::Error::Other(status.map_or(CaptureError::End, |status| CaptureError::Pipe {
                    command: command.clone(),
                    status: status.to_string(),
                })))
            }
            other => other,
        }
    }
}
