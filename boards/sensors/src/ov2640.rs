//! OV2640: 1600 x 1200 with a JPEG encoder, parallel port. Source: OmniVision, OV2640 datasheet, version 1.6, tables 12 and 13.
//!
//! Its registers lie in two banks. The sensor bank reads 800 x 600 out of the array (each pixel of four); the DSP bank
//! cuts a window out of that and scales it to the frame, of any size in steps of four: YUYV, RGB565, Gray8, or compressed.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window};

use crate::SensorError;
use crate::error::check_id;
use crate::gain::doubling_bits;
use crate::registers::Registers;

const ADDRESS: u8 = 0x30;
const ID: u16 = 0x2642;

/// What the sensor bank reads out.
const ARRAY: Window = Window { x: 0, y: 0, width: 800, height: 600 };

/// Chooses the bank of every other register.
const BANK: u8 = 0xFF;
const DSP: u8 = 0x00;
const SENSOR: u8 = 0x01;

// The sensor bank.
const GAIN: u8 = 0x00;
const REG04: u8 = 0x04; // bit 7: mirror, bit 6: flip, bits 1 to 0: exposure 1 to 0
const COM2: u8 = 0x09; // bit 4: standby
const PIDH: u8 = 0x0A;
const PIDL: u8 = 0x0B;
const AEC: u8 = 0x10; // exposure 9 to 2
const CLKRC: u8 = 0x11; // divides the clock by itself and one
const COM7: u8 = 0x12; // bit 7: reset, bit 6: 800 x 600, bit 1: colour bars
const COM8: u8 = 0x13; // bit 2: automatic gain, bit 0: automatic exposure
const REG45: u8 = 0x45; // exposure 15 to 10

// The DSP bank.
const R_BYPASS: u8 = 0x05; // 0: through the DSP
const QS: u8 = 0x44; // JPEG: the smaller, the finer
const CTRLI: u8 = 0x50; // bits 2 to 0 and 5 to 3: dividers before the scaler
const HSIZE: u8 = 0x51; // the window's size in fours
const VSIZE: u8 = 0x52;
const XOFFL: u8 = 0x53; // its place
const YOFFL: u8 = 0x54;
const VHYX: u8 = 0x55; // bit 7: VSIZE 8, bits 6 to 4: YOFF 10 to 8, bit 3: HSIZE 8, bits 2 to 0: XOFF 10 to 8
const ZMOW: u8 = 0x5A; // the frame's size in fours
const ZMOH: u8 = 0x5B;
const ZMHH: u8 = 0x5C; // their high bits
const CTRL2: u8 = 0x86; // bit 5: scaler on
const SIZEL: u8 = 0x8C; // the array's size, bits 2 to 0 of both
const HSIZE8: u8 = 0xC0; // in eights
const VSIZE8: u8 = 0xC1;
const R_DVP_SP: u8 = 0xD3; // pixel clock divider
const IMAGE_MODE: u8 = 0xDA; // bit 6: Gray8, bit 4: JPEG, bits 3 to 2: YUYV or RGB565, bit 0: bytes swapped
const RESET: u8 = 0xE0; // bit 4: JPEG, bit 2: port

/// The sensor.
#[derive(Debug)]
pub struct Ov2640<I, D> {
    registers: Registers<I>,
    delay: D,
    /// Width and height of a frame.
    size: [u16; 2],
}

impl<I: I2c, D: DelayNs> Ov2640<I, D> {
    /// On this bus; nothing is sent yet.
    pub fn new(bus: I, delay: D) -> Self {
        let FrameFormat { width, height, .. } = FrameFormat::QVGA_GRAY;
        Ov2640 { registers: Registers::new(bus, ADDRESS), delay, size: [width, height] }
    }

    /// Gives bus and delay back.
    pub fn release(self) -> (I, D) {
        (self.registers.release(), self.delay)
    }

    /// Compresses frames; `quantizer` is the coarseness, 2 to 63. [`Sensor::configure`] ends it.
    ///
    /// # Errors
    /// [`SensorError::Bus`].
    pub fn set_jpeg(&mut self, quantizer: u8) -> Result<(), SensorError<I::Error>> {
        self.registers.write_all(&[
            (BANK, DSP),
            (RESET, 0x14),
            (QS, quantizer.clamp(2, 63)),
            (IMAGE_MODE, 0x10),
            (RESET, 0x00),
        ])
    }

    fn modify_sensor(&mut self, register: u8, mask: u8, bits: u8) -> Result<(), SensorError<I::Error>> {
        self.registers.write(BANK, SENSOR)?;
        self.registers.modify(register, mask, bits)
    }
}

