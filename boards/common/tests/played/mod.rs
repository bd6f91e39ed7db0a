//! A board that a test plays: a camera that brings what it is told to, and somebody at the serial port.
#![allow(dead_code, reason = "each test uses a part")]

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use ocelli::{Camera, CaptureError, Exposure, Frame, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window};
use ocelli_boards::{Board, Port};

pub use pusher::Pusher;

mod pusher;

pub const WIDTH: usize = 64;
pub const HEIGHT: usize = 48;

/// A camera that sees one brightness, bars when the sensor says so, and fails as often as it is told.
pub struct PlayedCamera {
    bytes: Vec<u8>,
    sends_bars: Rc<Cell<bool>>,
    /// Calls without a frame between two frames.
    waits: u32,
    waited: u32,
    pub failures: u32,
    /// Frames until it is unplugged.
    pub frames_left: u32,
}

impl Camera for PlayedCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        self.waited += 1;
        if self.waited <= self.waits {
            return Err(nb::Error::WouldBlock);
        }
        self.waited = 0;
        if self.failures > 0 || self.frames_left == 0 {
            self.failures = self.failures.saturating_sub(1);
            return Err(nb::Error::Other(CaptureError::Bus));
        }
        self.frames_left -= 1;
        for (index, byte) in self.bytes.iter_mut().enumerate() {
            *byte = if self.sends_bars.get() { 240 - (index % WIDTH / 8 * 30) as u8 } else { 77 };
        }
        Ok(Frame::new(&self.bytes, WIDTH, HEIGHT, PixelFormat::Gray8).unwrap())
    }
}

pub struct PlayedSensor {
    pub is_there: bool,
    pub sends_bars: Rc<Cell<bool>>,
}

impl Sensor for PlayedSensor {
    type Error = CaptureError;

    fn probe(&mut self) -> Result<u16, CaptureError> {
        let absent = CaptureError::NotDetected { expected_id: 0x7673, found_id: 0 };
        if self.is_there { Ok(0x7673) } else { Err(absent) }
    }

    fn configure(&mut self, _: FrameFormat) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_window(&mut self, _: Window) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_exposure(&mut self, _: Exposure) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_gain(&mut self, _: Gain) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_mirror(&mut self, _: Mirror) -> Result<(), CaptureError> {
        Ok(())
    }

    fn set_test_pattern(&mut self, on: bool) -> Result<(), CaptureError> {
        self.sends_bars.set(on);
        Ok(())
    }

    fn set_standby(&mut self, _: bool) -> Result<(), CaptureError> {
        Ok(())
    }
}

pub struct PlayedBoard {
    pub camera: PlayedCamera,
    pub sensor: PlayedSensor,
    /// Goes on by half a second with every look.
    clock_us: Cell<u64>,
    pub lines: Vec<String>,
    pub fed: u32,
    pub lit: u32,
    /// Bytes that come in at the serial port first, the last one first.
    pub incoming: Vec<u8>,
    /// Who pushes models over the serial port, if anybody.
    pub pusher: Option<Pusher>,
}

impl PlayedBoard {
    pub fn new(waits: u32, failures: u32) -> PlayedBoard {
        let sends_bars = Rc::new(Cell::new(false));
        let bytes = vec![0; WIDTH * HEIGHT];
        let camera = PlayedCamera {
            bytes,
            sends_bars: sends_bars.clone(),
            waits,
            waited: 0,
            failures,
            frames_left: u32::MAX,
        };
        let sensor = PlayedSensor { is_there: true, sends_bars };
        PlayedBoard {
            camera,
            sensor,
            clock_us: Cell::new(0),
            lines: Vec::new(),
            fed: 0,
            lit: 0,
            incoming: Vec::new(),
            pusher: None,
        }
    }

    pub fn tells(&self, line: &str) -> bool {
        self.lines.iter().any(|told| told == line)
    }
}

impl Port for PlayedBoard {
    fn now_us(&self) -> u64 {
        self.clock_us.set(self.clock_us.get() + 500_000);
        self.clock_us.get()
    }

    fn feed_watchdog(&mut self) {
        self.fed += 1;
    }

    fn receive(&mut self) -> Option<u8> {
        self.incoming.pop().or_else(|| self.pusher.as_mut()?.send())
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Some(pusher) = &mut self.pusher {
            bytes.iter().for_each(|&byte| pusher.receive(byte));
        }
    }
}

impl Board for PlayedBoard {
    type Camera = PlayedCamera;
    type Sensor = PlayedSensor;

    fn camera(&mut self) -> &mut PlayedCamera {
        &mut self.camera
    }

    fn sensor(&mut self) -> &mut PlayedSensor {
        &mut self.sensor
    }

    fn set_led(&mut self, is_on: bool) {
        self.lit += u32::from(is_on);
    }

    /// Text goes out where answers do.
    fn line(&mut self, text: fmt::Arguments<'_>) {
        self.send(text.to_string().as_bytes());
        self.lines.push(text.to_string());
    }
}
