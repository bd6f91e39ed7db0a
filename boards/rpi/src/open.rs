//! Any camera of a Linux machine by its name.

use std::path::Path;

use ocelli_core::{Camera, CaptureCounts, Frame};
use ocelli_host::{HostCamera, parse_size};

use crate::camera::V4l2Camera;
use crate::error::{DeviceError, LinuxCaptureError, LinuxOpenError};
use crate::kernel::KernelDriver;
use crate::negotiate::USUAL_SIZE;

/// How a device is named, for messages.
pub const NAMES: &str = "`/dev/video0` or `v4l2:/dev/video0:1280x720`";

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