impl<I: I2c, D: DelayNs> Sensor for Ov2640<I, D> {
    type Error = SensorError<I::Error>;

    fn probe(&mut self) -> Result<u16, Self::Error> {
        let selected = self.registers.write(BANK, SENSOR);
        // The lowest bits of the id are the chip's revision.
        let read = selected.and_then(|()| self.registers.read_pair([PIDH, PIDL]));
        check_id(read.map(|id| if id & 0xFFF0 == ID & 0xFFF0 { ID } else { id }), ID)
    }

    fn configure(&mut self, format: FrameFormat) -> Result<(), Self::Error> {
        let FrameFormat { width, height, pixels } = format;
        let image_mode = match pixels {
            PixelFormat::Yuyv => 0x00,
            PixelFormat::Rgb565 => 0x09,
            PixelFormat::Gray8 => 0x40,
            _ => return Err(SensorError::Format(format)),
        };
        let is_whole = width > 0 && height > 0 && (width | height) % 4 == 0;
        if !is_whole || width > ARRAY.width || height > ARRAY.height {
            return Err(SensorError::Format(format));
        }
        self.size = [width, height];
        self.registers.write_all(&[(BANK, SENSOR), (COM7, 0x80)])?;
        self.delay.delay_ms(5);
        self.registers.write_all(&[(CLKRC, 0x01), (COM7, 0x40)])?;
        self.registers.write_all(&[
            (BANK, DSP),
            (RESET, 0x04),
            (HSIZE8, (ARRAY.width / 8) as u8),
            (VSIZE8, (ARRAY.height / 8) as u8),
            (SIZEL, 0x00),
            (CTRL2, 0x3D),
            (R_DVP_SP, 0x04),
            (IMAGE_MODE, image_mode),
            (R_BYPASS, 0x00),
        ])?;
        self.set_window(ARRAY)
    }

    /// Any part of the 800 x 600 that is no smaller than the frame, in steps of four pixels.
    fn set_window(&mut self, window: Window) -> Result<(), Self::Error> {
        let Window { x, y, width, height } = window;
        let [frame_width, frame_height] = self.size;
        let is_large_enough = width >= frame_width && height >= frame_height;
        if !window.is_inside(ARRAY) || !is_large_enough || (width | height) % 4 != 0 {
            return Err(SensorError::Window(window));
        }
        let [x_high, x_low] = x.to_be_bytes();
        let [y_high, y_low] = y.to_be_bytes();
        self.registers.write_all(&[
            (BANK, DSP),
            (RESET, 0x04),
            (CTRLI, 0x00),
            (HSIZE, (width / 4) as u8),
            (VSIZE, (height / 4) as u8),
            (XOFFL, x_low),
            (YOFFL, y_low),
            (VHYX, y_high << 4 | x_high),
            (ZMOW, (frame_width / 4) as u8),
            (ZMOH, (frame_height / 4) as u8),
            (ZMHH, 0x00),
            (RESET, 0x00),
        ])
    }

    fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Self::Error> {
        let Exposure::Rows(rows) = exposure else { return self.modify_sensor(COM8, 0x01, 0x01) };
        self.modify_sensor(COM8, 0x01, 0x00)?;
        self.registers.modify(REG45, 0x3F, (rows >> 10) as u8)?;
        self.registers.write(AEC, (rows >> 2) as u8)?;
        self.registers.modify(REG04, 0x03, rows as u8)
    }

    fn set_gain(&mut self, gain: Gain) -> Result<(), Self::Error> {
        let Gain::Sixteenths(sixteenths) = gain else { return self.modify_sensor(COM8, 0x04, 0x04) };
        self.modify_sensor(COM8, 0x04, 0x00)?;
        self.registers.write(GAIN, doubling_bits(sixteenths, 4) as u8)
    }

    fn set_mirror(&mut self, mirror: Mirror) -> Result<(), Self::Error> {
        let bits = u8::from(mirror.horizontal) << 7 | u8::from(mirror.vertical) << 6;
        self.modify_sensor(REG04, 0xC0, bits)
    }

    fn set_test_pattern(&mut self, on: bool) -> Result<(), Self::Error> {
        self.modify_sensor(COM7, 0x02, u8::from(on) << 1)
    }

    fn set_standby(&mut self, on: bool) -> Result<(), Self::Error> {
        self.modify_sensor(COM2, 0x10, u8::from(on) << 4)
    }
}
