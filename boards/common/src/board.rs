//! What a program needs of a board.

use core::fmt;

use ocelli::{Camera, CaptureError, Sensor};

use crate::Port;

/// A board with a camera, as the programs see it. They feed its watchdog for every frame and every error that is told.
pub trait Board: Port {
    /// Where frames come from.
    type Camera: Camera<Error = CaptureError>;

    /// What takes the settings.
    type Sensor: Sensor;

    /// The camera.
    fn camera(&mut self) -> &mut Self::Camera;

    /// The sensor.
    fn sensor(&mut self) -> &mut Self::Sensor;

    /// Switches the light that says that something was seen.
    fn set_led(&mut self, is_on: bool);

    /// The emit stage: one line of text, without its end.
    fn line(&mut self, text: fmt::Arguments<'_>);
}
