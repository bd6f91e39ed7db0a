//! Rows of the input, widened and taken apart into channels.
//!
//! A line is one row. Each of its channels is a run of words, two neighbouring elements in each, free of their zero
//! point; what lies outside the image is 0. Lines take turns: the next row takes the place of the oldest.

use core::arch::naked_asm;
use core::ops::Range;

use super::FOUR;
use crate::DepthwiseConv2dParameters;
use crate::arch::armv7em::simd::{minus, sxtab16, sxtab16_odd, word};
use crate::arch::scratch::{LINES, line_pairs};

/// The lines that one row of windows sees.
pub(super) struct Lines<'s> {
    words: &'s mut [u32],
    /// Words of a channel in a line.
    pairs: usize,
    channels: usize,
    /// Rows, imagined ones above the image included, that have been lines.
    next: usize,
}

impl<'s> Lines<'s> {
    /// Lines of `channels` channels for windows of three columns with a stride of 1 or 2, in `words`, if they are enough.
    pub fn new(parameters: &DepthwiseConv2dParameters, words: &'s mut [u32]) -> Option<Lines<'s>> {
        let [_, _, width, channels] = parameters.output_shape;
        let pairs = line_pairs(width, parameters.horizontal.stride);
        let words = words.get_mut(..LINES * pairs * channels)?;
        Some(Lines { words, pairs, channels, next: 0 })
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.words.fill(0);
        self.next = 0;
    }

    /// Makes lines of the rows up to the last of three from `first` on, in an image with padding above, and gives where
    /// the three begin.
    pub fn advance(
        &mut self,
        parameters: &DepthwiseConv2dParameters,
        image: &[i8],
        first: usize,
    ) -> [&[u32]; LINES] {
        let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, height, width, channels] = parameters.input_shape;
        // Rows between two windows that are further apart than high are nobody's.
        self.next = self.next.max(first);
        while self.next < first + LINES {
            let row = self.next.wrapping_sub(vertical.padding);
            let length = self.pairs * self.channels;
            let line =
                self.words.get_mut(self.next % LINES * length..).and_then(|line| line.get_mut(..length));
            let line = line.unwrap_or(&mut []);
            let row = if row < height { image.get(row * width * channels..) } else { None };
            match row.and_then(|row| row.get(..width * channels)) {
                Some(row) => {
                    let pairs = Pairs {
                        row,
                        channels,
                        padding: horizontal.padding,
                        zero_point: parameters.input_zero_point,
                    };
                    pairs.lay(line, self.pairs);
                }
                None => line.fill(0),
            }
            self.next += 1;
        }
        let lines = [0, 1, 2].map(|row| (first + row) % LINES * self.pairs * self.channels);
        lines.map(|start| self.words.get(start..).unwrap_or(&[]))
    }
}

/// A row that is to become a line.
#[derive(Clone, Copy)]
struct Pairs<'r> {
    row: &'r [i8],
    channels: usize,
    /// Imagined elements before the first.
    padding: usize,
    zero_point: i8,
}

