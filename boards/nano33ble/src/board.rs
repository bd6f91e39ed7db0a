//! The board: pins, camera, serial port, light, watchdog.
#![allow(unsafe_code)]

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embassy_nrf::bind_interrupts;
use embassy_nrf::buffered_uarte::{self, BufferedUarte, BufferedUarteRx, BufferedUarteTx};
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::nvmc::Nvmc;
use embassy_nrf::peripherals::{SPI3, TWISPI0, UARTE0};
use embassy_nrf::spim::{self, Spim};
use embassy_nrf::twim::{self, Twim};
use embassy_nrf::uarte;
use embassy_nrf::wdt::{self, Watchdog};
use embedded_hal_bus::spi::{ExclusiveDevice, NoDelay};
use ocelli::{Capture, CaptureError, FrameFormat, PixelFormat, PolledCamera, RingCamera, Sensor};
use ocelli_boards::Board;
use ocelli_boards::device::clock::{self, Delay};
use ocelli_boards::device::{Device, FRAME_TIMEOUT_US, WATCHDOG_US, give_up};
use ocelli_boards::field::Addressed;
use ocelli_sensors::{Arducam, Ov2640};

bind_interrupts!(struct Interrupts {
    SPIM3 => spim::InterruptHandler<SPI3>;
    TWISPI0 => twim::InterruptHandler<TWISPI0>;
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
});

const CORE_HZ: u32 = 64_000_000;

/// What the ring holds: the first of two bytes of each pixel in the FIFO.
const FORMAT: FrameFormat = FrameFormat::QVGA_GRAY;

type Fifo = Arducam<ExclusiveDevice<Spim<'static>, Output<'static>, NoDelay>>;
type FifoSensor = Ov2640<Twim<'static>, Delay>;

/// The flash of the chip, which begins at address 0. While it is erased or written the core stands still, up to 90 milliseconds
/// for a block; bytes that come in meanwhile wait in RAM.
type FieldFlash = Addressed<Nvmc<'static>, 0, 4>;

/// Bytes that may come in until somebody looks, which is after each inference.
const INCOMING_BYTES: usize = 512;

/// Starts clock, sensor and FIFO, with a camera that delivers [`FORMAT`], and the driver of the flash.
pub fn start() -> (impl Board, FieldFlash) {
    let chip = embassy_nrf::init(Default::default());
    // SAFETY: the HAL leaves the core's own peripherals alone, and this runs once, before any interrupt.
    let core = unsafe { cortex_m::Peripherals::steal() };
    clock::start(core.SYST, CORE_HZ);
    let mut light = Output::new(chip.P0_16, Level::High, OutputDrive::Standard);
    let serial = BufferedUarte::new(
        chip.UARTE0,
        chip.TIMER0,
        chip.PPI_CH0,
        chip.PPI_CH1,
        chip.PPI_GROUP0,
        chip.P1_10,
        chip.P1_03,
        Interrupts,
        uarte::Config::default(),
        cortex_m::singleton!(: [u8; INCOMING_BYTES] = [0; INCOMING_BYTES]).expect("a board starts once"),
        cortex_m::singleton!(: [u8; 64] = [0; 64]).expect("a board starts once"),
    );
    let (mut incoming, mut serial) = serial.split();
    let mut send = move |bytes: &[u8]| write(&mut serial, bytes);
    let mut period = wdt::Config::default();
    period.timeout_ticks = (u64::from(WATCHDOG_US) * 32_768 / 1_000_000) as u32;
    let mut watchdog = match Watchdog::try_new(chip.WDT, period) {
        Ok((_, [watchdog])) => watchdog,
        // It cannot be set again until it has run out.
        Err(_) => give_up(format_args!("the watchdog is running"), &mut send),
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
        give_up(format_args!("{error}"), &mut send);
    }

    let (writer, reader) = ocelli_boards::frame_ring!(FORMAT).split();
    let capture = Capture::new(fifo, writer, FRAME_TIMEOUT_US, clock::now_us());
    let camera = PolledCamera::new(capture, RingCamera::new(reader), clock::now_us as fn() -> u64);
    let device = Device {
        camera,
        sensor,
        light: move |is_on: bool| light.set_level((!is_on).into()),
        feed: move || watchdog.pet(),
        receive: move || read(&mut incoming),
        send,
    };
    (device, Addressed(Nvmc::new(chip.NVMC)))
}

/// Finds both halves of the camera and sets the sensor to two bytes a pixel.
fn configure(fifo: &mut Fifo, sensor: &mut FifoSensor) -> Result<(), CaptureError> {
    fifo.probe()?;
    sensor.probe()?;
    sensor.configure(FrameFormat { pixels: PixelFormat::Yuyv, ..FORMAT })?;
    Ok(())
}

fn write(serial: &mut BufferedUarteTx<'static>, mut bytes: &[u8]) {
    // A line that nobody listens to is no reason to stop.
    while let Ok(written) = serial.try_write(bytes)
        && written < bytes.len()
    {
        bytes = &bytes[written..];
    }
}

/// The next byte, if one has come.
fn read(incoming: &mut BufferedUarteRx<'static>) -> Option<u8> {
    let look = pin!(incoming.fill_buf()).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(bytes)) = look else { return None };
    let byte = bytes.first().copied();
    incoming.consume(1);
    byte
}
