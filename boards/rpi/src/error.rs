//! What can go wrong with a device, and what each failure means for its reader.

use std::io;

use ocelli_core::Frame;
use ocelli_host::{CaptureError, OpenError};

/// Why a device is no camera, or no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// It does not capture video by streaming.
    #[error("it captures no video; `v4l2-ctl --list-devices` tells which device does")]
    NoCamera,
    /// Another program has it.
    #[error("it is busy: another program reads it (`fuser` tells which)")]
    Busy,
    /// Nothing that it offers is understood.
    #[error(
        "it offers {offered}; YUYV, NV12, YU12, RGB3, RGBP, MJPG, GREY and Bayer of 8 bits are understood"
    )]
    NoFormat {
        /// Its formats.
        offered: String,
    },
    /// Its frames are larger than frames are, or empty.
    #[error("its frames have {width}x{height} pixels, and a frame has sides of 1 to {max}", max = Frame::MAX_SIDE)]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// It was unplugged, or failed.
    #[error("it is gone")]
    Gone,
    /// It gave less than a frame.
    #[error("it gave {available_bytes} bytes, and a frame has {needed_bytes}")]
    Short {
        /// Bytes of a frame.
        needed_bytes: usize,
        /// Bytes that came.
        available_bytes: usize,
    },
    /// A JPEG that is none.
    #[error(transparent)]
    Picture(#[from] ocelli_host::PictureError),
    /// A system call failed.
    #[error(transparent)]
    Io(io::Error),
}

impl DeviceError {
    /// What a system call's error means for a camera.
    pub(crate) fn of(error: io::Error) -> DeviceError {
        match error.raw_os_error() {
            Some(libc::EBUSY) => DeviceError::Busy,
            Some(libc::ENODEV | libc::ENXIO | libc::EIO) => DeviceError::Gone,
            Some(libc::ENOTTY) => DeviceError::NoCamera,
            _ => DeviceError::Io(error),
        }
    }

    /// Whether only this frame is spoilt.
    pub fn is_passing(&self) -> bool {
        matches!(self, DeviceError::Short { .. } | DeviceError::Picture(_))
    }
}

/// Why a camera cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinuxOpenError {
    /// One that is made of a file, a folder, a program or a network stream.
    #[error(transparent)]
    Host(#[from] OpenError),
    /// A device.
    #[error("{name}: {source}")]
    Device {
        /// Its name.
        name: String,
        /// Why.
        source: DeviceError,
    },
}

/// Why there is no next frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinuxCaptureError {
    /// Of a camera that is made of a file, a folder, a program or a network stream.
    #[error(transparent)]
    Host(#[from] CaptureError),
    /// Of a device.
    #[error("{name}: {source}")]
    Device {
        /// Its name.
        name: String,
        /// Why.
        source: DeviceError,
    },
}
