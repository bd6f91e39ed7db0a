//! A camera that another program reads: `rpicam-vid`, `ffmpeg`, `gst-launch-1.0`. Its standard output is a y4m video, a
//! stream of JPEGs, or plain I420 frames of a size that is told beforehand.

use std::io::BufReader;
use std::process::{Child, Command, Stdio};

use ocelli_core::{Camera, Frame};

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
    /// Starts `[WIDTHxHEIGHT:]COMMAND` in a shell. With a size the program writes plain I420 frames.
    ///
    /// # Errors
    /// [`OpenError::Pipe`] when it cannot be started or writes nothing, and what is wrong with what it writes.
    pub fn open(text: &str) -> Result<PipeCamera, OpenError> {
        let sized = text.split_once(':').and_then(|(size, command)| Some((parse_size(size)?, command)));
        let (size, command) = sized.map_or((None, text), |(size, command)| (Some(size), command));
        let failed = |problem: String| OpenError::Pipe { command: command.to_owned(), problem };
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = shell.spawn().map_err(|error| failed(error.to_string()))?;
        let mut program = Program { child, command: command.to_owned() };
        let output = program.child.stdout.take().ok_or_else(|| failed("it has no output".to_owned()))?;
        let reader = Box::new(BufReader::with_capacity(256 * 1024, output));
        let camera = match size {
            Some(size) => HostCamera::Raw(RawCamera::new(reader, command, size)),
            None => match open_stream(reader, command) {
                Err(OpenError::Empty { .. }) => return Err(failed(program.ended())),
                opened => opened?,
            },
        };
        Ok(PipeCamera { camera: Box::new(camera), program })
    }
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
