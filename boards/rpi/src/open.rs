//! Any camera of a Linux machine by its name, and what can go wrong with a device.

use std::io;
use std::path::Path;

use ocelli_core::{Camera, CaptureCounts, Frame};
use ocelli_host::{CaptureError, HostCamera, OpenError, parse_size};

use crate::camera::V4l2Camera;
use crate::kernel::KernelDriver;
use crate::negotiate::USUAL_SIZE;

/// How a device is named, for messages.
pub const NAMES: &str = "`/dev/video0` or `v4l2:/dev/video0:1280x720`";

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

/// Any camera of a Linux machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinuxCamera {
    /// Made of a file, a folder, a program or a network stream.
    Host(HostCamera),
    /// A device, and its name.
    Device(V4l2Camera<KernelDriver>, String),
}

/// Opens a device by [its name](NAMES), or any other camera as [`ocelli_host::open`] does.
///
/// # Errors
/// [`LinuxOpenError`].
pub fn open(name: &str) -> Result<LinuxCamera, LinuxOpenError> {
    let Some((path, size)) = device_name(name) else {
        return Ok(LinuxCamera::Host(ocelli_host::open(name)?));
    };
    let failed = |source| LinuxOpenError::Device { name: name.to_owned(), source };
    let driver = KernelDriver::open(Path::new(path)).map_err(|error| failed(DeviceError::of(error)))?;
    let camera = V4l2Camera::new(driver, size).map_err(failed)?;
    Ok(LinuxCamera::Device(camera, name.to_owned()))
}

/// Path and size of a device's name; `None` for names of other cameras.
fn device_name(name: &str) -> Option<(&str, [usize; 2])> {
    match name.strip_prefix("v4l2:") {
        Some(rest) => match rest.rsplit_once(':').and_then(|(path, size)| Some((path, parse_size(size)?))) {
            Some(named) => Some(named),
            None => Some((rest, USUAL_SIZE)),
        },
        None => name.starts_with("/dev/video").then_some((name, USUAL_SIZE)),
    }
}

impl Camera for LinuxCamera {
    type Error = LinuxCaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, LinuxCaptureError> {
        match self {
            LinuxCamera::Host(camera) => camera.read_frame().map_err(|error| error.map(Into::into)),
            LinuxCamera::Device(camera, name) => camera.read_frame().map_err(|error| {
                error.map(|source| LinuxCaptureError::Device { name: name.clone(), source })
            }),
        }
    }

    fn counts(&self) -> CaptureCounts {
        match self {
            LinuxCamera::Host(camera) => camera.counts(),
            LinuxCamera::Device(camera, _) => camera.counts(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_other_cameras_are_told_apart() {
        assert_eq!(device_name("/dev/video2"), Some(("/dev/video2", USUAL_SIZE)));
        assert_eq!(device_name("v4l2:/dev/v4l/by-id/x:320x240"), Some(("/dev/v4l/by-id/x", [320, 240])));
        assert_eq!(device_name("v4l2:/dev/video0"), Some(("/dev/video0", USUAL_SIZE)));
        assert_eq!(device_name("clip.y4m"), None);
        let message = open("/dev/video250").unwrap_err().to_string();
        assert!(message.starts_with("/dev/video250: "), "{message}");
        // A file that is no device.
        let message = open("v4l2:/dev/null").unwrap_err().to_string();
        assert!(message.contains("captures no video"), "{message}");
    }
}
