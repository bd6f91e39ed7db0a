//! The kernel as a [`Driver`]: four system calls, and memory that the device shares.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::slice;

use crate::abi;
use crate::driver::{Driver, Filled, Format, FourCc};

/// A device such as `/dev/video0`.
#[derive(Debug)]
pub struct KernelDriver {
    // Before the file: buffers are unmapped first.
    buffers: Vec<Mapping>,
    file: File,
}

impl KernelDriver {
    /// Opens a device, so that nothing waits for it.
    ///
    /// # Errors
    /// Those of opening a file.
    pub fn open(path: &Path) -> io::Result<KernelDriver> {
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        Ok(KernelDriver { buffers: Vec::new(), file })
    }

    /// Hands one structure to the kernel, which reads and writes it.
    fn control<T: Copy>(&self, request: u32, argument: &mut T) -> io::Result<()> {
        loop {
            // SAFETY: each request number contains the size of its structure, and the callers here pass the structure
            // that `abi` made the number of. It is plain data without padding that matters, lives for the call, and
            // is not shared; the kernel keeps no pointer to it.
            let answer =
                unsafe { libc::ioctl(self.file.as_raw_fd(), request.into(), ptr::from_mut(argument)) };
            match io::Error::last_os_error() {
                _ if answer >= 0 => return Ok(()),
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            }
        }
    }
}

fn buffer(index: u32) -> abi::Buffer {
    abi::Buffer { index, kind: abi::CAPTURE, memory: abi::MAPPED, ..abi::Buffer::default() }
}

impl Driver for KernelDriver {
    fn can_stream(&mut self) -> io::Result<bool> {
        let mut capability = abi::Capability::default();
        self.control(abi::QUERY_CAPABILITY, &mut capability)?;
        let of_device = capability.capabilities & abi::HAS_DEVICE_CAPS != 0;
        let flags = if of_device { capability.device_caps } else { capability.capabilities };
        let needed = abi::CAN_CAPTURE | abi::CAN_STREAM;
        Ok(flags & needed == needed)
    }

    fn offered(&mut self, index: u32) -> io::Result<Option<FourCc>> {
        let mut description =
            abi::FormatDescription { index, kind: abi::CAPTURE, ..abi::FormatDescription::default() };
        match self.control(abi::ENUMERATE_FORMAT, &mut description) {
            Ok(()) => Ok(Some(FourCc(description.pixels))),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set_format(&mut self, wanted: Format) -> io::Result<Format> {
        let mut format = abi::PixelFormat {
            kind: abi::CAPTURE,
            padding: 0,
            width: wanted.width,
            height: wanted.height,
            pixels: wanted.pixels.0,
            field: abi::PROGRESSIVE,
            row_bytes: wanted.row_bytes,
            frame_bytes: 0,
            colour_space: 0,
            rest_of_union: [0; 43],
        };
        self.control(abi::SET_FORMAT, &mut format)?;
        let abi::PixelFormat { width, height, pixels, row_bytes, .. } = format;
        Ok(Format { pixels: FourCc(pixels), width, height, row_bytes })
    }

    fn start(&mut self, buffers: u32) -> io::Result<()> {
        let (kind, memory) = (abi::CAPTURE, abi::MAPPED);
        let mut request =
            abi::RequestBuffers { count: buffers, kind, memory, ..abi::RequestBuffers::default() };
        self.control(abi::REQUEST_BUFFERS, &mut request)?;
        for index in 0..request.count {
            let mut place = buffer(index);
            self.control(abi::QUERY_BUFFER, &mut place)?;
            self.buffers.push(Mapping::new(&self.file, place.offset, place.length as usize)?);
            self.control(abi::QUEUE, &mut buffer(index))?;
        }
        if self.buffers.is_empty() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.control(abi::STREAM_ON, &mut (kind as i32))
    }

    fn dequeue(&mut self) -> io::Result<Filled> {
        let mut filled = buffer(0);
        self.control(abi::DEQUEUE, &mut filled)?;
        Ok(Filled {
            index: filled.index,
            bytes: filled.bytes_used as usize,
            sequence: filled.sequence,
            is_damaged: filled.flags & abi::DAMAGED != 0,
        })
    }

    fn buffer(&self, index: u32) -> &[u8] {
        self.buffers.get(index as usize).map_or(&[], Mapping::bytes)
    }

    fn queue(&mut self, index: u32) -> io::Result<()> {
        self.control(abi::QUEUE, &mut buffer(index))
    }
}

/// Memory of the device in this program's space, read only.
#[derive(Debug)]
struct Mapping {
    start: NonNull<libc::c_void>,
    length: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and is only read.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(file: &File, offset: u32, length: usize) -> io::Result<Mapping> {
        // SAFETY: a new mapping at a place that the system chooses touches no other memory; the file is open.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                offset.into(),
            )
        };
        match NonNull::new(start) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED => Ok(Mapping { start, length }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `length` readable bytes were mapped at `start`, and stay until `drop`. The device writes a buffer only
        // while it is queued: `V4l2Camera` reads between taking a buffer and giving it back.
        unsafe { slice::from_raw_parts(self.start.as_ptr().cast(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped, and no slice of it outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr(), self.length) };
    }
}
