//! HM01B0: 320 x 240 or 160 x 120 gray at a milliwatt, parallel port. Source: Himax, HM01B0 datasheet, version 1.0, section 10.
//!
//! In its QVGA window it sends 324 x 244 pixels, of which a grabber takes the first 320 of the first 240 rows. Binned, each two
//! by two of these are one: 162 x 122 in half the rows, at twice the rate.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window};

use crate::SensorError;
use crate::error::check_id;
use crate::registers::Registers;

const ADDRESS: u8 = 0x24;
const ID: u16 = 0x01B0;

const MODEL_ID: [u16; 2] = [0x0000, 0x0001];
const MODE_SELECT: u16 = 0x0100; // 0: standby, 1: frames
const IMAGE_ORIENTATION: u16 = 0x0101; // bit 0: mirror, bit 1: flip
const SW_RESET: u16 = 0x0103;
const GROUP_PARAMETER_HOLD: u16 = 0x0104; // 1: the settings before take effect with the next frame
const INTEGRATION: [u16; 2] = [0x0202, 0x0203]; // in rows
const ANALOG_GAIN: u16 = 0x0205; // bits 6 to 4: doublings, up to three
const DIGITAL_GAIN: [u16; 2] = [0x020E, 0x020F]; // 2 bits before the point, 6 behind; the low ones in bits 7 to 2
const FRAME_LENGTH_LINES: [u16; 2] = [0x0340, 0x0341];
const LINE_LENGTH_PCK: [u16; 2] = [0x0342, 0x0343];
const READOUT_X: u16 = 0x0383; // 1: every column, 3: two of four
const READOUT_Y: u16 = 0x0387; // 1: every row, 3: two of four
const BINNING_MODE: u16 = 0x0390; // bit 0: pairs of columns, bit 1: pairs of rows
const TEST_PATTERN_MODE: u16 = 0x0601; // bit 0: on, bit 4: walking ones, not bars
const AE_CTRL: u16 = 0x2100; // bit 0: automatic exposure and gain
const QVGA_WIN_EN: u16 = 0x3010;
const BIT_CONTROL: u16 = 0x3059; // bit 5: one data line, bit 6: four; neither: eight
const OSC_CLK_DIV: u16 = 0x3060; // bit 5: pixel clock only in rows, bits 3 to 0: dividers

/// A size that the sensor sends.
#[derive(Clone, Copy, Debug)]
struct Size {
    width: u16,
    height: u16,
    /// Rows that it sends beyond those.
    surplus_rows: u32,
    /// What it reads and sums: see the registers.
    readout: u8,
    binning: u8,
    /// Rows of a frame, those without pixels included.
    lines: u16,
}

const QVGA: Size =
    Size { width: 320, height: 240, surplus_rows: 4, readout: 0x01, binning: 0x00, lines: 0x0104 };

const QQVGA: Size =
    Size { width: 160, height: 120, surplus_rows: 2, readout: 0x03, binning: 0x03, lines: 0x0084 };

impl Size {
    /// From reset to standby with everything set: rows of 376 clocks, eight data lines, clock halved twice.
    fn configuration(self) -> [(u16, u8); 11] {
        let [high, low] = self.lines.to_be_bytes();
        [
            (MODE_SELECT, 0x00),
            (READOUT_X, self.readout),
            (READOUT_Y, self.readout),
            (BINNING_MODE, self.binning),
            (QVGA_WIN_EN, 0x01),
            (FRAME_LENGTH_LINES[0], high),
            (FRAME_LENGTH_LINES[1], low),
            (LINE_LENGTH_PCK[0], 0x01),
            (LINE_LENGTH_PCK[1], 0x78),
            (BIT_CONTROL, 0x02),
            (OSC_CLK_DIV, 0x28),
        ]
    }
}

/// The sensor.
#[derive(Debug)]
pub struct Hm01b0<I, D> {
    registers: Registers<I>,
    delay: D,
    size: Size,
}

