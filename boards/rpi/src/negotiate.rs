//! Which of the formats that a device offers is captured: the first of a list that needs the least work.

use ocelli_core::PixelFormat;

use crate::driver::{Driver, Format, FourCc};
use crate::error::DeviceError;

/// How a device's bytes become a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As they are, but for padding at the ends of rows.
    Plain(PixelFormat),
    /// Each buffer is a JPEG.
    Jpeg,
    /// A sensor's raw pixels of 8 bits.
    Bayer,
}

/// Formats by how gladly they are taken: colour without loss first, JPEGs, which cost time, after them.
const TAKEN: [([u8; 4], Coding); 11] = [
    (*b"YUYV", Coding::Plain(PixelFormat::Yuyv)),
    (*b"NV12", Coding::Plain(PixelFormat::Nv12)),
    (*b"YU12", Coding::Plain(PixelFormat::I420)),
    (*b"RGB3", Coding::Plain(PixelFormat::Rgb888)),
    (*b"RGBP", Coding::Plain(PixelFormat::Rgb565)),
    (*b"MJPG", Coding::Jpeg),
    (*b"JPEG", Coding::Jpeg),
    (*b"GREY", Coding::Plain(PixelFormat::Gray8)),
    (*b"RGGB", Coding::Bayer),
    (*b"BA81", Coding::Bayer),
    (*b"GRBG", Coding::Bayer),
];

/// The size that is asked for when nobody says one.
pub(crate) const USUAL_SIZE: [usize; 2] = [640, 480];

/// Sets the best format that the device offers, at `size` or what the device has instead.
pub(crate) fn negotiate<D: Driver>(
    device: &mut D,
    size: [usize; 2],
) -> Result<(Format, Coding), DeviceError> {
    if !device.can_stream().map_err(DeviceError::of)? {
        return Err(DeviceError::NoCamera);
    }
    let mut offered = Vec::new();
    // No device has more; one that never ends is none.
    for index in 0..256 {
        match device.offered(index).map_err(DeviceError::of)? {
            Some(format) => offered.push(format),
            None => break,
        }
    }
    for (letters, coding) in TAKEN {
        let pixels = FourCc(letters);
        if !offered.contains(&pixels) {
            continue;
        }
        let [width, height] = size.map(|side| side as u32);
        let format =
            device.set_format(Format { pixels, width, height, row_bytes: 0 }).map_err(DeviceError::of)?;
        // A device may offer what it does not give at this size.
        if format.pixels == pixels {
            return Ok((format, coding));
        }
    }
    let offered = offered.iter().map(FourCc::to_string).collect::<Vec<_>>().join(", ");
    Err(DeviceError::NoFormat { offered })
}
