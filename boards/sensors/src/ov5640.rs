//! OV5640: 2592 x 1944 with a scaler, parallel port. Source: OmniVision, OV5640 datasheet, version 2.03, section 4 and 7.
//!
//! Every second row and column is read out of a window of the array, and scaled to the frame: YUYV or RGB565, up to
//! 1280 x 968.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window};

use crate::SensorError;
use crate::error::check_id;
use crate::registers::Registers;

const ADDRESS: u8 = 0x3C;
const ID: u16 = 0x5640;

const SYSTEM_CTROL0: u16 = 0x3008; // bit 7: reset, bit 6: standby
const CHIP_ID: [u16; 2] = [0x300A, 0x300B];
const PAD_OUTPUT_ENABLE01: u16 = 0x3017; // syncs, pixel clock, data 9 to 6
const PAD_OUTPUT_ENABLE02: u16 = 0x3018; // data 5 to 0
const SC_PLL_CONTRL0: u16 = 0x3034; // bits 3 to 0: data bits
const SC_PLL_CONTRL1: u16 = 0x3035; // bits 7 to 4: system divider
const SC_PLL_CONTRL2: u16 = 0x3036; // multiplier
const SC_PLL_CONTRL3: u16 = 0x3037; // bits 3 to 0: divider before it
const SYSTEM_ROOT_DIVIDER: u16 = 0x3108; // bits 5 to 4: pixel clock
const SCCB_SYSTEM_CTRL1: u16 = 0x3103; // bit 1: clock from the PLL
const EXPOSURE: [u16; 3] = [0x3500, 0x3501, 0x3502]; // in sixteenths of a row
const AEC_PK_MANUAL: u16 = 0x3503; // bit 1: gain by hand, bit 0: exposure by hand
const REAL_GAIN: [u16; 2] = [0x350A, 0x350B]; // in sixteenths, ten bits
const WINDOW: [u16; 8] = [0x3800, 0x3801, 0x3802, 0x3803, 0x3804, 0x3805, 0x3806, 0x3807];
const OUTPUT_SIZE: [u16; 4] = [0x3808, 0x3809, 0x380A, 0x380B];
const TOTAL_SIZE: [u16; 4] = [0x380C, 0x380D, 0x380E, 0x380F];
const ISP_OFFSET: [u16; 4] = [0x3810, 0x3811, 0x3812, 0x3813];
const X_INCREMENT: u16 = 0x3814; // odd and even step
const Y_INCREMENT: u16 = 0x3815;
const TIMING_FLIP: u16 = 0x3820; // bits 2 to 1: flip, bit 0: rows averaged
const TIMING_MIRROR: u16 = 0x3821; // bits 2 to 1: mirror, bit 0: columns averaged
const FORMAT_CONTROL: u16 = 0x4300; // 0x30: YUYV; 0x6F: RGB565, high byte first; 0x61: low byte first
const POLARITY: u16 = 0x4740; // bit 5: pixel clock, bit 1: rows, bit 0: vertical sync
const ISP_CONTROL1: u16 = 0x5001; // bit 5: scaler
const FORMAT_MUX: u16 = 0x501F; // 0: YUV, 1: RGB
const TEST_PATTERN: u16 = 0x503D; // bit 7: bars

/// The array.
const ARRAY: Window = Window { x: 0, y: 0, width: 2624, height: 1952 };

/// Whether every second pixel of a window, less the ISP's offset on both sides, is enough for a frame.
fn leaves(window: Window, [width, height]: [u16; 2]) -> bool {
    let left = |pixels: u16, offset: u16| (pixels / 2).saturating_sub(2 * offset);
    left(window.width, ISP_OFFSETS[0]) >= width && left(window.height, ISP_OFFSETS[1]) >= height
}

/// What the ISP takes off each side.
const ISP_OFFSETS: [u16; 2] = [16, 4];

/// From reset to frames at 24 MHz of input clock: PLL, pads, blanks.
const CONFIGURATION: [(u16, u8); 18] = [
    (SCCB_SYSTEM_CTRL1, 0x03),
    (PAD_OUTPUT_ENABLE01, 0xFF),
    (PAD_OUTPUT_ENABLE02, 0xFF),
    (SC_PLL_CONTRL0, 0x18),
    (SC_PLL_CONTRL1, 0x41),
    (SC_PLL_CONTRL2, 0x38),
    (SC_PLL_CONTRL3, 0x13),
    (SYSTEM_ROOT_DIVIDER, 0x01),
    (X_INCREMENT, 0x31),
    (Y_INCREMENT, 0x31),
    (TOTAL_SIZE[0], 0x07),
    (TOTAL_SIZE[1], 0x68),
    (TOTAL_SIZE[2], 0x03),
    (TOTAL_SIZE[3], 0xD8),
    (TIMING_FLIP, 0x01),
    (TIMING_MIRROR, 0x01),
    (POLARITY, 0x20),
    (ISP_CONTROL1, 0xA3),
];

