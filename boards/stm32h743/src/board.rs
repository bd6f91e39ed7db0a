//! The board: clocks, pins, camera, serial port, light, watchdog.
#![allow(unsafe_code)]

use embassy_stm32::Peri;
use embassy_stm32::bind_interrupts;
use embassy_stm32::gpio::{AfType, AnyPin, Flex, Level, Output, Pull, Speed};
use embassy_stm32::i2c::{self, I2c};
use embassy_stm32::interrupt::{self, InterruptExt};
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, HSIPrescaler, Mco, Mco1Source, McoConfig, McoPrescaler, Pll, PllDiv, PllMul,
    PllPreDiv, PllSource, Sysclk, VoltageScale,
};
use embassy_stm32::usart::{self, Uart};
use embassy_stm32::wdg::IndependentWatchdog;
use embedded_hal_nb::serial::Read;
use ocelli::{Capture, RingCamera};
use ocelli_boards::Board;
use ocelli_boards::device::{Device, FRAME_TIMEOUT_US, WATCHDOG_US, clock, gray_sensor};

use crate::flash::{FieldFlash, field_flash};
use crate::grabber::{CAPTURE, DcmiGrabber, FORMAT, VerticalSync};

bind_interrupts!(struct Interrupts {
    DCMI => VerticalSync;
});

/// What the core runs at.
const CORE_HZ: u32 = 400_000_000;

/// The function of every DCMI pin: datasheet DS12110, tables 9 to 18.
const DCMI_FUNCTION: u8 = 13;

/// Starts clocks, sensor and interrupts, with a camera that delivers [`FORMAT`], and the driver of the flash.
pub fn start() -> (impl Board, FieldFlash) {
    let chip = embassy_stm32::init(clocks());
    // SAFETY: the HAL leaves the core's own peripherals alone, and this runs once, before any interrupt.
    let mut core = unsafe { cortex_m::Peripherals::steal() };
    core.SCB.enable_icache();
    core.SCB.enable_dcache(&mut core.CPUID);
    clock::start(core.SYST, CORE_HZ);
    let mut watchdog = IndependentWatchdog::new(chip.IWDG1, WATCHDOG_US);
    watchdog.unleash();
    #[cfg(feature = "weact")]
    let (light, transmit, receive, data_5) = (chip.PE3, chip.PB10, chip.PB11, chip.PD3);
    #[cfg(all(feature = "openmv", not(feature = "weact")))]
    let (light, transmit, receive, data_5) = (chip.PC1, chip.PB10, chip.PB11, chip.PB6);
    #[cfg(not(any(feature = "weact", feature = "openmv")))]
    let (light, transmit, receive, data_5) = (chip.PB0, chip.PD8, chip.PD9, chip.PB6);
    let mut light = Output::new(light, Level::from(LIGHT_IS_LOW), Speed::Low);
    let serial = Uart::new_blocking(chip.USART3, receive, transmit, usart::Config::default());
    let (mut serial, mut incoming) = serial.expect("115,200 baud divide the bus clock").split();
    let mut send = move |bytes: &[u8]| {
        // A line that nobody listens to is no reason to stop.
        let _ = serial.blocking_write(bytes);
    };

    // The sensor answers on its bus only while it has a clock: 64 MHz over 4.
    let mut divided = McoConfig::default();
    divided.prescaler = McoPrescaler::DIV4;
    core::mem::forget(Mco::new(chip.MCO1, chip.PA8, Mco1Source::HSI, divided));
    let bus = I2c::new_blocking(chip.I2C1, chip.PB8, chip.PB9, i2c::Config::default());
    let sensor = gray_sensor(bus, &mut send);

    let data: [Peri<'static, AnyPin>; 8] = [
        chip.PC6.into(),
        chip.PC7.into(),
        chip.PE0.into(),
        chip.PE1.into(),
        chip.PE4.into(),
        data_5.into(),
        chip.PE5.into(),
        chip.PE6.into(),
    ];
    let syncs: [Peri<'static, AnyPin>; 3] = [chip.PA6.into(), chip.PA4.into(), chip.PB7.into()];
    data.into_iter().chain(syncs).for_each(give_to_dcmi);
    let grabber = DcmiGrabber::new();
    let (writer, reader) = ocelli_boards::frame_ring!(FORMAT).split();
    CAPTURE.install(Capture::new(grabber, writer, FRAME_TIMEOUT_US, clock::now_us()));
    clock::on_tick(|now_us| CAPTURE.check_timeout(now_us));
    // SAFETY: everything that the handler touches is in place.
    unsafe { interrupt::DCMI.enable() };
    let device = Device {
        camera: RingCamera::new(reader),
        sensor,
        light: move |is_on: bool| light.set_level((is_on != LIGHT_IS_LOW).into()),
        feed: move || watchdog.pet(),
        receive: move || incoming.read().ok(),
        send,
    };
    (device, field_flash(chip.FLASH))
}

/// The internal oscillator's 64 MHz, over 4, times 50, over 2; buses at half and a quarter of that.
fn clocks() -> embassy_stm32::Config {
    let mut config = embassy_stm32::Config::default();
    let rcc = &mut config.rcc;
    rcc.hsi = Some(HSIPrescaler::DIV1);
    rcc.pll1 = Some(Pll {
        source: PllSource::HSI,
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL50,
        fracn: None,
        divp: Some(PllDiv::DIV2),
        divq: None,
        divr: None,
    });
    rcc.sys = Sysclk::PLL1_P;
    rcc.ahb_pre = AHBPrescaler::DIV2;
    rcc.apb1_pre = APBPrescaler::DIV2;
    rcc.apb2_pre = APBPrescaler::DIV2;
    rcc.apb3_pre = APBPrescaler::DIV2;
    rcc.apb4_pre = APBPrescaler::DIV2;
    rcc.voltage_scale = VoltageScale::Scale1;
    config
}

fn give_to_dcmi(pin: Peri<'static, AnyPin>) {
    let mut pin = Flex::new(pin);
    pin.set_as_af_unchecked(DCMI_FUNCTION, AfType::input(Pull::None));
    // Dropped, it would become an analog pin.
    core::mem::forget(pin);
}

/// Whether the light is on when its pin is low.
const LIGHT_IS_LOW: bool = cfg!(feature = "openmv");
