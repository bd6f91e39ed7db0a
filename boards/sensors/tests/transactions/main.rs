//! Every public function of every sensor, byte by byte on a mock bus; then once more for each transfer of it, which fails.
//!
//! A script is what has to go over the bus. Played whole, the function succeeds; cut at transfer `n`, where the bus reports an
//! error, the function returns that error and sends nothing more. The number of such cuts is printed.

mod any;
mod hm01b0;
mod ov2640;
mod ov5640;
mod ov7670;

use std::sync::atomic::{AtomicUsize, Ordering};

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::delay::NoopDelay;
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use ocelli_core::{CaptureError, FrameFormat, PixelFormat};
use ocelli_sensors::SensorError;

/// 320 x 240 in two bytes a pixel.
const QVGA_YUYV: FrameFormat = FrameFormat { pixels: PixelFormat::Yuyv, ..FrameFormat::QVGA_GRAY };
const QVGA_RGB: FrameFormat = FrameFormat { pixels: PixelFormat::Rgb565, ..FrameFormat::QVGA_GRAY };

/// What a bus says to a byte that nobody takes, and to a line that something holds low.
const NAK: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data);
const HELD: ErrorKind = ErrorKind::Bus;

type Outcome<T> = Result<T, SensorError<ErrorKind>>;

/// A chip on the mock bus: how its registers are read and written.
struct Chip {
    address: u8,
    has_wide_registers: bool,
}

impl Chip {
    fn write(&self, register: u16, value: u8) -> Vec<Transaction> {
        vec![Transaction::write(self.address, [self.number(register), vec![value]].concat())]
    }

    fn writes(&self, table: &[(u16, u8)]) -> Vec<Transaction> {
        table.iter().flat_map(|&(register, value)| self.write(register, value)).collect()
    }

    fn read(&self, register: u16, value: u8) -> Vec<Transaction> {
        let number = self.number(register);
        match self.has_wide_registers {
            true => vec![Transaction::write_read(self.address, number, vec![value])],
            false => {
                vec![Transaction::write(self.address, number), Transaction::read(self.address, vec![value])]
            }
        }
    }

    /// A register that is read as `before` and written back as `after`.
    fn modify(&self, register: u16, before: u8, after: u8) -> Vec<Transaction> {
        [self.read(register, before), self.write(register, after)].concat()
    }

    fn number(&self, register: u16) -> Vec<u8> {
        let bytes = register.to_be_bytes();
        if self.has_wide_registers { bytes.to_vec() } else { vec![bytes[1]] }
    }
}

/// Cuts that were tried in this process.
static ERROR_PATHS: AtomicUsize = AtomicUsize::new(0);

/// Plays a script whole, then cut at each of its transfers.
fn check<T: std::fmt::Debug + PartialEq>(
    what: &str,
    script: &[Transaction],
    expected: T,
    run: impl Fn(Mock, NoopDelay) -> Outcome<T>,
) {
    assert!(!script.is_empty());
    assert_eq!(play(script, &run), Ok(expected), "{what}");
    for cut in 0..script.len() {
        for kind in [NAK, HELD] {
            let mut broken = script[..=cut].to_vec();
            broken[cut] = broken[cut].clone().with_error(kind);
            let error = play(&broken, &run).expect_err(what);
            // Who asks for an id takes silence for an absent chip.
            let is_absent = matches!(error, SensorError::NotDetected { found_id: 0, .. });
            let expected =
                error == SensorError::Bus(kind) || (what.contains("probe") && kind == NAK && is_absent);
            assert!(expected, "{what}, cut at transfer {cut}: {error:?}");
            ERROR_PATHS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Something that fails without the bus being at fault.
fn check_refusal<T: std::fmt::Debug + PartialEq>(
    what: &str,
    script: &[Transaction],
    expected: SensorError<ErrorKind>,
    run: impl Fn(Mock, NoopDelay) -> Outcome<T>,
) {
    assert_eq!(play(script, &run), Err(expected), "{what}");
    ERROR_PATHS.fetch_add(1, Ordering::Relaxed);
}

/// Runs against a bus that takes exactly this script.
fn play<T>(script: &[Transaction], run: impl Fn(Mock, NoopDelay) -> Outcome<T>) -> Outcome<T> {
    let mut bus = Mock::new(script);
    let result = run(bus.clone(), NoopDelay::new());
    bus.done();
    result
}

#[test]
fn every_function_sends_what_it_should_and_stops_where_the_bus_fails() {
    any::check_all();
    hm01b0::check_all();
    ov2640::check_all();
    ov5640::check_all();
    ov7670::check_all();
    println!("sensors: {} error paths tested", ERROR_PATHS.load(Ordering::Relaxed));
}

#[test]
fn errors_say_what_they_mean_on_any_board() {
    let absent: SensorError<ErrorKind> = SensorError::NotDetected { expected_id: 0x7673, found_id: 0 };
    assert_eq!(absent.to_string(), "the sensor's chip id is 0x0000, not 0x7673");
    assert_eq!(CaptureError::from(absent), CaptureError::NotDetected { expected_id: 0x7673, found_id: 0 });
    assert_eq!(CaptureError::from(SensorError::Bus(HELD)), CaptureError::Bus);
    let refused: SensorError<ErrorKind> = SensorError::Format(QVGA_RGB);
    assert_eq!(refused.to_string(), "the sensor has no 320x240 Rgb565");
    assert_eq!(CaptureError::from(refused), CaptureError::UnsupportedFormat);
}