/// The sensor.
#[derive(Debug)]
pub struct Ov5640<I, D> {
    registers: Registers<I>,
    delay: D,
    /// Width and height of a frame.
    size: [u16; 2],
}

impl<I: I2c, D: DelayNs> Ov5640<I, D> {
    /// On this bus; nothing is sent yet.
    pub fn new(bus: I, delay: D) -> Self {
        let FrameFormat { width, height, .. } = FrameFormat::QVGA_GRAY;
        Ov5640 { registers: Registers::new(bus, ADDRESS), delay, size: [width, height] }
    }

    /// Gives bus and delay back.
    pub fn release(self) -> (I, D) {
        (self.registers.release(), self.delay)
    }

    /// A number of two bytes each into pairs of registers.
    fn write_words(&mut self, registers: &[u16], words: &[u16]) -> Result<(), SensorError<I::Error>> {
        let bytes = words.iter().flat_map(|word| word.to_be_bytes());
        registers.iter().zip(bytes).try_for_each(|(&register, byte)| self.registers.write(register, byte))
    }
}

impl<I: I2c, D: DelayNs> Sensor for Ov5640<I, D> {
    type Error = SensorError<I::Error>;

    fn probe(&mut self) -> Result<u16, Self::Error> {
        check_id(self.registers.read_pair(CHIP_ID), ID)
    }

    fn configure(&mut self, format: FrameFormat) -> Result<(), Self::Error> {
        let FrameFormat { width, height, pixels } = format;
        let (order, mux) = match pixels {
            PixelFormat::Yuyv => (0x30, 0x00),
            PixelFormat::Rgb565 => (0x61, 0x01),
            _ => return Err(SensorError::Format(format)),
        };
        if width == 0 || height == 0 || !leaves(ARRAY, [width, height]) {
            return Err(SensorError::Format(format));
        }
        self.size = [width, height];
        self.registers.write(SYSTEM_CTROL0, 0x82)?;
        self.delay.delay_ms(5);
        self.registers.write_all(&CONFIGURATION)?;
        self.registers.write_all(&[(FORMAT_CONTROL, order), (FORMAT_MUX, mux)])?;
        self.write_words(&OUTPUT_SIZE, &[width, height])?;
        self.write_words(&ISP_OFFSET, &ISP_OFFSETS)?;
        self.set_window(ARRAY)?;
        self.registers.write(SYSTEM_CTROL0, 0x02)
    }

    /// Any part of the array that leaves a pixel for each of the frame's after every second was left out.
    fn set_window(&mut self, window: Window) -> Result<(), Self::Error> {
        if !window.is_inside(ARRAY) || !leaves(window, self.size) {
            return Err(SensorError::Window(window));
        }
        let Window { x, y, width, height } = window;
        self.write_words(&WINDOW, &[x, y, x + width - 1, y + height - 1])
    }

    fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Self::Error> {
        let Exposure::Rows(rows) = exposure else { return self.registers.modify(AEC_PK_MANUAL, 0x01, 0x00) };
        self.registers.modify(AEC_PK_MANUAL, 0x01, 0x01)?;
        let [_, high, middle, low] = (u32::from(rows) << 4).to_be_bytes();
        let [first, second, third] = EXPOSURE;
        self.registers.write_all(&[(first, high & 0x0F), (second, middle), (third, low)])
    }

    fn set_gain(&mut self, gain: Gain) -> Result<(), Self::Error> {
        let Gain::Sixteenths(sixteenths) = gain else {
            return self.registers.modify(AEC_PK_MANUAL, 0x02, 0x00);
        };
        self.registers.modify(AEC_PK_MANUAL, 0x02, 0x02)?;
        self.write_words(&REAL_GAIN, &[sixteenths.clamp(16, 1023)])
    }

    fn set_mirror(&mut self, mirror: Mirror) -> Result<(), Self::Error> {
        let bits = |is_on: bool| if is_on { 0x06 } else { 0x00 };
        self.registers.modify(TIMING_FLIP, 0x06, bits(mirror.vertical))?;
        self.registers.modify(TIMING_MIRROR, 0x06, bits(mirror.horizontal))
    }

    fn set_test_pattern(&mut self, on: bool) -> Result<(), Self::Error> {
        self.registers.write(TEST_PATTERN, u8::from(on) << 7)
    }

    fn set_standby(&mut self, on: bool) -> Result<(), Self::Error> {
        self.registers.write(SYSTEM_CTROL0, if on { 0x42 } else { 0x02 })
    }
}
