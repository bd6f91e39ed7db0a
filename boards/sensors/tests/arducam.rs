//! Arducam's FIFO on a mock SPI bus: a frame row by row, frames of the wrong length, and a bus that fails at any transfer.

use embedded_hal::spi::{ErrorKind, ErrorType, Operation, SpiDevice};
use embedded_hal_mock::eh1::spi::{Mock, Transaction};
use ocelli_core::{CaptureError, FrameGrabber};
use ocelli_sensors::Arducam;

/// Pixels of a frame of one and a half rows' worth.
const PIXELS: usize = 480;

fn write(register: u8, value: u8) -> Vec<Transaction<u8>> {
    vec![
        Transaction::transaction_start(),
        Transaction::write_vec(vec![register | 0x80, value]),
        Transaction::transaction_end(),
    ]
}

fn read(register: u8, values: Vec<u8>) -> Vec<Transaction<u8>> {
    vec![
        Transaction::transaction_start(),
        Transaction::write_vec(vec![register]),
        Transaction::read_vec(values),
        Transaction::transaction_end(),
    ]
}

/// Pointers to the start, capture, not yet there, there, so many bytes.
fn capture(fifo_bytes: u32) -> Vec<Transaction<u8>> {
    let [low, middle, high, _] = fifo_bytes.to_le_bytes();
    [
        write(0x04, 0x31),
        write(0x04, 0x02),
        read(0x41, vec![0x00]),
        read(0x41, vec![0x08]),
        read(0x42, vec![low]),
        read(0x43, vec![middle]),
        read(0x44, vec![high]),
    ]
    .concat()
}

/// Brightness counts up, between it stands colour.
fn pairs(first: usize, count: usize) -> Vec<u8> {
    (first..first + count).flat_map(|pixel| [pixel as u8, 0x80]).collect()
}

/// The mock's bus with a cable that comes loose.
struct FailsAfter {
    bus: Mock<u8>,
    transactions: usize,
}

impl ErrorType for FailsAfter {
    type Error = ErrorKind;
}

impl SpiDevice for FailsAfter {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        self.transactions = self.transactions.checked_sub(1).ok_or(ErrorKind::Other)?;
        self.bus.transaction(operations)
    }
}

fn grab(
    script: &[Transaction<u8>],
    looks: usize,
) -> (Vec<Result<usize, CaptureError>>, Option<&'static mut [u8]>) {
    let mut bus = Mock::new(script);
    let mut camera = Arducam::new(bus.clone());
    camera.begin(Box::leak(Box::new([0; PIXELS])));
    let seen = (0..looks).map(|_| camera.received_bytes()).collect();
    let buffer = camera.end();
    bus.done();
    (seen, buffer)
}

#[test]
fn a_frame_comes_row_by_row_and_only_its_brightness() {
    for surplus in [0, 64] {
        let rows = [read(0x3C, pairs(0, 320)), read(0x3C, pairs(320, 160))];
        let script = [capture(2 * PIXELS as u32 + surplus), rows.concat()].concat();
        let (seen, buffer) = grab(&script, 4);
        assert_eq!(seen, [Ok(0), Ok(0), Ok(320), Ok(480)]);
        let expected: Vec<u8> = (0..PIXELS).map(|pixel| pixel as u8).collect();
        assert_eq!(buffer.as_deref(), Some(expected.as_slice()));
    }
}

#[test]
fn frames_of_another_length_are_lost() {
    let needed_bytes = 2 * PIXELS as u32;
    let (seen, buffer) = grab(&capture(needed_bytes - 1), 2);
    let received_bytes = needed_bytes - 1;
    assert_eq!(seen[1], Err(CaptureError::Truncated { needed_bytes, received_bytes }));
    assert!(buffer.is_some(), "the buffer is not lost with the frame");
    let (seen, _) = grab(&capture(needed_bytes + 65), 2);
    assert_eq!(seen[1], Err(CaptureError::Overrun { needed_bytes }));
}

#[test]
fn a_bus_that_fails_at_any_transfer_loses_the_frame_and_not_the_buffer() {
    let rows = [read(0x3C, pairs(0, 320)), read(0x3C, pairs(320, 160))];
    let script = [capture(2 * PIXELS as u32), rows.concat()].concat();
    let transactions = script.iter().filter(|&step| *step == Transaction::transaction_start()).count();
    for cut in 0..transactions {
        let starts = script.iter().enumerate().filter(|(_, step)| **step == Transaction::transaction_start());
        let (end, _) = starts.clone().nth(cut).unwrap();
        let mut bus = Mock::new(&script[..end]);
        let mut camera = Arducam::new(FailsAfter { bus: bus.clone(), transactions: cut });
        camera.begin(Box::leak(Box::new([0; PIXELS])));
        let lost = (0..8).find_map(|_| camera.received_bytes().err());
        assert_eq!(lost, Some(CaptureError::Bus), "cut at {cut}");
        assert!(camera.end().is_some());
        bus.done();
    }
    let cuts = transactions;
    println!("arducam: {cuts} error paths tested");
}

#[test]
fn the_controller_is_known_by_what_it_gives_back() {
    let probe = |found: u8| {
        let mut bus = Mock::new(&[write(0x00, 0x55), read(0x00, vec![found])].concat());
        let result = Arducam::new(bus.clone()).probe();
        bus.done();
        result
    };
    assert_eq!(probe(0x55), Ok(()));
    assert_eq!(probe(0xFF), Err(CaptureError::NotDetected { expected_id: 0x55, found_id: 0xFF }));
}
