//! Arducam's SPI cameras: a FIFO takes the sensor's frame at its speed, and the board reads it at its own.
//!
//! Source: ArduCAM Camera Shield Series, SPI Camera Software Application Note, revision 2.0, sections 5 and 6. The sensor
//! itself, an [`Ov2640`](crate::Ov2640), is set over I2C; here are only the pixels. Two bytes a pixel come, of
//! which the first, brightness, is kept.

use embedded_hal::spi::{Operation, SpiDevice};
use ocelli_core::{CaptureError, FrameGrabber};

const TEST: u8 = 0x00;
const FIFO_CONTROL: u8 = 0x04; // bit 0: done flag off, bit 1: capture, bits 4 and 5: pointers to the start
const BURST_READ: u8 = 0x3C;
const STATUS: u8 = 0x41; // bit 3: a frame is in the FIFO
const FIFO_SIZE: [u8; 3] = [0x42, 0x43, 0x44]; // low, middle, high
const WRITE: u8 = 0x80; // in a register's number

/// Bytes read at once: a row of 320 pixels. Smaller than any SPI DMA's longest transfer.
const CHUNK_BYTES: usize = 640;

/// The FIFO ends some bytes behind the frame.
const MOST_SURPLUS_BYTES: u32 = 64;

/// The FIFO.
#[derive(Debug)]
pub struct Arducam<S> {
    spi: S,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    /// The sensor's frame goes into the FIFO.
    Exposing {
        buffer: &'static mut [u8],
        fault: Option<CaptureError>,
    },
    /// The FIFO's frame goes into the buffer.
    Reading {
        buffer: &'static mut [u8],
        received_bytes: usize,
    },
}

impl<S: SpiDevice> Arducam<S> {
    /// On this bus: at most 8 MHz, mode 0. Nothing is sent yet.
    pub fn new(spi: S) -> Self {
        Arducam { spi, state: State::Idle }
    }

    /// Whether the FIFO's controller answers: it gives back what is written to it.
    ///
    /// # Errors
    /// [`CaptureError::NotDetected`], and [`CaptureError::Bus`].
    pub fn probe(&mut self) -> Result<(), CaptureError> {
        const PATTERN: u8 = 0x55;
        self.write(TEST, PATTERN)?;
        match self.read(TEST)? {
            PATTERN => Ok(()),
            found => Err(CaptureError::NotDetected { expected_id: PATTERN.into(), found_id: found.into() }),
        }
    }

    fn write(&mut self, register: u8, value: u8) -> Result<(), CaptureError> {
        self.spi.write(&[register | WRITE, value]).map_err(|_| CaptureError::Bus)
    }

    fn read(&mut self, register: u8) -> Result<u8, CaptureError> {
        let mut value = [0];
        let mut operations = [Operation::Write(&[register]), Operation::Read(&mut value)];
        self.spi.transaction(&mut operations).map_err(|_| CaptureError::Bus)?;
        Ok(value[0])
    }

    fn capture(&mut self) -> Result<(), CaptureError> {
        self.write(FIFO_CONTROL, 0x31)?;
        self.write(FIFO_CONTROL, 0x02)
    }

    /// The bytes in the FIFO once a frame is there.
    fn captured_bytes(&mut self) -> Result<Option<u32>, CaptureError> {
        if self.read(STATUS)? & 0x08 == 0 {
            return Ok(None);
        }
        let mut bytes = [0; 4];
        for (byte, register) in bytes.iter_mut().zip(FIFO_SIZE) {
            *byte = self.read(register)?;
        }
        Ok(Some(u32::from_le_bytes(bytes)))
    }

    /// Reads the next row's worth and keeps the brightness.
    fn read_chunk(&mut self, pixels: &mut [u8]) -> Result<usize, CaptureError> {
        let mut chunk = [0; CHUNK_BYTES];
        let count = pixels.len().min(CHUNK_BYTES / 2);
        let mut operations = [Operation::Write(&[BURST_READ]), Operation::Read(&mut chunk[..2 * count])];
        self.spi.transaction(&mut operations).map_err(|_| CaptureError::Bus)?;
        pixels.iter_mut().zip(chunk.chunks_exact(2)).for_each(|(pixel, pair)| *pixel = pair[0]);
        Ok(count)
    }
}

/// Whether a FIFO of so many bytes holds just a frame of two bytes a pixel.
fn check_length(fifo_bytes: u32, pixels: usize) -> Result<(), CaptureError> {
    let needed_bytes = 2 * pixels as u32;
    if fifo_bytes < needed_bytes {
        return Err(CaptureError::Truncated { needed_bytes, received_bytes: fifo_bytes });
    }
    if fifo_bytes > needed_bytes + MOST_SURPLUS_BYTES {
        return Err(CaptureError::Overrun { needed_bytes });
    }
    Ok(())
}

impl<S: SpiDevice> FrameGrabber for Arducam<S> {
    fn begin(&mut self, buffer: &'static mut [u8]) {
        let fault = self.capture().err();
        self.state = State::Exposing { buffer, fault };
    }

    fn received_bytes(&mut self) -> Result<usize, CaptureError> {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Ok(0),
            State::Exposing { buffer, fault } => {
                let pixels = buffer.len();
                let captured = fault.map_or_else(|| self.captured_bytes(), Err);
                self.state = match captured {
                    Ok(Some(_)) => State::Reading { buffer, received_bytes: 0 },
                    _ => State::Exposing { buffer, fault },
                };
                match captured? {
                    Some(fifo_bytes) => check_length(fifo_bytes, pixels).map(|()| 0),
                    None => Ok(0),
                }
            }
            State::Reading { buffer, mut received_bytes } => {
                let read = self.read_chunk(&mut buffer[received_bytes..]);
                received_bytes += read.unwrap_or(0);
                self.state = State::Reading { buffer, received_bytes };
                read.map(|_| received_bytes)
            }
        }
    }

    fn end(&mut self) -> Option<&'static mut [u8]> {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Idle => None,
            State::Exposing { buffer, .. } | State::Reading { buffer, .. } => Some(buffer),
        }
    }
}