impl<I: I2c, D: DelayNs> Hm01b0<I, D> {
    /// Rows that the sensor sends beyond those of a frame of the size that it was set to.
    pub fn surplus_rows(&self) -> u32 {
        self.size.surplus_rows
    }

    /// On this bus; nothing is sent yet.
    pub fn new(bus: I, delay: D) -> Self {
        Hm01b0 { registers: Registers::new(bus, ADDRESS), delay, size: QVGA }
    }

    /// Gives bus and delay back.
    pub fn release(self) -> (I, D) {
        (self.registers.release(), self.delay)
    }

    fn take_effect(&mut self) -> Result<(), SensorError<I::Error>> {
        self.registers.write(GROUP_PARAMETER_HOLD, 0x01)
    }
}

impl<I: I2c, D: DelayNs> Sensor for Hm01b0<I, D> {
    type Error = SensorError<I::Error>;

    fn probe(&mut self) -> Result<u16, Self::Error> {
        check_id(self.registers.read_pair(MODEL_ID), ID)
    }

    fn configure(&mut self, format: FrameFormat) -> Result<(), Self::Error> {
        let FrameFormat { width, height, pixels } = format;
        let size = [QVGA, QQVGA].into_iter().find(|size| (size.width, size.height) == (width, height));
        self.size = size.filter(|_| pixels == PixelFormat::Gray8).ok_or(SensorError::Format(format))?;
        self.registers.write(SW_RESET, 0x01)?;
        self.delay.delay_ms(5);
        self.registers.write_all(&self.size.configuration())?;
        self.take_effect()?;
        self.registers.write(MODE_SELECT, 0x01)
    }

    /// There is only the whole.
    fn set_window(&mut self, window: Window) -> Result<(), Self::Error> {
        let Size { width, height, .. } = self.size;
        if window == (Window { x: 0, y: 0, width, height }) {
            Ok(())
        } else {
            Err(SensorError::Window(window))
        }
    }

    /// By hand, the gain is by hand as well: the sensor has one switch for both.
    fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Self::Error> {
        let Exposure::Rows(rows) = exposure else { return self.registers.write(AE_CTRL, 0x01) };
        let [high, low] = rows.to_be_bytes();
        self.registers.write_all(&[(AE_CTRL, 0x00), (INTEGRATION[0], high), (INTEGRATION[1], low)])?;
        self.take_effect()
    }

    /// By hand, the exposure is by hand as well.
    fn set_gain(&mut self, gain: Gain) -> Result<(), Self::Error> {
        let Gain::Sixteenths(sixteenths) = gain else { return self.registers.write(AE_CTRL, 0x01) };
        // Eight from the analog amplifier, just under four more behind the converter.
        let wanted = sixteenths.clamp(16, 8 * 63);
        let doublings = (wanted >> 4).ilog2().min(3);
        let sixty_fourths = (wanted << 2) >> doublings;
        self.registers.write_all(&[
            (AE_CTRL, 0x00),
            (ANALOG_GAIN, (doublings << 4) as u8),
            (DIGITAL_GAIN[0], (sixty_fourths >> 6) as u8),
            (DIGITAL_GAIN[1], (sixty_fourths << 2) as u8),
        ])?;
        self.take_effect()
    }

    fn set_mirror(&mut self, mirror: Mirror) -> Result<(), Self::Error> {
        let bits = u8::from(mirror.horizontal) | u8::from(mirror.vertical) << 1;
        self.registers.write(IMAGE_ORIENTATION, bits)?;
        self.take_effect()
    }

    fn set_test_pattern(&mut self, on: bool) -> Result<(), Self::Error> {
        self.registers.write(TEST_PATTERN_MODE, u8::from(on))
    }

    fn set_standby(&mut self, on: bool) -> Result<(), Self::Error> {
        self.registers.write(MODE_SELECT, u8::from(!on))
    }
}
