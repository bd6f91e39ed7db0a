//! A camera whose interrupt is the system timer: one row of pixels a tick, vertical syncs, and faults at known frames.
//!
//! It stands for a parallel port with DMA: pixels change while the program runs. Every pixel follows from the
//! frame's number and its place, so a frame that is torn shows; every fault is counted here as well, so what the ring
//! counts can be compared.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use ocelli::{
    Capture, CaptureError, Exposure, FrameFormat, FrameGrabber, Gain, Mirror, PixelFormat, RingWriter,
    Sensor, Window,
};
use ocelli_boards::SharedCapture;

/// What it sends.
pub const FORMAT: FrameFormat = FrameFormat { width: 32, height: 24, pixels: PixelFormat::Gray8 };

/// Ticks of a frame: a row each, one of vertical blank.
const FRAME_TICKS: u32 = FORMAT.height as u32 + 1;

/// What a tick stands for.
const TICK_US: u32 = 100;

/// Two and a half frames.
const TIMEOUT_US: u32 = FRAME_TICKS * TICK_US * 5 / 2;

/// Timer counts in a tick, some 8,000 instructions: a few frames in the time of an inference.
const TICK_COUNTS: u32 = 200;

/// What goes wrong with a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Half of the rows are missing: a cable that comes loose.
    Short,
    /// A row too many.
    Long,
    /// The hardware says that the transfer failed.
    Bus,
    /// The vertical sync before it stays away for three frames.
    Stuck,
}

impl Fault {
    fn of(number: u32) -> Fault {
        match number {
            _ if number % 97 == 13 => Fault::Short,
            _ if number % 101 == 7 => Fault::Long,
            _ if number % 103 == 5 => Fault::Bus,
            _ if number % 1009 == 500 => Fault::Stuck,
            _ => Fault::None,
        }
    }
}

/// What the camera knows that it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that began.
    pub begun: u32,
    /// Faults in frames that somebody was filling a buffer with, under the cause that they should get.
    pub truncated: u32,
    /// Frames that were too long.
    pub overrun: u32,
    /// Failed transfers.
    pub bus: u32,
    /// Syncs that stayed away.
    pub timeout: u32,
    /// Of these, those that cost no frame, because none was being filled.
    pub idle_timeout: u32,
}

/// The hardware: a buffer and how far it is filled.
pub struct SimulatedGrabber {
    buffer: Option<&'static mut [u8]>,
    received: usize,
    bus_failed: bool,
    sensor: RowClock,
}

/// Where the sensor is.
#[derive(Default)]
struct RowClock {
    /// In this frame, 0 is the sync.
    tick: u32,
    number: u32,
    sends_bars: bool,
    stuck_ticks: u32,
    /// Whether the sync of this frame has stayed away already.
    was_stuck: bool,
    tally: Tally,
}

impl RowClock {
    fn start_frame(&mut self, number: u32) {
        (self.number, self.tick, self.was_stuck) = (number, 0, false);
    }
}

impl Tally {
    /// A frame ended in a buffer.
    fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Short => self.truncated += 1,
            Fault::Long => self.overrun += 1,
            Fault::Bus => self.bus += 1,
            Fault::None | Fault::Stuck => {}
        }
    }
}

impl SimulatedGrabber {
    fn send_row(&mut self, number: u32, y: u32) {
        let (width, sends_bars) = (usize::from(FORMAT.width), self.sensor.sends_bars);
        if let Some(buffer) = &mut self.buffer {
            if let Some(row) = buffer.get_mut(self.received..self.received + width) {
                row.iter_mut().zip(0..).for_each(|(byte, x)| *byte = pixel(number, x, y, sends_bars));
            }
            self.received += width;
        }
    }
}

impl FrameGrabber for SimulatedGrabber {
    fn begin(&mut self, buffer: &'static mut [u8]) {
        self.buffer = Some(buffer);
        self.received = 0;
        self.bus_failed = false;
    }

    fn received_bytes(&mut self) -> Result<usize, CaptureError> {
        let needed_bytes = FORMAT.bytes();
        match self.received {
            _ if self.bus_failed => Err(CaptureError::Bus),
            received if received > needed_bytes => {
                Err(CaptureError::Overrun { needed_bytes: needed_bytes as u32 })
            }
            received => Ok(received),
        }
    }

