//! The two halves of a microcontroller's camera: a sensor that is set up over a slow bus, and a grabber that moves
//! its pixels into memory.
//!
//! They are apart because boards combine them freely: the same sensor hangs on a DCMI, on PIO or on a FIFO.

use crate::{CaptureError, FrameFormat};

/// A sensor's settings, over I2C as a rule.
pub trait Sensor {
    /// What can go wrong on the way there.
    type Error: core::fmt::Debug + Into<CaptureError>;

    /// Asks the chip who it is; gives its id.
    ///
    /// # Errors
    /// A bus that does not answer, and another chip's id.
    fn probe(&mut self) -> Result<u16, Self::Error>;

    /// Resets the sensor and sets it to frames of this size and format.
    ///
    /// # Errors
    /// A bus that does not answer, and a format that the sensor does not have.
    fn configure(&mut self, format: FrameFormat) -> Result<(), Self::Error>;

    /// Shows a part of what the lens sees in the frame; the frame keeps its size.
    ///
    /// # Errors
    /// A bus that does not answer, and a window that the sensor cannot cut.
    fn set_window(&mut self, window: Window) -> Result<(), Self::Error>;

    /// How long a pixel collects light.
    ///
    /// # Errors
    /// A bus that does not answer.
    fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Self::Error>;

    /// How much the signal is amplified.
    ///
    /// # Errors
    /// A bus that does not answer.
    fn set_gain(&mut self, gain: Gain) -> Result<(), Self::Error>;

    /// Turns the picture over.
    ///
    /// # Errors
    /// A bus that does not answer.
    fn set_mirror(&mut self, mirror: Mirror) -> Result<(), Self::Error>;

    /// Sends bars instead of a picture, or a picture again.
    ///
    /// # Errors
    /// A bus that does not answer.
    fn set_test_pattern(&mut self, on: bool) -> Result<(), Self::Error>;

    /// Stops the sensor until it is woken; settings stay.
    ///
    /// # Errors
    /// A bus that does not answer.
    fn set_standby(&mut self, on: bool) -> Result<(), Self::Error>;
}

/// A rectangle of the sensor's array, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    /// Left edge.
    pub x: u16,
    /// Upper edge.
    pub y: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

impl Window {
    /// Whether all of it lies in `outer`, and it is not empty.
    pub fn is_inside(&self, outer: Window) -> bool {
        let end = |start: u16, length: u16| u32::from(start) + u32::from(length);
        self.width > 0
            && self.height > 0
            && self.x >= outer.x
            && self.y >= outer.y
            && end(self.x, self.width) <= end(outer.x, outer.width)
            && end(self.y, self.height) <= end(outer.y, outer.height)
    }
}

/// How long a pixel collects light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Exposure {
    /// The sensor decides.
    Auto,
    /// So many of the sensor's row times.
    Rows(u16),
}

/// How much the signal is amplified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Gain {
    /// The sensor decides.
    Auto,
    /// In sixteenths: 16 is no gain. The nearest that the sensor has is taken.
    Sixteenths(u16),
}

/// Which way the picture is turned over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mirror {
    /// Left and right change places.
    pub horizontal: bool,
    /// Top and bottom change places.
    pub vertical: bool,
}

/// What moves a sensor's pixels into memory: DMA behind a parallel port or a PIO program, or reads from a FIFO.
///
/// It owns a buffer from `begin` to `end`, so that nobody else can touch what the hardware writes.
pub trait FrameGrabber {
    /// Moves the frame that starts now, or next, into `buffer`, from its first byte on.
    fn begin(&mut self, buffer: &'static mut [u8]);

    /// Bytes of the frame that are in memory. A grabber without DMA moves some more of them first.
    ///
    /// # Errors
    /// [`CaptureError::Overrun`] and [`CaptureError::Bus`]: the frame is lost.
    fn received_bytes(&mut self) -> Result<usize, CaptureError>;

    /// Stops the hardware and gives the buffer back, with the caches such that the processor sees what came.
    /// `None` when no frame was begun.
    fn end(&mut self) -> Option<&'static mut [u8]>;
}
