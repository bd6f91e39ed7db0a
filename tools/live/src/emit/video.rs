//! Annotated video: boxes, tracks and labels drawn over every frame, into a file or into another program.
//!
//! A file holds whole frames at any time: one that a full disk cut is taken back, and the video goes on when there is
//! room. A program that ends is started anew.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::emit::{EmitError, Emitter, y4m};
use crate::encode::rgb_to_jpeg;
use crate::picture::Picture;
use crate::told::Told;

/// How places of videos are named, for messages.
pub const PLACES: &str = "a file `NAME.y4m` or `NAME.mjpeg`, or a program as `pipe:COMMAND`, which reads y4m, or \
    `pipe:mjpeg:COMMAND`";

/// How long a program may take to finish what it has read.
const PATIENCE: Duration = Duration::from_secs(5);

/// A video that grows.
#[derive(Debug)]
pub struct Video {
    coding: Coding,
    frames_per_second: f64,
    target: Target,
    /// Of all frames.
    size: Option<[usize; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Y4m,
    Mjpeg,
}

#[derive(Debug)]
enum Target {
    File { file: File, path: String, whole_bytes: u64 },
    Program { command: String, child: Option<Child> },
}

impl Video {
    /// A video at one of [`PLACES`]; `frames_per_second` is what y4m tells players.
    ///
    /// # Errors
    /// [`EmitError`] for other names and for files that cannot be made.
    pub fn open(place: &str, frames_per_second: f64) -> Result<Video, EmitError> {
        let (coding, target) = match place.strip_prefix("pipe:") {
            Some(command) => {
                let jpegs = command.strip_prefix("mjpeg:");
                let coding = if jpegs.is_some() { Coding::Mjpeg } else { Coding::Y4m };
                let command = jpegs.unwrap_or(command).to_owned();
                (coding, Target::Program { command, child: None })
            }
            None => {
                let coding = match Path::new(place).extension().and_then(|extension| extension.to_str()) {
                    Some("y4m") => Coding::Y4m,
                    Some("mjpeg" | "mjpg") => Coding::Mjpeg,
                    _ => return Err(EmitError::refused(place, format!("a video goes into {PLACES}"))),
                };
                let file = File::create(place).map_err(EmitError::io(place))?;
                (coding, Target::File { file, path: place.to_owned(), whole_bytes: 0 })
            }
        };
        Ok(Video { coding, frames_per_second, target, size: None })
    }

    /// The bytes of the next frame, with what stands before the first.
    fn encode(&self, picture: &Picture) -> Vec<u8> {
        match self.coding {
            Coding::Mjpeg => rgb_to_jpeg(picture.rgb(), picture.size()),
            Coding::Y4m => {
                let header = match self.target.is_empty() {
                    true => y4m::header(picture.size(), self.frames_per_second),
                    false => Vec::new(),
                };
                [header, y4m::frame(picture.rgb(), picture.size())].concat()
            }
        }
    }
}

impl Target {
    fn place(&self) -> &str {
        match self {
            Target::File { path, .. } => path,
            Target::Program { command, .. } => command,
        }
    }

    /// Whether nothing has been written yet.
    fn is_empty(&self) -> bool {
        match self {
            Target::File { whole_bytes, .. } => *whole_bytes == 0,
            Target::Program { child, .. } => child.is_none(),
        }
    }

    /// Writes a whole frame, or nothing that counts.
    fn write(&mut self, bytes: &[u8]) -> Result<(), EmitError> {
        match self {
            Target::File { file, path, whole_bytes } => {
                let written = file.write_all(bytes);
                if let Err(error) = written {
                    // What cannot even be taken back will be written over.
                    let _ = file.set_len(*whole_bytes);
                    let _ = file.seek(SeekFrom::Start(*whole_bytes));
                    return Err(EmitError::io(path)(error));
                }
                *whole_bytes += bytes.len() as u64;
                Ok(())
            }
            Target::Program { command, child } => {
                let running = match child {
                    Some(running) => running,
                    None => child.insert(start(command).map_err(EmitError::io(command))?),
                };
                let Some(input) = &mut running.stdin else {
                    return Err(EmitError::refused(command, "it has no input"));
                };
                if input.write_all(bytes).is_err() {
                    // It reads no more; how it ended says more than that.
                    let status = child.take().map(ended);
                    let status = status.map_or_else(String::new, |status| format!(" with {status}"));
                    return Err(EmitError::refused(command, format!("it ended{status}")));
                }
                Ok(())
            }
        }
    }
}

fn start(command: &str) -> io::Result<Child> {
    Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()
}

/// Closes a program's input, and tells how it ended; one that does not end is ended.
fn ended(mut child: Child) -> String {
    drop(child.stdin.take());
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.to_string(),
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            _ => {
                // Where it has ended by itself meanwhile there is nothing to do.
                let _ = child.kill();
                return child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            }
        }
    }
}

impl Emitter for Video {
    fn name(&self) -> &str {
        "video"
    }

    fn emit(&mut self, told: &Told) -> Result<(), EmitError> {
        let refused = |problem: String| EmitError::refused(self.target.place(), problem);
        let mut picture = Picture::of(&told.frame()).map_err(|error| refused(error.to_string()))?;
        let [width, height] = picture.size();
        let [first_width, first_height] = *self.size.get_or_insert([width, height]);
        if [width, height] != [first_width, first_height] {
            let sizes = format!("{width}x{height} pixels, the first had {first_width}x{first_height}");
            return Err(refused(format!("the frame has {sizes}, and a video has one size")));
        }
        picture.draw(told.marks());
        let bytes = self.encode(&picture);
        self.target.write(&bytes)
    }
}

impl Drop for Video {
    fn drop(&mut self) {
        if let Target::Program { child, .. } = &mut self.target {
            child.take().map(ended);
        }
    }
}
