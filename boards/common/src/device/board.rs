//! A board made of parts: what a device's crate puts together once its pins and clocks are set.

use core::fmt;

use embedded_hal::i2c::I2c;
use ocelli::{Camera, CaptureError, Sensor};
use ocelli_sensors::AnySensor;

use super::clock::{self, Delay};
use super::{give_up, line};
use crate::{Board, Port};

/// A board whose light, watchdog and serial port are closures over the HAL's.
pub struct Device<C, S, L, W, R, T> {
    /// Where frames come from.
    pub camera: C,
    /// What takes the settings.
    pub sensor: S,
    /// Switches the light.
    pub light: L,
    /// Feeds the watchdog.
    pub feed: W,
    /// The next byte that has come in at the serial port.
    pub receive: R,
    /// Sends bytes out of the serial port.
    pub send: T,
}

impl<C, S, L, W, R, T> Port for Device<C, S, L, W, R, T>
where
    W: FnMut(),
    R: FnMut() -> Option<u8>,
    T: FnMut(&[u8]),
{
    fn now_us(&self) -> u64 {
        clock::now_us()
    }

    fn feed_watchdog(&mut self) {
        (self.feed)();
    }

    fn receive(&mut self) -> Option<u8> {
        (self.receive)()
    }

    fn send(&mut self, bytes: &[u8]) {
        (self.send)(bytes);
    }
}

impl<C, S, L, W, R, T> Board for Device<C, S, L, W, R, T>
where
    C: Camera<Error = CaptureError>,
    S: Sensor,
    L: FnMut(bool),
    W: FnMut(),
    R: FnMut() -> Option<u8>,
    T: FnMut(&[u8]),
{
    type Camera = C;
    type Sensor = S;

    fn camera(&mut self) -> &mut C {
        &mut self.camera
    }

    fn sensor(&mut self) -> &mut S {
        &mut self.sensor
    }

    fn set_led(&mut self, is_on: bool) {
        (self.light)(is_on);
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        line(text, &mut self.send);
    }
}

/// The sensor with a parallel port that answers on `bus`, set to what a grabber makes gray frames of. Where there is
/// none, says so by `send` and waits for the watchdog.
pub fn gray_sensor<I: I2c>(bus: I, send: impl FnMut(&[u8])) -> AnySensor<I, Delay> {
    let detected = AnySensor::detect(bus, Delay).and_then(|mut sensor| {
        let format = sensor.gray_source();
        sensor.configure(format).map(|()| sensor)
    });
    detected.unwrap_or_else(|error| give_up(format_args!("{error}"), send))
}
