//! Why a sensor does not take a setting.

use embedded_hal::i2c;
use ocelli_core::{CaptureError, FrameFormat, Window};

/// Why a sensor does not take a setting; `E` is the bus's own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SensorError<E> {
    /// The bus failed. What was set before stays set.
    Bus(E),
    /// Nothing answers at the sensor's address, which reads as id 0, or another chip does.
    NotDetected {
        /// The sensor's chip id.
        expected_id: u16,
        /// What was read.
        found_id: u16,
    },
    /// The sensor does not have this size or pixel format.
    Format(FrameFormat),
    /// The sensor cannot cut this window to the frame's size.
    Window(Window),
}

impl<E: core::fmt::Debug> core::fmt::Display for SensorError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SensorError::Bus(error) => write!(f, "the sensor's bus failed: {error:?}"),
            SensorError::NotDetected { expected_id, found_id } => {
                write!(f, "the sensor's chip id is {found_id:#06x}, not {expected_id:#06x}")
            }
            SensorError::Format(FrameFormat { width, height, pixels }) => {
                write!(f, "the sensor has no {width}x{height} {pixels:?}")
            }
            SensorError::Window(window) => write!(f, "the sensor cannot cut {window:?}"),
        }
    }
}

impl<E: core::fmt::Debug> core::error::Error for SensorError<E> {}

impl<E> From<SensorError<E>> for CaptureError {
    fn from(error: SensorError<E>) -> CaptureError {
        match error {
            SensorError::Bus(_) => CaptureError::Bus,
            SensorError::NotDetected { expected_id, found_id } => {
                CaptureError::NotDetected { expected_id, found_id }
            }
            SensorError::Format(_) | SensorError::Window(_) => CaptureError::UnsupportedFormat,
        }
    }
}

/// Compares a chip's id; an address that nobody acknowledges is a sensor that is not there.
pub(crate) fn check_id<E: i2c::Error>(
    read: Result<u16, SensorError<E>>,
    expected_id: u16,
) -> Result<u16, SensorError<E>> {
    match read {
        Ok(id) if id == expected_id => Ok(id),
        Ok(found_id) => Err(SensorError::NotDetected { expected_id, found_id }),
        Err(SensorError::Bus(error)) if matches!(error.kind(), i2c::ErrorKind::NoAcknowledge(_)) => {
            Err(SensorError::NotDetected { expected_id, found_id: 0 })
        }
        Err(error) => Err(error),
    }
}
