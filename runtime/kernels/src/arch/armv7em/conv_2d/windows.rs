//! The windows of four pixels, side by side in scratch.
//!
//! For every four elements of a window there are eight words: elements 0 and 2 of the four pixels, then
//! elements 1 and 3. Two `LDM` fetch them. What lies outside the image is 0, as is what fills up the
//! last four.

use crate::Conv2dParameters;
use crate::arch::armv7em::simd::{minus, sxtab16, sxtab16_odd, word, words};
use crate::arch::scratch::{PIXELS, QUAD, window_words};

/// Where windows are laid.
pub(super) struct Windows<'s> {
    words: &'s mut [u32],
    /// One window as it is in the image, where its pixels do not fill whole quads; otherwise empty.
    bytes: &'s mut [u8],
    zero_point: i8,
    minus_zero_point: u32,
}

impl<'s> Windows<'s> {
    /// Windows in `scratch`, if it serves.
    pub fn new(parameters: &Conv2dParameters, scratch: &'s mut [u8]) -> Option<Windows<'s>> {
        let channels = parameters.input_shape[3];
        let products = parameters.vertical.filter * parameters.horizontal.filter * channels;
        let (words_scratch, rest) = scratch.split_at_mut_checked(4 * window_words(products))?;
        let whole = channels.is_multiple_of(QUAD);
        let bytes = rest.get_mut(..if whole { 0 } else { products.next_multiple_of(QUAD) })?;
        let zero_point = parameters.input_zero_point;
        bytes.fill(zero_point as u8);
        let words = words(words_scratch, window_words(products))?;
        Some(Windows { words, bytes, zero_point, minus_zero_point: minus(zero_point) })
    }

    /// All windows, as they were laid.
    pub fn words(&self) -> &[u32] {
        self.words
    }

    /// Lays a window that is one run of the image.
    #[inline(always)]
    pub fn lay_values(&mut self, values: &[i8], pixel: usize) {
        if self.bytes.is_empty() {
            widen(values, self.minus_zero_point, self.words, pixel);
        } else {
            copy(values, self.bytes, 0);
            self.lay_bytes(pixel);
        }
    }

    /// Lays the window of the output position `[y, x]`.
    pub fn lay(&mut self, parameters: &Conv2dParameters, image: &[i8], [y, x]: [usize; 2], pixel: usize) {
        let Conv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, input_height, input_width, channels] = parameters.input_shape;
        let (rows, columns) = (vertical.clip(y, input_height), horizontal.clip(x, input_width));
        if rows.taps < vertical.filter || columns.taps < horizontal.filter {
            self.clear(pixel);
        }
        let (mut runs, mut length) = (columns.taps, channels);
        if horizontal.dilation == 1 {
            (runs, length) = (1, columns.taps * channels);
        }
        for row in 0..rows.taps {
            let input_row = (rows.input + row * vertical.dilation) * input_width;
            let mut from = (input_row + columns.input) * channels;
            let mut to = ((rows.tap + row) * horizontal.filter + columns.tap) * channels;
            for _ in 0..runs {
                let Some(values) = image.get(from..from + length) else { return };
                if self.bytes.is_empty() {
                    let words = self.words.get_mut(2 * PIXELS * (to / QUAD)..).unwrap_or(&mut []);
                    widen(values, self.minus_zero_point, words, pixel);
                } else {
                    copy(values, self.bytes, to);
                }
                from = from.wrapping_add(horizontal.dilation.wrapping_mul(channels));
                to += channels;
            }
        }
        if !self.bytes.is_empty() {
            self.lay_bytes(pixel);
        }
    }

    /// Puts taps outside the image everywhere.
    fn clear(&mut self, pixel: usize) {
        self.bytes.fill(self.zero_point as u8);
        for word in self.words.iter_mut().skip(pixel).step_by(PIXELS) {
            *word = 0;
        }
    }

    /// Lays the window that was copied to `bytes`.
    #[inline(always)]
    fn lay_bytes(&mut self, pixel: usize) {
        let (quads, _) = self.bytes.as_chunks::<QUAD>();
        let words = self.words.get_mut(pixel..).unwrap_or(&mut []).chunks_mut(2 * PIXELS);
        for (&quad, words) in quads.iter().zip(words) {
            put(u32::from_le_bytes(quad), self.minus_zero_point, words);
        }
    }
}

/// Widens whole quads of `values` to the column `pixel` of `words`.
#[inline(never)]
fn widen(values: &[i8], minus_zero_point: u32, words: &mut [u32], pixel: usize) {
    let (quads, _) = values.as_chunks::<QUAD>();
    let words = words.get_mut(pixel..).unwrap_or(&mut []).chunks_mut(2 * PIXELS);
    for (&quad, words) in quads.iter().zip(words) {
        put(word(quad), minus_zero_point, words);
    }
}

#[inline(always)]
fn put(quad: u32, minus_zero_point: u32, words: &mut [u32]) {
    if let [even, _, _, _, odd, ..] = words {
        *even = sxtab16(minus_zero_point, quad);
        *odd = sxtab16_odd(minus_zero_point, quad);
    }
}

/// Copies short runs, for which a call of `memcpy` would take longer.
#[inline(always)]
fn copy(values: &[i8], bytes: &mut [u8], to: usize) {
    for (byte, &value) in bytes.get_mut(to..).unwrap_or(&mut []).iter_mut().zip(values) {
        *byte = value as u8;
    }
}
