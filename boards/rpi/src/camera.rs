//! A V4L2 device as a camera: takes the newest filled buffer, copies it without padding, gives it back.

use std::io::ErrorKind;

use ocelli_core::{Camera, CaptureCounts, Frame, PixelFormat};
use ocelli_host::Picture;

use crate::bayer;
use crate::driver::{Driver, Filled, Format};
use crate::error::DeviceError;
use crate::negotiate::{Coding, negotiate};

/// Buffers of the device: one is filled while one is copied, and two are in hand for a late reader.
const BUFFERS: u32 = 4;

/// A device that streams.
#[derive(Debug)]
pub struct V4l2Camera<D> {
    device: D,
    format: Format,
    coding: Coding,
    /// Of formats that are not JPEGs.
    pixels: Vec<u8>,
    picture: Option<Picture>,
    last_sequence: Option<u32>,
    counts: CaptureCounts,
}

impl<D: Driver> V4l2Camera<D> {
    /// Agrees on a format at about `size`, and has the device stream.
    ///
    /// # Errors
    /// Every [`DeviceError`] but that of a single frame.
    pub fn new(mut device: D, size: [usize; 2]) -> Result<V4l2Camera<D>, DeviceError> {
        let (format, coding) = negotiate(&mut device, size)?;
        let (width, height) = (format.width, format.height);
        let sides = 1..=Frame::MAX_SIDE as u32;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(DeviceError::Size { width, height });
        }
        device.start(BUFFERS).map_err(DeviceError::of)?;
        let camera = V4l2Camera {
            device,
            format,
            coding,
            pixels: Vec::new(),
            picture: None,
            last_sequence: None,
            counts: CaptureCounts::default(),
        };
        Ok(camera)
    }

    /// What was agreed on.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The newest buffer that is filled; older ones go back, and count as dropped.
    fn newest(&mut self) -> nb::Result<Filled, DeviceError> {
        let mut newest: Option<Filled> = None;
        loop {
            match self.device.dequeue() {
                Ok(filled) => {
                    let last = self.last_sequence.replace(filled.sequence).unwrap_or(filled.sequence);
                    let mut dropped = filled.sequence.wrapping_sub(last).saturating_sub(1);
                    if let Some(older) = newest.replace(filled) {
                        self.device.queue(older.index).map_err(DeviceError::of)?;
                        dropped = dropped.wrapping_add(1);
                    }
                    self.counts.dropped = self.counts.dropped.wrapping_add(dropped);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(nb::Error::Other(DeviceError::of(error))),
            }
        }
        newest.ok_or(nb::Error::WouldBlock)
    }

    /// Copies a frame out of the device's memory.
    fn take_in(&mut self, filled: Filled) -> Result<(), DeviceError> {
        let buffer = self.device.buffer(filled.index);
        let bytes = buffer.get(..filled.bytes).unwrap_or(buffer);
        let (width, height) = (self.format.width as usize, self.format.height as usize);
        let row_bytes = self.format.row_bytes as usize;
        match self.coding {
            Coding::Jpeg => self.picture = Some(Picture::decode(bytes)?),
            Coding::Plain(pixels) => copy_rows(bytes, pixels, [width, height], row_bytes, &mut self.pixels)?,
            Coding::Bayer => {
                let row_bytes = row_bytes.max(width);
                let needed_bytes = row_bytes * (height - 1) + width;
                if bytes.len() < needed_bytes {
                    return Err(DeviceError::Short { needed_bytes, available_bytes: bytes.len() });
                }
                self.pixels.resize(width * height, 0);
                bayer::to_gray(bytes, row_bytes, width, &mut self.pixels);
            }
        }
        Ok(())
    }
}

/// Copies the planes of a frame without what pads their rows. `row_bytes` is the first plane's; chroma planes of
/// I420 have half of it, as V4L2 says.
fn copy_rows(
    bytes: &[u8],
    format: PixelFormat,
    [width, height]: [usize; 2],
    row_bytes: usize,
    pixels: &mut Vec<u8>,
) -> Result<(), DeviceError> {
    let tight = format.row_bytes(width);
    let row_bytes = row_bytes.max(tight);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let planes = match format {
        PixelFormat::Nv12 => vec![(tight, row_bytes, height), (2 * half_width, row_bytes, half_height)],
        PixelFormat::I420 => {
            let chroma = (half_width, row_bytes.div_ceil(2), half_height);
            vec![(tight, row_bytes, height), chroma, chroma]
        }
        _ => vec![(tight, row_bytes, height)],
    };
    let padded: usize = planes.iter().map(|(_, row_bytes, rows)| row_bytes * rows).sum();
    // The last row may lack its padding.
    let needed_bytes = planes.last().map_or(0, |(tight, row_bytes, _)| padded - (row_bytes - tight));
    if bytes.len() < needed_bytes {
        return Err(DeviceError::Short { needed_bytes, available_bytes: bytes.len() });
    }
    pixels.clear();
    let mut rest = bytes;
    for (tight, row_bytes, rows) in planes {
        let (plane, after) = rest.split_at((row_bytes * rows).min(rest.len()));
        plane.chunks(row_bytes).for_each(|row| pixels.extend_from_slice(&row[..tight]));
        rest = after;
    }
    Ok(())
}

impl<D: Driver> Camera for V4l2Camera<D> {
    type Error = DeviceError;
    type Loan<'a>
        = Frame<'a>
    where
        D: 'a;

    /// A damaged frame is passed over, a JPEG that cannot be decoded is an error, once.
    fn read_frame(&mut self) -> nb::Result<Frame<'_>, DeviceError> {
        let filled = self.newest()?;
        let taken = match filled.is_damaged {
            true => Err(nb::Error::WouldBlock),
            false => self.take_in(filled).map_err(nb::Error::Other),
        };
        self.device.queue(filled.index).map_err(DeviceError::of)?;
        if let Err(error) = taken {
            self.counts.truncated = self.counts.truncated.wrapping_add(1);
            return Err(error);
        }
        self.counts.delivered = self.counts.delivered.wrapping_add(1);
        if let (Coding::Jpeg, Some(picture)) = (self.coding, &self.picture) {
            return Ok(picture.frame());
        }
        let format = if let Coding::Plain(format) = self.coding { format } else { PixelFormat::Gray8 };
        let (width, height) = (self.format.width as usize, self.format.height as usize);
        Ok(Frame::new(&self.pixels, width, height, format)
            .expect("the sides are a frame's, and all rows were copied"))
    }

    fn counts(&self) -> CaptureCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
