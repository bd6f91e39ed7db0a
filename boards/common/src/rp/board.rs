//! A Pico-shaped board: clocks, pins, camera, serial port, light, watchdog.

use embassy_rp::bind_interrupts;
use embassy_rp::clocks::{Gpout, GpoutSrc, clk_sys_freq};
use embassy_rp::flash::{Blocking, Flash};
use embassy_rp::gpio::{Level, Output};
use embassy_rp::i2c::{self, I2c};
use embassy_rp::interrupt::{self, InterruptExt};
use embassy_rp::peripherals::{FLASH, PIO0};
use embassy_rp::pio::{self, Pio};
use embassy_rp::uart::{self, Uart};
use embassy_rp::watchdog::Watchdog;
use embassy_time::Duration;
use embedded_hal_nb::serial::Read;
use ocelli::{Capture, FrameFormat, PixelFormat, RingCamera};

use super::grabber::{CAPTURE, PioGrabber, Rows, VerticalSync};
use crate::Board;
use crate::device::{Device, FRAME_TIMEOUT_US, WATCHDOG_US, clock, gray_sensor};
use crate::field::Addressed;

bind_interrupts!(struct Interrupts {
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
    PIO0_IRQ_1 => VerticalSync;
});

/// What the ring holds.
const FORMAT: FrameFormat = FrameFormat::QVGA_GRAY;

/// What the board has of flash.
const FLASH_BYTES: usize = if cfg!(feature = "rp235x") { 4 << 20 } else { 2 << 20 };

/// The flash on QSPI. While it is erased or written nothing can be read from it, so the HAL runs that from RAM, without
/// interrupts, with the other core at rest: up to 400 milliseconds for a block, in which the clock stands still, the camera's
/// frame is lost, and no byte comes in, because who pushes waits for an answer.
type FieldFlash = Addressed<Flash<'static, FLASH, Blocking, FLASH_BYTES>, 0x1000_0000, 256>;

/// Starts clocks, sensor and interrupts, with a camera that delivers [`FrameFormat::QVGA_GRAY`], and the driver of the flash. The wiring stands in the
/// board's crate.
pub fn start() -> (impl Board, FieldFlash) {
    let chip = embassy_rp::init(Default::default());
    // SAFETY: the HAL leaves the core's own peripherals alone, and this runs once, before any interrupt.
    let core = unsafe { cortex_m::Peripherals::steal() };
    clock::start(core.SYST, clk_sys_freq());
    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    watchdog.start(Duration::from_micros(WATCHDOG_US.into()));
    let mut light = Output::new(chip.PIN_25, Level::Low);
    let serial = Uart::new_blocking(chip.UART0, chip.PIN_0, chip.PIN_1, uart::Config::default());
    let (mut serial, mut incoming) = serial.split();
    let mut send = move |bytes: &[u8]| {
        // A line that nobody listens to is no reason to stop.
        let _ = serial.blocking_write(bytes);
    };

    // The sensor answers on its bus only while it has a clock: the crystal's 12 MHz.
    let sensor_clock = Gpout::new(chip.PIN_21);
    sensor_clock.set_src(GpoutSrc::Xosc);
    sensor_clock.set_div(1, 0);
    sensor_clock.enable();
    core::mem::forget(sensor_clock);
    let bus = I2c::new_blocking(chip.I2C0, chip.PIN_5, chip.PIN_4, i2c::Config::default());
    let sensor = gray_sensor(bus, &mut send);

    let Pio { mut common, sm0, sm1, .. } = Pio::new(chip.PIO0, Interrupts);
    let pins = [
        common.make_pio_pin(chip.PIN_6),
        common.make_pio_pin(chip.PIN_7),
        common.make_pio_pin(chip.PIN_8),
        common.make_pio_pin(chip.PIN_9),
        common.make_pio_pin(chip.PIN_10),
        common.make_pio_pin(chip.PIN_11),
        common.make_pio_pin(chip.PIN_12),
        common.make_pio_pin(chip.PIN_13),
        common.make_pio_pin(chip.PIN_14),
        common.make_pio_pin(chip.PIN_15),
        common.make_pio_pin(chip.PIN_16),
    ];
    let rows = Rows {
        width: FORMAT.width.into(),
        height: FORMAT.height.into(),
        skips_colour: sensor.gray_source().pixels == PixelFormat::Yuyv,
        surplus: sensor.surplus_rows(),
    };
    let grabber = PioGrabber::new(&mut common, sm0, sm1, chip.DMA_CH0, &pins.each_ref(), rows);
    // State machines and pins stay as they are for ever.
    core::mem::forget((common, pins));
    let (writer, reader) = crate::frame_ring!(FORMAT).split();
    CAPTURE.install(Capture::new(grabber, writer, FRAME_TIMEOUT_US, clock::now_us()));
    clock::on_tick(|now_us| CAPTURE.check_timeout(now_us));
    // SAFETY: everything that the handler touches is in place.
    unsafe { interrupt::PIO0_IRQ_1.enable() };
    let device = Device {
        camera: RingCamera::new(reader),
        sensor,
        light: move |is_on: bool| light.set_level(is_on.into()),
        feed: move || watchdog.feed(Duration::from_micros(WATCHDOG_US.into())),
        receive: move || incoming.read().ok(),
        send,
    };
    (device, Addressed(Flash::new_blocking(chip.FLASH)))
}
