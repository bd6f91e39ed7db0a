//! What the capture stage needs of a V4L2 device, as a trait: the kernel is one implementation, a test another.

use std::fmt;
use std::io;

/// A pixel format by its four letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", String::from_utf8_lossy(&self.0).trim_end())
    }
}

/// How frames are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How bytes spell pixels.
    pub pixels: FourCc,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row of the first plane to the next; 0 where rows have no fixed length.
    pub row_bytes: u32,
}

/// A buffer that the device has filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Which buffer.
    pub index: u32,
    /// How much of it.
    pub bytes: usize,
    /// Counted by the device, frames that nobody took included.
    pub sequence: u32,
    /// Whether the device says that the content is damaged.
    pub is_damaged: bool,
}

/// A device that captures into a ring of buffers.
pub trait Driver {
    /// Whether it captures video and streams it.
    ///
    /// # Errors
    /// Those of the system call, as for every method here.
    fn can_stream(&mut self) -> io::Result<bool>;

    /// The pixel format of this index, `None` beyond the last.
    fn offered(&mut self, index: u32) -> io::Result<Option<FourCc>>;

    /// Asks for a format; gives the one that the device has taken, which may be another.
    fn set_format(&mut self, wanted: Format) -> io::Result<Format>;

    /// Makes buffers, gives all of them to the device, and has it stream.
    fn start(&mut self, buffers: u32) -> io::Result<()>;

    /// Takes a filled buffer; [`io::ErrorKind::WouldBlock`] while there is none.
    fn dequeue(&mut self) -> io::Result<Filled>;

    /// The bytes of a buffer that was taken.
    fn buffer(&self, index: u32) -> &[u8];

    /// Gives a buffer back to be filled again.
    fn queue(&mut self, index: u32) -> io::Result<()>;
}
