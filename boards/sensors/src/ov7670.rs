//! OV7670: 640 x 480, parallel port. Source: OmniVision, OV7670 datasheet, version 1.4, tables 5 and 6.
//!
//! Frames are 640 x 480, 320 x 240 or 160 x 120 YUYV: the whole array, halved as often as need be by the scaler, or
//! parts of it, halved less. A grabber that keeps the first of two bytes gets Gray8.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window};

use crate::SensorError;
use crate::error::check_id;
use crate::gain::doubling_bits;
use crate::registers::Registers;

const ADDRESS: u8 = 0x21;
const ID: u16 = 0x7673;

const GAIN: u8 = 0x00; // bits 7 to 0
const VREF: u8 = 0x03; // gain 9 to 8 in bits 7 to 6, lowest two bits of stop and start row
const COM1: u8 = 0x04; // exposure 1 to 0
const AECHH: u8 = 0x07; // exposure 15 to 10
const COM2: u8 = 0x09; // bit 4: sleep
const PID: u8 = 0x0A; // product
const VER: u8 = 0x0B; // its version
const COM3: u8 = 0x0C; // bit 2: downsampling on
const AECH: u8 = 0x10; // exposure 9 to 2
const CLKRC: u8 = 0x11; // divides the clock by itself and one
const COM7: u8 = 0x12; // bit 7: reset; 0: YUV
const COM8: u8 = 0x13; // bit 2: automatic gain, bit 0: automatic exposure
const COM10: u8 = 0x15; // bit 5: no pixel clock between rows
const HSTART: u8 = 0x17; // first column, bits 10 to 3
const HSTOP: u8 = 0x18; // last
const VSTRT: u8 = 0x19; // first row, bits 9 to 2
const VSTOP: u8 = 0x1A; // last
const MVFP: u8 = 0x1E; // bit 5: mirror, bit 4: flip
const HREF: u8 = 0x32; // lowest three bits of both columns
const TSLB: u8 = 0x3A; // bit 3 with COM13 bit 0: order of Y, U, V
const COM13: u8 = 0x3D; // bit 7: gamma, bit 6: saturation by itself
const COM14: u8 = 0x3E; // bit 4: pixel clock divided, bit 3: by hand, bits 2 to 0: powers of two
const COM15: u8 = 0x40; // bits 7 to 6: full range of values
const SCALING_XSC: u8 = 0x70; // bit 7: test pattern, high bit
const SCALING_YSC: u8 = 0x71; // bit 7: its low bit
const SCALING_DCWCTR: u8 = 0x72; // halves rows and columns
const SCALING_PCLK_DIV: u8 = 0x73; // divides the pixel clock along
const SCALING_PCLK_DELAY: u8 = 0xA2;

/// The size of the array that makes a picture.
const ARRAY: Window = Window { x: 0, y: 0, width: 640, height: 480 };

/// How often the scaler halves at most.
const MOST_HALVINGS: u16 = 2;

/// Where the array's first pixel stands, and pixels of a row with its blank: columns are counted modulo that.
const FIRST_COLUMN: u16 = 158;
const FIRST_ROW: u16 = 10;
const ROW_PIXELS: u16 = 784;

/// From reset to YUYV, before window and scaler.
const CONFIGURATION: [(u8, u8); 6] =
    [(CLKRC, 0x01), (COM7, 0x00), (COM10, 0x20), (TSLB, 0x04), (COM13, 0xC0), (COM15, 0xC0)];

/// The scaler for so many halvings; for none it is off.
fn scaler(halvings: u8) -> [(u8, u8); 5] {
    let is_on = halvings > 0;
    [
        (COM3, if is_on { 0x04 } else { 0x00 }),
        (COM14, if is_on { 0x18 | halvings } else { 0x00 }),
        (SCALING_DCWCTR, halvings << 4 | halvings),
        (SCALING_PCLK_DIV, 0xF0 | halvings),
        (SCALING_PCLK_DELAY, 0x02),
    ]
}

/// The sensor.
#[derive(Debug)]
pub struct Ov7670<I, D> {
    registers: Registers<I>,
    delay: D,
    /// Width and height of a frame.
    size: [u16; 2],
}

