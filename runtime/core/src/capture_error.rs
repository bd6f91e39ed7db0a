//! Why the capture stage has no frame, by cause, and how often each cause occurred.

/// Why there is no frame. The same for every board, so that a program can say what to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CaptureError {
    /// The bus to the sensor did not answer, was held low or lost an arbitration: look at wires and pull-ups.
    Bus,
    /// Something answered that is not the sensor; an id of 0 is also what an empty SPI bus reads.
    NotDetected {
        /// The sensor's chip id.
        expected_id: u16,
        /// What was read.
        found_id: u16,
    },
    /// The sensor or the grabber cannot do the size, format or window that was asked for.
    UnsupportedFormat,
    /// Pixels came that found no place: the DMA was late, or the frame is longer than its format says.
    Overrun {
        /// What the format needs.
        needed_bytes: u32,
    },
    /// The frame ended early: pixel clock or cable, or a sensor set to a smaller size.
    Truncated {
        /// What the format needs.
        needed_bytes: u32,
        /// What came.
        received_bytes: u32,
    },
    /// No frame began or ended: unplugged, or its vertical sync is stuck.
    Timeout {
        /// How long was waited.
        waited_us: u32,
    },
}

impl core::fmt::Display for CaptureError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            CaptureError::Bus => f.write_str("the sensor's bus does not answer: check wires and pull-ups"),
            CaptureError::NotDetected { expected_id, found_id } => {
                write!(f, "the sensor's chip id is {found_id:#06x}, not {expected_id:#06x}")
            }
            CaptureError::UnsupportedFormat => f.write_str("the camera cannot do this size or pixel format"),
            CaptureError::Overrun { needed_bytes } => {
                write!(f, "pixels were lost, or the frame is longer than {needed_bytes} bytes")
            }
            CaptureError::Truncated { needed_bytes, received_bytes } => {
                write!(f, "the frame ended after {received_bytes} of {needed_bytes} bytes")
            }
            CaptureError::Timeout { waited_us } => {
                write!(f, "no frame for {waited_us} microseconds: check power, pixel clock and vertical sync")
            }
        }
    }
}

impl core::error::Error for CaptureError {}

/// What became of the frames since the camera was opened. Every frame that began is in one of these, in a
/// buffer, or being filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CaptureCounts {
    /// Lent to a reader.
    pub delivered: u32,
    /// Complete or never begun, and lost because nobody read in time.
    pub dropped: u32,
    /// Lost to the bus.
    pub bus: u32,
    /// Lost to a missing or different sensor.
    pub not_detected: u32,
    /// Lost to a format that cannot be had.
    pub unsupported_format: u32,
    /// Lost to an overrun.
    pub overrun: u32,
    /// Ended early.
    pub truncated: u32,
    /// Never ended, or never began.
    pub timeout: u32,
}

impl CaptureCounts {
    /// Counts one loss under its cause.
    pub fn add(&mut self, cause: CaptureError) {
        let count = match cause {
            CaptureError::Bus => &mut self.bus,
            CaptureError::NotDetected { .. } => &mut self.not_detected,
            CaptureError::UnsupportedFormat => &mut self.unsupported_format,
            CaptureError::Overrun { .. } => &mut self.overrun,
            CaptureError::Truncated { .. } => &mut self.truncated,
            CaptureError::Timeout { .. } => &mut self.timeout,
        };
        *count = count.wrapping_add(1);
    }

    /// Frames lost to any error; drops are none.
    pub fn failed(&self) -> u32 {
        let causes = [
            self.bus,
            self.not_detected,
            self.unsupported_format,
            self.overrun,
            self.truncated,
            self.timeout,
        ];
        causes.into_iter().fold(0, u32::wrapping_add)
    }
}
