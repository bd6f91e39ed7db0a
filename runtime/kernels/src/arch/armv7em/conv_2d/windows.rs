//! The windows of four pixels, side by side in scratch.
//!
//! For every four elements of a window there are eight words: elements 0 and 2 of the four pixels, then
//! elements 1 and 3. Two `LDM` fetch them. What lies outside the image is 0, as is what fills up the
//! last four.

use core::arch::naked_asm;
use core::ops::Range;

use super::gather::Gather;
use crate::arch::armv7em::simd::minus;
use crate::arch::memory::{signed_mut, words};
use crate::arch::scratch::{PIXELS, QUAD, window_words};
use crate::runs::runs;
use crate::window::Clip;
use crate::{Axis, Conv2dParameters};

/// Where windows are laid, block by block in the order of the output. The parameters have passed their check.
pub(super) struct Windows<'s> {
    words: &'s mut [u32],
    /// One window as it is in the image, where its pixels do not fill whole quads; otherwise empty.
    bytes: &'s mut [i8],
    zero_point: i8,
    minus_zero_point: u32,
    /// Columns of the output whose windows are inside the image, and have short rows to be gathered.
    inside: Range<usize>,
    /// Whether windows are more than the pixels of the image.
    pub slides: bool,
    /// Row and column of the next pixel of the output.
    y: usize,
    x: usize,
    /// The rows of its window that are inside the image.
    rows: Clip,
}