    fn end(&mut self) -> Option<&'static mut [u8]> {
        self.buffer.take()
    }
}

/// A pixel of a frame: bars, or noise that no other frame or place has.
pub fn pixel(number: u32, x: u32, y: u32, is_bars: bool) -> u8 {
    if is_bars { 240 - (x / 4 * 30) as u8 } else { (number * 151 + y * 29 + x * 7) as u8 }
}

static CAPTURE: SharedCapture<SimulatedGrabber> = SharedCapture::new();

static TICKS: AtomicU32 = AtomicU32::new(0);

/// 1 while the sensor sends bars.
static BARS: AtomicU32 = AtomicU32::new(0);

/// Starts the sensor and its interrupt.
pub fn start(writer: RingWriter<'static, 2>, mut timer: SYST) -> SYST {
    let sensor = RowClock::default();
    let grabber = SimulatedGrabber { buffer: None, received: 0, bus_failed: false, sensor };
    CAPTURE.install(Capture::new(grabber, writer, TIMEOUT_US, 0));
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(TICK_COUNTS - 1);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
    timer
}

/// What it did so far, and whether it is filling a buffer.
pub fn tally() -> (Tally, bool) {
    let read = |capture: &mut Capture<'static, SimulatedGrabber, 2>| {
        let grabber = capture.grabber();
        (grabber.sensor.tally, grabber.buffer.is_some())
    };
    CAPTURE.with(read).unwrap_or_default()
}

/// Ticks since the start.
pub fn ticks() -> u32 {
    TICKS.load(Relaxed)
}

/// Microseconds since the start.
pub fn now_us() -> u64 {
    u64::from(ticks()) * u64::from(TICK_US)
}

#[exception]
fn SysTick() {
    TICKS.store(ticks().wrapping_add(1), Relaxed);
    CAPTURE.with(tick);
}

/// What the hardware does in the time of a row.
fn tick(capture: &mut Capture<'static, SimulatedGrabber, 2>) {
    let now_us = now_us();
    capture.check_timeout(now_us);
    let grabber = capture.grabber();
    let is_filling = grabber.buffer.is_some();
    let sensor = &mut grabber.sensor;
    if sensor.stuck_ticks > 0 {
        sensor.stuck_ticks -= 1;
        return;
    }
    let (number, fault) = (sensor.number, Fault::of(sensor.number));
    if sensor.tick > 0 {
        let y = sensor.tick - 1;
        sensor.tick += 1;
        if fault != Fault::Short || y < u32::from(FORMAT.height) / 2 {
            grabber.send_row(number, y);
        }
        if y + 1 == u32::from(FORMAT.height) {
            match fault {
                Fault::Long => grabber.send_row(number, 0),
                Fault::Bus => grabber.bus_failed = true,
                _ => {}
            }
            grabber.sensor.start_frame(number + 1);
        }
        return;
    }
    if fault == Fault::Stuck && !sensor.was_stuck {
        sensor.was_stuck = true;
        sensor.stuck_ticks = 3 * FRAME_TICKS;
        sensor.tally.timeout += 1;
        sensor.tally.idle_timeout += u32::from(!is_filling);
        return;
    }
    if is_filling {
        sensor.tally.add(Fault::of(number.wrapping_sub(1)));
    }
    sensor.tally.begun += 1;
    sensor.tick = 1;
    sensor.sends_bars = BARS.load(Relaxed) == 1;
    capture.frame_boundary(now_us);
}

/// A sensor without a bus.
pub struct SimulatedSensor;

impl Sensor for SimulatedSensor {
    type Error = CaptureError;

    fn probe(&mut self) -> Result<u16, CaptureError> {
        Ok(0x0CE1)
    }

    fn configure(&mut self, format: FrameFormat) -> Result<(), CaptureError> {
        if format == FORMAT { Ok(()) } else { Err(CaptureError::UnsupportedFormat) }
    }

    fn set_window(&mut self, _: Window) -> Result<(), CaptureError> {
        Err(CaptureError::UnsupportedFormat)
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

    fn set_test_pattern(&mut self, is_on: bool) -> Result<(), CaptureError> {
        BARS.store(u32::from(is_on), Relaxed);
        Ok(())
    }

    fn set_standby(&mut self, _: bool) -> Result<(), CaptureError> {
        Ok(())
    }
}
