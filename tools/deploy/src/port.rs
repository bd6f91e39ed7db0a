//! Opens what a device is reached by: a serial port, a pseudo terminal, or TCP.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::PushError;

/// Bytes both ways. A read that waits too long ends with [`io::ErrorKind::TimedOut`] or
/// [`io::ErrorKind::WouldBlock`].
pub trait Stream: Read + Write {}

impl<S: Read + Write + ?Sized> Stream for S {}

/// How long a read over TCP waits.
const TICK: Duration = Duration::from_millis(50);

/// Opens `tcp:HOST:PORT`, or else the serial port of that name at `baud`.
///
/// # Errors
/// [`PushError::Open`].
pub fn open(port: &str, baud: u32) -> Result<Box<dyn Stream>, PushError> {
    let opened: io::Result<Box<dyn Stream>> = match port.strip_prefix("tcp:") {
        Some(address) => connect(address).map(|stream| Box::new(stream) as _),
        None => serial(port, baud).map(|stream| Box::new(stream) as _),
    };
    opened.map_err(|source| PushError::Open { port: port.to_owned(), source })
}

/// A serial port that passes every byte as it is.
#[cfg(unix)]
fn serial(port: &str, baud: u32) -> io::Result<Serial> {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::termios::{ControlModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

    // A port must not become this program's terminal.
    let file = open(port, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut attributes = tcgetattr(&file)?;
    attributes.make_raw();
    // The modem's lines say nothing about a microcontroller.
    attributes.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    attributes.set_speed(baud)?;
    // A read waits for one byte, at most so many tenths of a second.
    attributes.special_codes[SpecialCodeIndex::VMIN] = 0;
    attributes.special_codes[SpecialCodeIndex::VTIME] = 1;
    tcsetattr(&file, OptionalActions::Flush, &attributes)?;
    Ok(Serial(file.into()))
}

/// Elsewhere a program that offers the port over TCP is needed.
#[cfg(not(unix))]
fn serial(_: &str, _: u32) -> io::Result<TcpStream> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "serial ports are opened on Linux and macOS only; use tcp:HOST:PORT",
    ))
}

/// An open serial port. No byte in time is not the end of the stream.
#[cfg(unix)]
struct Serial(File);

#[cfg(unix)]
impl Read for Serial {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            read => read,
        }
    }
}

#[cfg(unix)]
impl Write for Serial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TICK))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