impl Pairs<'_> {
    /// Fills the words of `line`, `pairs` for each channel, that have an element inside the row; the others stay 0.
    #[inline(never)]
    fn lay(self, line: &mut [u32], pairs: usize) {
        let Pairs { row, channels, padding, .. } = self;
        let (width, end) = (row.len() / channels, padding + row.len() / channels);
        let inside = padding.div_ceil(2)..(end / 2).min(pairs);
        for group in 0..channels.div_ceil(FOUR) {
            let channel = (FOUR * group).min(channels - FOUR);
            let line = line.get_mut(channel * pairs..).unwrap_or(&mut []);
            self.widen(inside.clone(), channel, line, pairs);
            // Words of which only the second element is inside, or only the first.
            if padding % 2 == 1 {
                let [even, odd] = self.element(0, channel);
                put(line, pairs, padding / 2, [even << 16, odd << 16, even & !0xFFFF, odd & !0xFFFF]);
            }
            if end % 2 == 1 {
                let [even, odd] = self.element(width.wrapping_sub(1), channel);
                put(line, pairs, end / 2, [even & 0xFFFF, odd & 0xFFFF, even >> 16, odd >> 16]);
            }
        }
    }

    /// Fills the words in `range`, whose elements are inside the row, of four channels.
    #[inline(always)]
    fn widen(self, range: Range<usize>, channel: usize, line: &mut [u32], pairs: usize) {
        let Pairs { row, channels, padding, zero_point } = self;
        let first = (2 * range.start).wrapping_sub(padding) * channels + channel;
        let needed = first + (2 * range.len()).wrapping_sub(1) * channels + FOUR;
        if range.is_empty() || needed > row.len() || line.len() < FOUR * pairs || range.end > pairs {
            return;
        }
        let record = Record {
            values: row.as_ptr().wrapping_add(first),
            channels,
            words: line.as_mut_ptr().wrapping_add(range.start),
            line_bytes: pairs * size_of::<u32>(),
            minus_zero_point: minus(zero_point),
            count: range.len(),
        };
        // SAFETY: The function reads four bytes at each of `2 * count` elements that are `channels` bytes apart, the last of which
        // end at `needed`, inside the row. It writes `count` words, at least one, from `words` on and at each of the next three
        // multiples of `line_bytes` behind: in four channels of `pairs` words each, `range` of them. All was compared above.
        unsafe { widen_pairs(&record) };
    }

    /// Channels 0 and 2, and 1 and 3, of four of an element of the row.
    #[inline(always)]
    fn element(self, x: usize, channel: usize) -> [u32; 2] {
        let four = self.row.get(x.wrapping_mul(self.channels).wrapping_add(channel)..);
        let four = four.and_then(|four| four.first_chunk::<FOUR>());
        let minus_zero_point = minus(self.zero_point);
        four.map_or([0; 2], |&four| {
            [sxtab16(minus_zero_point, word(four)), sxtab16_odd(minus_zero_point, word(four))]
        })
    }
}

/// Puts a word of each of four channels at `pair`, if the line goes so far.
// Once, not at both of its uses.
#[inline(never)]
fn put(line: &mut [u32], pairs: usize, pair: usize, words: [u32; FOUR]) {
    if pair < pairs {
        for (channel, word) in words.into_iter().enumerate() {
            if let Some(slot) = line.get_mut(channel * pairs + pair) {
                *slot = word;
            }
        }
    }
}

/// What the loop reads, loaded at once to r0 to r5.
#[repr(C)]
struct Record {
    values: *const i8,
    /// Bytes from element to element.
    channels: usize,
    words: *mut u32,
    /// From channel to channel of a line.
    line_bytes: usize,
    minus_zero_point: u32,
    /// 1 or more.
    count: usize,
}

/// Runs the record: two elements of four channels at a turn. r6 and r8 are channels 0 and 2 of both, r7 and r9 channels 1 and 3.
#[unsafe(naked)]
unsafe extern "C" fn widen_pairs(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "ldm r0, {{r0-r5}}",
        "add r10, r3, r3, lsl #1",
        "2:",
        "ldr r7, [r0]",
        "ldr r9, [r0, r1]",
        "add r0, r0, r1, lsl #1",
        "sxtab16 r6, r4, r7",
        "sxtab16 r7, r4, r7, ror #8",
        "sxtab16 r8, r4, r9",
        "sxtab16 r9, r4, r9, ror #8",
        "pkhbt r11, r6, r8, lsl #16",
        "pkhtb r6, r8, r6, asr #16",
        "pkhbt r12, r7, r9, lsl #16",
        "pkhtb r7, r9, r7, asr #16",
        "str r12, [r2, r3]",
        "str r6, [r2, r3, lsl #1]",
        "str r7, [r2, r10]",
        "str r11, [r2], #4",
        "subs r5, r5, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
