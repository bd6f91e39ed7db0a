//! Whichever sensor hangs on the bus.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window};

use crate::{Hm01b0, Ov2640, Ov5640, Ov7670, SensorError};

/// One of the sensors with a parallel port.
#[derive(Debug)]
pub enum AnySensor<I, D> {
    /// Himax.
    Hm01b0(Hm01b0<I, D>),
    /// OmniVision, 640 x 480.
    Ov7670(Ov7670<I, D>),
    /// OmniVision, two megapixels.
    Ov2640(Ov2640<I, D>),
    /// OmniVision, five megapixels.
    Ov5640(Ov5640<I, D>),
}

/// Does the same with each sensor.
macro_rules! with {
    ($any:expr, $sensor:ident => $work:expr) => {
        match $any {
            AnySensor::Hm01b0($sensor) => $work,
            AnySensor::Ov7670($sensor) => $work,
            AnySensor::Ov2640($sensor) => $work,
            AnySensor::Ov5640($sensor) => $work,
        }
    };
}

impl<I: I2c, D: DelayNs> AnySensor<I, D> {
    /// Asks at the address of one sensor after the other.
    ///
    /// # Errors
    /// [`SensorError::NotDetected`] of the last when none answers with its id, and [`SensorError::Bus`] at once.
    pub fn detect(bus: I, delay: D) -> Result<Self, SensorError<I::Error>> {
        let makers: [fn(I, D) -> Self; 4] = [
            |bus, delay| AnySensor::Hm01b0(Hm01b0::new(bus, delay)),
            |bus, delay| AnySensor::Ov7670(Ov7670::new(bus, delay)),
            |bus, delay| AnySensor::Ov2640(Ov2640::new(bus, delay)),
            |bus, delay| AnySensor::Ov5640(Ov5640::new(bus, delay)),
        ];
        let (mut bus, mut delay) = (bus, delay);
        let mut missing = SensorError::NotDetected { expected_id: 0, found_id: 0 };
        for make in makers {
            let mut sensor = make(bus, delay);
            match sensor.probe() {
                Ok(_) => return Ok(sensor),
                Err(error @ SensorError::Bus(_)) => return Err(error),
                Err(error) => missing = error,
            }
            (bus, delay) = with!(sensor, sensor => sensor.release());
        }
        Err(missing)
    }

    /// What it sends that a grabber makes Gray8 of: brightness alone, or first of two bytes.
    pub fn gray_source(&self) -> FrameFormat {
        match self {
            AnySensor::Hm01b0(_) => FrameFormat::QVGA_GRAY,
            _ => FrameFormat { pixels: PixelFormat::Yuyv, ..FrameFormat::QVGA_GRAY },
        }
    }

    /// Rows that it sends beyond those of a frame of the size that it was set to.
    pub fn surplus_rows(&self) -> u32 {
        match self {
            AnySensor::Hm01b0(sensor) => sensor.surplus_rows(),
            _ => 0,
        }
    }
}

impl<I: I2c, D: DelayNs> Sensor for AnySensor<I, D> {
    type Error = SensorError<I::Error>;

    fn probe(&mut self) -> Result<u16, Self::Error> {
        with!(self, sensor => sensor.probe())
    }

    fn configure(&mut self, format: FrameFormat) -> Result<(), Self::Error> {
        with!(self, sensor => sensor.configure(format))
    }

    fn set_window(&mut self, window: Window) -> Result<(), Self::Error> {
        with!(self, sensor => sensor.set_window(window))
    }

    fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Self::Error> {
        with!(self, sensor => sensor.set_exposure(exposure))
    }

    fn set_gain(&mut self, gain: Gain) -> Result<(), Self::Error> {
        with!(self, sensor => sensor.set_gain(gain))
    }

    fn set_mirror(&mut self, mirror: Mirror) -> Result<(), Self::Error> {
        with!(self, sensor => sensor.set_mirror(mirror))
    }

    fn set_test_pattern(&mut self, on: bool) -> Result<(), Self::Error> {
        with!(self, sensor => sensor.set_test_pattern(on))
    }

    fn set_standby(&mut self, on: bool) -> Result<(), Self::Error> {
        with!(self, sensor => sensor.set_standby(on))
    }
}
