//! The board: pins, camera, serial port, light, watchdog.
#![allow(unsafe_code)]

use core::fmt;

use embassy_nrf::bind_interrupts;
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::peripherals::{SPI3, TWISPI0, UARTE0};
use embassy_nrf::spim::{self, Spim};
use embassy_nrf::twim::{self, Twim};
use embassy_nrf::uarte::{self, UarteTx};
use embassy_nrf::wdt::{self, Watchdog, WatchdogHandle};
use embedded_hal_bus::spi::{ExclusiveDevice, NoDelay};
use ocelli::{Capture, CaptureError, FrameFormat, PixelFormat, PolledCamera, RingCamera, Sensor};
use ocelli_boards::device::clock::{self, Delay};
use ocelli_boards::device::{self, FRAME_TIMEOUT_US, WATCHDOG_US};
use ocelli_boards::{Board, SLOTS};
use ocelli_sensors::{Arducam, Ov2640};

bind_interrupts!(struct Interrupts {
    SPIM3 => spim::InterruptHandler<SPI3>;
    TWISPI0 => twim::InterruptHandler<TWISPI0>;
    UARTE0 => uarte::InterruptHandler<UARTE0>;
});

const CORE_HZ: u32 = 64_000_000;

/// What the ring holds: the first of two bytes of each pixel in the FIFO.
const FORMAT: FrameFormat = FrameFormat::QVGA_GRAY;

type Fifo = Arducam<ExclusiveDevice<Spim<'static>, Output<'static>, NoDelay>>;
type FifoCamera = PolledCamera<'static, Fifo, fn() -> u64, SLOTS>;
type FifoSensor = Ov2640<Twim<'static>, Delay>;

/// The board, with a camera that delivers [`FORMAT`].
pub struct NanoBoard {
    camera: FifoCamera,
    sensor: FifoSensor,
    led: Output<'static>,
    watchdog: WatchdogHandle,
    serial: UarteTx<'static>,
}

/// Starts clock, sensor and FIFO.
pub fn start() -> NanoBoard {
    let chip = embassy_nrf::init(Default::default());
    // SAFETY: the HAL leaves the core's own peripherals alone, and this runs once, before any interrupt.
    let core = unsafe { cortex_m::Peripherals::steal() };
    clock::start(core.SYST, CORE_HZ);
    let led = Output::new(chip.P0_16, Level::High, OutputDrive::Standard);
    let mut serial = UarteTx::new(chip.UARTE0, Interrupts, chip.P1_03, uarte::Config::default());
    let mut period = wdt::Config::default();
    period.timeout_ticks = (u64::from(WATCHDOG_US) * 32_768 / 1_000_000) as u32;
    let watchdog = match Watchdog::try_new(chip.WDT, period) {
        Ok((_, [watchdog])) => watchdog,
        // It cannot be set again until it has run out.
        Err(_) => device::give_up(format_args!("the watchdog is running"), |bytes| send(&mut serial, bytes)),
    };

    let mut settings = spim::Config::default();
    settings.frequency = spim::Frequency::M8;
    let bus = Spim::new(chip.SPI3, Interrupts, chip.P0_13, chip.P1_08, chip.P1_01, settings);
    let select = Output::new(chip.P0_23, Level::High, OutputDrive::Standard);
    let device = ExclusiveDevice::new_no_delay(bus, select);
    let mut fifo = match device {
        Ok(device) => Arducam::new(device),
        Err(error) => match error {},
    };
    let buffer = cortex_m::singleton!(: [u8; 16] = [0; 16]).expect("a board starts once");
    let bus = Twim::new(chip.TWISPI0, Interrupts, chip.P0_31, chip.P0_02, twim::Config::default(), buffer);
    let mut sensor = Ov2640::new(bus, Delay);
    if let Err(error) = configure(&mut fifo, &mut sensor) {
        device::give_up(format_args!("{error}"), |bytes| send(&mut serial, bytes));
    }

    let (writer, reader) = ocelli_boards::frame_ring!(FORMAT).split();
    let capture = Capture::new(fifo, writer, FRAME_TIMEOUT_US, clock::now_us());
    let camera = PolledCamera::new(capture, RingCamera::new(reader), clock::now_us as fn() -> u64);
    NanoBoard { camera, sensor, led, watchdog, serial }
}

/// Finds both halves of the camera and sets the sensor to two bytes a pixel.
fn configure(fifo: &mut Fifo, sensor: &mut FifoSensor) -> Result<(), CaptureError> {
    fifo.probe()?;
    sensor.probe()?;
    sensor.configure(FrameFormat { pixels: PixelFormat::Yuyv, ..FORMAT })?;
    Ok(())
}

fn send(serial: &mut UarteTx<'static>, bytes: &[u8]) {
    // EasyDMA reads RAM only, and constant text lies in flash.
    let mut buffer = [0; 64];
    for piece in bytes.chunks(buffer.len()) {
        let buffer = &mut buffer[..piece.len()];
        buffer.copy_from_slice(piece);
        // A line that nobody listens to is no reason to stop.
        let _ = serial.blocking_write(buffer);
    }
}

impl Board for NanoBoard {
    type Camera = FifoCamera;
    type Sensor = FifoSensor;

    fn camera(&mut self) -> &mut FifoCamera {
        &mut self.camera
    }

    fn sensor(&mut self) -> &mut FifoSensor {
        &mut self.sensor
    }

    fn now_us(&self) -> u64 {
        clock::now_us()
    }

    fn set_led(&mut self, is_on: bool) {
        self.led.set_level((!is_on).into());
    }

    fn feed_watchdog(&mut self) {
        self.watchdog.pet();
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        device::line(text, |bytes| send(&mut self.serial, bytes));
    }
}
