//! PIO programs that read a parallel camera on RP2040 and RP2350: one takes the pixels, one watches the vertical sync.
//!
//! ```text
//! pins, from the base:  0 to 7 data, 8 pixel clock, 9 row (HREF, LVLD), 10 vertical sync (VSYNC, FVLD)
//! ```
//!
//! The pixels' program counts: it takes so many bytes of each of so many rows, packs four into a word for the DMA, and
//! counts the rows that come on top. The processor only sets it going at each vertical sync. `tests/pio.rs` runs these very
//! words in a model of the state machine, against waveforms of a camera.

/// The first data pin's neighbours.
pub const PIXEL_CLOCK: u8 = 8;
/// See [`PIXEL_CLOCK`].
pub const ROW: u8 = 9;
/// See [`PIXEL_CLOCK`].
pub const VERTICAL_SYNC: u8 = 10;
/// How many pins there are.
pub const PINS: usize = 11;

/// System clocks that a pixel clock lasts at least: two instructions in either half, and the synchronizers' delay.
pub const FEWEST_CLOCKS: u32 = 6;

/// A program for a state machine: its instructions, and where it goes on after the last.
#[derive(Clone, Copy, Debug)]
pub struct PioProgram {
    /// Encoded as in the RP2040 datasheet, section 3.4.
    pub code: &'static [u16],
    /// The instruction after the last.
    pub wrap_to: u8,
}

/// Every byte of a row is a pixel. Wants rows less one, then bytes of a row less one, in its queue.
pub const EVERY_BYTE: PioProgram = PioProgram {
    code: &[
        PULL,
        MOV_Y_OSR, // rows
        PULL,      // bytes of a row stay in OSR
        // 3: a row
        wait(0, ROW),
        wait(1, ROW),
        MOV_X_OSR,
        // 6: a pixel
        wait(1, PIXEL_CLOCK),
        IN_PINS_8,
        wait(0, PIXEL_CLOCK),
        jmp_x_dec(6),
        jmp_y_dec(3),
        // 11: rows on top, which Y counts down from all ones
        wait(0, ROW),
        wait(1, ROW),
        jmp_y_dec(11),
    ],
    wrap_to: 11,
};

/// The first of two bytes is a pixel's brightness, the second is left out (YUYV to Gray8).
pub const FIRST_OF_TWO: PioProgram = PioProgram {
    code: &[
        PULL,
        MOV_Y_OSR,
        PULL,
        // 3: a row
        wait(0, ROW),
        wait(1, ROW),
        MOV_X_OSR,
        // 6: a pixel
        wait(1, PIXEL_CLOCK),
        IN_PINS_8,
        wait(0, PIXEL_CLOCK),
        wait(1, PIXEL_CLOCK),
        wait(0, PIXEL_CLOCK),
        jmp_x_dec(6),
        jmp_y_dec(3),
        // 13: rows on top
        wait(0, ROW),
        wait(1, ROW),
        jmp_y_dec(13),
    ],
    wrap_to: 13,
};

/// Raises interrupt flag 0 whenever the vertical sync rises.
pub const SYNC: PioProgram =
    PioProgram { code: &[wait(0, VERTICAL_SYNC), wait(1, VERTICAL_SYNC), IRQ_0], wrap_to: 0 };

/// For the processor to inject: the count of rows on top into the queue.
pub const PUSH_SURPLUS: [u16; 2] = [MOV_ISR_Y, PUSH];

/// From what [`PUSH_SURPLUS`] brings to rows; 0 before all rows of the frame were there.
pub fn surplus_rows(y: u32, rows: u32) -> u32 {
    // Y counts the frame's rows down to 0, then goes on from all ones.
    if y < rows { 0 } else { u32::MAX - y }
}

const PULL: u16 = 0x80A0;
const PUSH: u16 = 0x8020;
const MOV_X_OSR: u16 = 0xA027;
const MOV_Y_OSR: u16 = 0xA047;
const MOV_ISR_Y: u16 = 0xA0C2;
const IN_PINS_8: u16 = 0x4008;
const IRQ_0: u16 = 0xC000;

/// Stalls until a pin, counted from the base, has a level.
const fn wait(level: u16, pin: u8) -> u16 {
    0x2020 | level << 7 | pin as u16
}

/// Jumps while X is not 0, and takes one from it.
const fn jmp_x_dec(to: u16) -> u16 {
    0x0040 | to
}

/// The same of Y.
const fn jmp_y_dec(to: u16) -> u16 {
    0x0080 | to
}