impl<'s> Windows<'s> {
    /// Windows in `scratch`, if it serves.
    pub fn new(parameters: &Conv2dParameters, scratch: &'s mut [u8]) -> Option<Windows<'s>> {
        let channels = parameters.input_shape[3];
        let products = parameters.vertical.filter * parameters.horizontal.filter * channels;
        let (words_scratch, rest) = scratch.split_at_mut_checked(4 * window_words(products))?;
        let whole = channels.is_multiple_of(QUAD);
        let bytes = rest.get_mut(..if whole { 0 } else { products.next_multiple_of(QUAD) })?;
        let (bytes, zero_point) = (signed_mut(bytes), parameters.input_zero_point);
        bytes.fill(zero_point);
        let words = words(words_scratch, window_words(products))?;
        let inside = if whole { 0..0 } else { inside(parameters) };
        let slides = !(parameters.vertical.stands() && parameters.horizontal.stands());
        let (minus_zero_point, rows) = (minus(zero_point), Clip::default());
        Some(Windows { words, bytes, zero_point, minus_zero_point, inside, slides, y: 0, x: 0, rows })
    }

    /// All windows, as they were laid.
    pub fn words(&self) -> &[u32] {
        self.words
    }

    /// Goes to the start of row `y` of the output.
    pub fn enter_row(&mut self, parameters: &Conv2dParameters, y: usize) {
        (self.y, self.x) = (y, 0);
        self.rows = parameters.vertical.clip(y, parameters.input_shape[1]);
    }

    /// Lays the windows of the next `pixels` pixels of the output, at most four, where they slide.
    // Apart from its caller, whose stack it does not need while outputs are computed.
    #[inline(never)]
    pub fn lay(&mut self, parameters: &Conv2dParameters, image: &[i8], pixels: usize) {
        let width = parameters.output_shape[2];
        let mut pixel = 0;
        while pixel < pixels {
            let most = (pixels - pixel).min(width - self.x);
            let mut laid = self.lay_inside(parameters, image, pixel..pixel + most);
            if laid == 0 {
                self.lay_clipped(parameters, image, pixel);
                laid = 1;
            }
            (pixel, self.x) = (pixel + laid, self.x + laid);
            if self.x == width {
                self.enter_row(parameters, self.y + 1);
            }
        }
    }

    /// Lays up to four windows, each of them one run of `channels` elements.
    #[inline(always)]
    pub fn lay_pixels(&mut self, values: &[i8], channels: usize) {
        if self.bytes.is_empty() {
            let pixels = (values.len() / channels.max(1)).min(PIXELS);
            if pixels == 0 || self.words.len() < window_words(channels) {
                return;
            }
            let quads = channels / QUAD;
            let record = Record {
                values: values.as_ptr(),
                words: self.words.as_mut_ptr(),
                minus_zero_point: self.minus_zero_point,
                quads,
                runs: pixels,
                step: 0,
                words_step: size_of::<u32>().wrapping_sub(quads * QUAD_BYTES),
            };
            // SAFETY: The function reads `pixels` times `4 * quads` bytes, at least one quad because `channels` is a multiple
            // of four. It writes every fourth word, two for each quad, first from word 0 on, then from the next:
            // a column for each of up to four pixels. Both slices are long enough, as checked above.
            unsafe { widen_runs(&record) };
            return;
        }
        self.lay_odd_pixels(values, channels);
    }

    /// The same of pixels that do not fill whole quads.
    #[inline(never)]
    fn lay_odd_pixels(&mut self, values: &[i8], channels: usize) {
        for (pixel, values) in runs(values, channels).enumerate() {
            let whole = Runs { count: 1, length: channels, step: 0, to: 0, to_step: 0 };
            copy_runs(values, &whole, self.bytes);
            self.lay_bytes(pixel);
        }
    }

    /// Lays the windows of the next pixels, `pixels` at most, as long as they are all inside the image and have short rows; gives how
    /// many.
    #[inline(always)]
    fn lay_inside(&mut self, parameters: &Conv2dParameters, image: &[i8], pixels: Range<usize>) -> usize {
        let Conv2dParameters { vertical, horizontal, .. } = parameters;
        let [_, _, input_width, channels] = parameters.input_shape;
        let (rows, x) = (self.rows, self.x);
        let count = pixels.len().min(self.inside.end.saturating_sub(x));
        if count == 0 || x < self.inside.start || rows.taps < vertical.filter {
            return 0;
        }
        let first = rows.input * input_width + x * horizontal.stride - horizontal.padding;
        let gather = Gather {
            rows: rows.taps,
            length: horizontal.filter * channels,
            row_step: vertical.dilation * input_width * channels,
            pixel_step: horizontal.stride * channels,
            minus_zero_point: self.minus_zero_point,
        };
        let values = image.get(first * channels..).unwrap_or(&[]);
        gather.lay(values, count, self.bytes, self.words, pixels.start);
        count
    }

    /// Lays the window of the next pixel, as far as it is inside the image.
    #[inline(always)]
    fn lay_clipped(&mut self, parameters: &Conv2dParameters, image: &[i8], pixel: usize) {
        let Conv2dParameters { vertical, horizontal, .. } = parameters;
        let [_, _, input_width, channels] = parameters.input_shape;
        let (rows, columns) = (self.rows, horizontal.clip(self.x, input_width));
        let inside = rows.taps > 0 && columns.taps > 0;
        if rows.taps < vertical.filter || columns.taps < horizontal.filter {
            self.clear(pixel);
        }
        let from = (rows.input * input_width + columns.input) * channels;
        let to = (rows.tap * horizontal.filter + columns.tap) * channels;
        let (step, to_step) = (vertical.dilation * input_width * channels, horizontal.filter * channels);
        let image = image.get(from..).unwrap_or(&[]);
        if inside && horizontal.dilation == 1 {
            let parts = Runs { count: rows.taps, length: columns.taps * channels, step, to, to_step };
            self.lay_runs(image, &parts, pixel);
        } else if inside {
            for row in 0..rows.taps {
                let parts = Runs {
                    count: columns.taps,
                    length: channels,
                    step: horizontal.dilation * channels,
                    to: to + row * to_step,
                    to_step: channels,
                };
                self.lay_runs(image.get(row * step..).unwrap_or(&[]), &parts, pixel);
            }
        }
        if !self.bytes.is_empty() {
            self.lay_bytes(pixel);
        }
    }

    /// Puts taps outside the image everywhere.
    #[inline(never)]
    fn clear(&mut self, pixel: usize) {
        self.bytes.fill(self.zero_point);
        for word in self.words.iter_mut().skip(pixel).step_by(PIXELS) {
            *word = 0;
        }
    }

    #[inline(always)]
    fn lay_runs(&mut self, values: &[i8], runs: &Runs, pixel: usize) {
        if self.bytes.is_empty() {
            widen(values, runs, self.minus_zero_point, self.words, pixel);
        } else {
            copy_runs(values, runs, self.bytes);
        }
    }

    /// Lays the window that was copied to `bytes`.
    fn lay_bytes(&mut self, pixel: usize) {
        let all = Runs { count: 1, length: self.bytes.len(), step: 0, to: 0, to_step: 0 };
        widen(self.bytes, &all, self.minus_zero_point, self.words, pixel);
    }
}

/// Columns of the output whose windows have all their columns inside the image, one beside the other, four bytes at least.
fn inside(parameters: &Conv2dParameters) -> Range<usize> {
    let Axis { filter, stride, dilation, padding } = parameters.horizontal;
    let [_, _, input_width, channels] = parameters.input_shape;
    let last = (input_width + padding).checked_sub(filter).map(|room| room / stride);
    match last {
        Some(last) if dilation == 1 && filter * channels >= QUAD => {
            padding.div_ceil(stride)..(last + 1).min(parameters.output_shape[2])
        }
        _ => 0..0,
    }
}

/// Bytes of four widened elements of all windows.
pub(super) const QUAD_BYTES: usize = 2 * PIXELS * size_of::<u32>();

/// Parts of a window, in elements.
struct Runs {
    count: usize,
    length: usize,
    /// From run to run in the image.
    step: usize,
    /// Where the first run goes in the window.
    to: usize,
    /// From run to run there.
    to_step: usize,
}

/// Widens runs of whole quads, in windows at whole quads, to the column `pixel` of `words`.
#[inline(never)]
fn widen(values: &[i8], runs: &Runs, minus_zero_point: u32, words: &mut [u32], pixel: usize) {
    let before_last = runs.count.wrapping_sub(1);
    let (end, to_end) = (before_last * runs.step + runs.length, before_last * runs.to_step + runs.to);
    let room = words.len() / (2 * PIXELS) * QUAD;
    let fits = end <= values.len() && to_end + runs.length <= room && pixel < PIXELS;
    if runs.count == 0 || runs.length < QUAD || !fits {
        return;
    }
    let record = Record {
        values: values.as_ptr(),
        words: words.as_mut_ptr().wrapping_add(runs.to / QUAD * 2 * PIXELS + pixel),
        minus_zero_point,
        quads: runs.length / QUAD,
        runs: runs.count,
        step: runs.step.wrapping_sub(runs.length),
        words_step: (runs.to_step.wrapping_sub(runs.length)).wrapping_mul(QUAD_BYTES / QUAD),
    };
    // SAFETY: The function reads `runs` times `4 * quads` bytes at a distance of `step` and ends at `end`, inside
    // `values`. It writes every fourth word from a column's word on, two for each quad, and ends in the
    // quad before `to_end + length`, inside `words`. None of these numbers has overflowed, because the parameters
    // have passed their check.
    unsafe { widen_runs(&record) };
}

/// What the loop reads, loaded at once to r0 to r3, r8, r9 and r12.
#[repr(C)]
struct Record {
    values: *const i8,
    words: *mut u32,
    minus_zero_point: u32,
    /// In a run, 1 or more.
    quads: usize,
    /// 1 or more.
    runs: usize,
    /// Bytes from behind a run to the next.
    step: usize,
    /// The same in `words`.
    words_step: usize,
}

/// Runs the record: quads in pairs, after the first if their number is odd.
#[unsafe(naked)]
unsafe extern "C" fn widen_runs(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4, r5, r6, r8, r9, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r8, r9, r12}}",
        "2:",
        "lsrs lr, r3, #1",
        "bcc 3f",
        "ldr r4, [r0], #4",
        "sxtab16 r5, r2, r4",
        "sxtab16 r4, r2, r4, ror #8",
        "str r5, [r1], #16",
        "str r4, [r1], #16",
        "cmp lr, #0",
        "beq 4f",
        "3:",
        "ldr r4, [r0], #4",
        "ldr r6, [r0], #4",
        "sxtab16 r5, r2, r4",
        "sxtab16 r4, r2, r4, ror #8",
        "str r5, [r1], #16",
        "str r4, [r1], #16",
        "sxtab16 r5, r2, r6",
        "sxtab16 r6, r2, r6, ror #8",
        "str r5, [r1], #16",
        "str r6, [r1], #16",
        "subs lr, lr, #1",
        "bne 3b",
        "4:",
        "add r0, r0, r9",
        "add r1, r1, r12",
        "subs r8, r8, #1",
        "bne 2b",
        "pop {{r4, r5, r6, r8, r9, pc}}",
    )
}

/// Copies runs to a window.
#[inline(never)]
fn copy_runs(values: &[i8], runs: &Runs, window: &mut [i8]) {
    for run in 0..runs.count {
        let Some(values) = values.get(run * runs.step..).and_then(|values| values.get(..runs.length)) else {
            return;
        };
        let to = window.get_mut(runs.to + run * runs.to_step..);
        for (to, &value) in to.unwrap_or(&mut []).iter_mut().zip(values) {
            *to = value;
        }
    }
}