impl<I: I2c, D: DelayNs> Ov7670<I, D> {
    /// On this bus; nothing is sent yet.
    pub fn new(bus: I, delay: D) -> Self {
        let FrameFormat { width, height, .. } = FrameFormat::QVGA_GRAY;
        Ov7670 { registers: Registers::new(bus, ADDRESS), delay, size: [width, height] }
    }

    /// Gives bus and delay back.
    pub fn release(self) -> (I, D) {
        (self.registers.release(), self.delay)
    }
}

impl<I: I2c, D: DelayNs> Sensor for Ov7670<I, D> {
    type Error = SensorError<I::Error>;

    fn probe(&mut self) -> Result<u16, Self::Error> {
        check_id(self.registers.read_pair([PID, VER]), ID)
    }

    fn configure(&mut self, format: FrameFormat) -> Result<(), Self::Error> {
        let FrameFormat { width, height, pixels } = format;
        let is_scaled = |n: u16| (width, height) == (ARRAY.width >> n, ARRAY.height >> n);
        if pixels != PixelFormat::Yuyv || !(0..=MOST_HALVINGS).any(is_scaled) {
            return Err(SensorError::Format(format));
        }
        self.size = [width, height];
        self.registers.write(COM7, 0x80)?;
        self.delay.delay_ms(5);
        self.registers.write_all(&CONFIGURATION)?;
        self.set_window(ARRAY)
    }

    /// A part as large as the frame, twice or four times as large.
    fn set_window(&mut self, window: Window) -> Result<(), Self::Error> {
        let [width, height] = self.size;
        let is_scaled = |&n: &u16| (window.width, window.height) == (width << n, height << n);
        let halvings = (0..=MOST_HALVINGS).find(is_scaled).filter(|_| window.is_inside(ARRAY));
        let halvings = halvings.ok_or(SensorError::Window(window))?;
        self.registers.write_all(&scaler(halvings as u8))?;
        let first_column = (FIRST_COLUMN + window.x) % ROW_PIXELS;
        let last_column = (first_column + window.width) % ROW_PIXELS;
        let (first_row, last_row) = (FIRST_ROW + window.y, FIRST_ROW + window.y + window.height);
        self.registers.write_all(&[
            (HSTART, (first_column >> 3) as u8),
            (HSTOP, (last_column >> 3) as u8),
            (HREF, 0x80 | ((last_column & 7) << 3 | first_column & 7) as u8),
            (VSTRT, (first_row >> 2) as u8),
            (VSTOP, (last_row >> 2) as u8),
        ])?;
        self.registers.modify(VREF, 0x0F, ((last_row & 3) << 2 | first_row & 3) as u8)
    }

    fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Self::Error> {
        let Exposure::Rows(rows) = exposure else { return self.registers.modify(COM8, 0x01, 0x01) };
        self.registers.modify(COM8, 0x01, 0x00)?;
        self.registers.modify(AECHH, 0x3F, (rows >> 10) as u8)?;
        self.registers.write(AECH, (rows >> 2) as u8)?;
        self.registers.modify(COM1, 0x03, rows as u8)
    }

    fn set_gain(&mut self, gain: Gain) -> Result<(), Self::Error> {
        let Gain::Sixteenths(sixteenths) = gain else { return self.registers.modify(COM8, 0x04, 0x04) };
        let [high, low] = doubling_bits(sixteenths, 6).to_be_bytes();
        self.registers.modify(COM8, 0x04, 0x00)?;
        self.registers.write(GAIN, low)?;
        self.registers.modify(VREF, 0xC0, high << 6)
    }

    fn set_mirror(&mut self, mirror: Mirror) -> Result<(), Self::Error> {
        let bits = u8::from(mirror.horizontal) << 5 | u8::from(mirror.vertical) << 4;
        self.registers.modify(MVFP, 0x30, bits)
    }

    /// Eight bars: test pattern 2 of the scaler.
    fn set_test_pattern(&mut self, on: bool) -> Result<(), Self::Error> {
        self.registers.modify(SCALING_XSC, 0x80, u8::from(on) << 7)?;
        self.registers.modify(SCALING_YSC, 0x80, 0x00)
    }

    fn set_standby(&mut self, on: bool) -> Result<(), Self::Error> {
        self.registers.modify(COM2, 0x10, u8::from(on) << 4)
    }
}
