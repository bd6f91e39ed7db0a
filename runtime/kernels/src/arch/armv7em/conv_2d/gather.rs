//! Windows of few channels, whole ones inside the image, several pixels in one call.
//!
//! The rows of such a window are short runs of bytes that do not fill whole quads. They are put behind each other, a word at a
//! time, then widened.

use core::arch::naked_asm;

use super::windows::QUAD_BYTES;
use crate::arch::scratch::{PIXELS, QUAD};

/// What the windows of neighbouring pixels are made of.
pub(super) struct Gather {
    /// Rows of a window.
    pub rows: usize,
    /// Bytes of a row, at least four.
    pub length: usize,
    /// Bytes from row to row in the image.
    pub row_step: usize,
    /// Bytes from the window of a pixel to the next.
    pub pixel_step: usize,
    /// What frees two elements from their zero point.
    pub minus_zero_point: u32,
}

impl Gather {
    /// Lays the windows of `pixels` pixels, the first of which starts with `values`, in columns of `words` from `column` on.
    /// `bytes` keeps one window, filled up to a multiple of four with zero points, which stay.
    #[inline(never)]
    pub fn lay(&self, values: &[i8], pixels: usize, bytes: &mut [i8], words: &mut [u32], column: usize) {
        let Gather { rows, length, row_step, pixel_step, minus_zero_point } = *self;
        let last = pixels.wrapping_sub(1) * pixel_step + rows.wrapping_sub(1) * row_step;
        let quads = bytes.len() / QUAD;
        let fits = last + length <= values.len() && rows * length <= bytes.len();
        let room = words.len() / (QUAD_BYTES / size_of::<u32>());
        if pixels == 0
            || rows == 0
            || quads == 0
            || length < QUAD
            || !fits
            || quads > room
            || column + pixels > PIXELS
        {
            return;
        }
        let record = Record {
            values: values.as_ptr(),
            bytes: bytes.as_mut_ptr(),
            words: words.as_mut_ptr().wrapping_add(column),
            minus_zero_point,
            rows,
            length_words: length / QUAD,
            // From behind the last whole word of a row to the word that ends with the row.
            tail: (length % QUAD).wrapping_sub(QUAD),
            row_step: row_step.wrapping_sub(length),
            quads,
            pixels,
            pixel_step,
        };
        // SAFETY: The function reads, for each of the `pixels`, `rows` runs of `length` bytes, word by word, the last word ending
        // with the run, which has at least four bytes; the last run ends at `last + length`, inside `values`. It writes the runs of a pixel
        // one behind the other to `bytes`, where `rows * length` have room, and reads `quads` words from there. It writes every fourth
        // word of `words`, two for each quad, from the column of the first pixel on, then from the next one's: at most to column 3 of
        // `quads` blocks of eight words, of which there is `room`. No product overflows: the parameters have passed their check.
        unsafe { gather(&record) };
    }
}

/// What the loops read, loaded at once to r0 to r10.
#[repr(C)]
struct Record {
    values: *const i8,
    bytes: *mut i8,
    words: *mut u32,
    minus_zero_point: u32,
    rows: usize,
    length_words: usize,
    tail: usize,
    /// From behind a row to the next.
    row_step: usize,
    quads: usize,
    pixels: usize,
    pixel_step: usize,
}

/// Runs the record. r11, r12 and lr are free; numbers of rows and quads, and addresses that pixels start from, go to the stack.
#[unsafe(naked)]
unsafe extern "C" fn gather(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "ldm r0, {{r0-r10}}",
        // A pixel.
        "2:",
        "push {{r0, r1, r2, r4, r8}}",
        "3:",
        "mov r11, r5",
        "4:",
        "ldr r12, [r0], #4",
        "str r12, [r1], #4",
        "subs r11, r11, #1",
        "bne 4b",
        // The last bytes of a row, with those before them again; nothing new where whole words end with the row.
        "adds r11, r6, #4",
        "beq 5f",
        "add r0, r0, r6",
        "add r1, r1, r6",
        "ldr r12, [r0], #4",
        "str r12, [r1], #4",
        "5:",
        "add r0, r0, r7",
        "subs r4, r4, #1",
        "bne 3b",
        "ldr r1, [sp, #4]",
        "6:",
        "ldr r12, [r1], #4",
        "sxtab16 r11, r3, r12",
        "sxtab16 r12, r3, r12, ror #8",
        "str r11, [r2], #16",
        "str r12, [r2], #16",
        "subs r8, r8, #1",
        "bne 6b",
        "pop {{r0, r1, r2, r4, r8}}",
        "add r0, r0, r10",
        "add r2, r2, #4",
        "subs r9, r9, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
