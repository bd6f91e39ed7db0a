//! The windows of three pixels, behind each other in scratch, as bytes of the image. What lies outside it is the
//! zero point.

use core::arch::naked_asm;
use core::ops::Range;

use super::three_pixels::PIXELS;
use crate::window::Clip;
use crate::{Axis, Conv2dParameters};

/// Where windows are laid. The parameters have passed their check.
#[derive(Default)]
pub(super) struct Windows<'s> {
    bytes: &'s mut [i8],
    /// Elements of a window.
    products: usize,
    /// The columns of the output whose windows are inside the image's columns; none where the filter is dilated.
    inside: Range<usize>,
}

impl<'s> Windows<'s> {
    /// Windows in `scratch`, if there is room.
    pub fn new(parameters: &Conv2dParameters, scratch: &'s mut [u8]) -> Option<Windows<'s>> {
        let Conv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, _, input_width, channels] = parameters.input_shape;
        let products = vertical.filter * horizontal.filter * channels;
        let scratch = scratch.get_mut(..PIXELS * products)?;
        // SAFETY: every byte is a valid `i8` and a valid `u8`, at any address.
        let (_, bytes, _) = unsafe { scratch.align_to_mut::<i8>() };
        let mut inside = 0..0;
        if horizontal.dilation == 1 {
            inside.start = horizontal.padding.div_ceil(horizontal.stride);
            let last = (input_width + horizontal.padding).checked_sub(horizontal.filter);
            inside.end = last.map_or(0, |last| parameters.output_shape[2].min(last / horizontal.stride + 1));
        }
        Some(Windows { bytes, products, inside })
    }

    /// All windows, as they were laid.
    pub fn all(&self) -> &[i8] {
        self.bytes
    }

    /// Lays windows from `pixel` on, up to `pixels`, of neighbours in a row of the output: the first is that of column
    /// `x`, and `rows` of each are inside the image. Returns how many: all, where all are inside its columns.
    #[inline(always)]
    pub fn lay(
        &mut self,
        parameters: &Conv2dParameters,
        image: &[i8],
        rows: Clip,
        x: usize,
        [pixel, pixels]: [usize; 2],
    ) -> usize {
        let Conv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, _, input_width, channels] = parameters.input_shape;
        if rows.taps < vertical.filter || !self.inside.contains(&x) {
            let columns = horizontal.clip(x, input_width);
            self.lay_clipped(parameters, image, [rows, columns], pixel);
            return 1;
        }
        let count = (pixels - pixel).min(self.inside.end - x);
        let length = horizontal.filter * channels;
        let row = input_width * channels;
        let blocks = Blocks {
            from: rows.input * row + (x * horizontal.stride - horizontal.padding) * channels,
            step: horizontal.stride * channels,
            count,
            runs: Runs { count: vertical.filter, length, step: vertical.dilation * row, to_step: length },
        };
        copy(image, self.bytes.get_mut(pixel * self.products..).unwrap_or(&mut []), blocks);
        count
    }

    /// Lays a window of which only some rows and columns are inside the image.
    #[inline(never)]
    fn lay_clipped(
        &mut self,
        parameters: &Conv2dParameters,
        image: &[i8],
        [rows, columns]: [Clip; 2],
        pixel: usize,
    ) {
        let Conv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, _, input_width, channels] = parameters.input_shape;
        let Some(window) = self.bytes.chunks_exact_mut(self.products.max(1)).nth(pixel) else { return };
        fill(window, parameters.input_zero_point);
        if rows.taps == 0 || columns.taps == 0 {
            return;
        }
        let from = (rows.input * input_width + columns.input) * channels;
        let to = (rows.tap * horizontal.filter + columns.tap) * channels;
        let step = vertical.dilation * input_width * channels;
        let Axis { filter, dilation, .. } = horizontal;
        // Taps that are no neighbours are runs of their own.
        let (count, length) =
            if dilation == 1 { (1, columns.taps * channels) } else { (columns.taps, channels) };
        let runs = Runs { count, length, step: dilation * channels, to_step: channels };
        for row in 0..rows.taps {
            let blocks = Blocks { from: from + row * step, step: 0, count: 1, runs };
            copy(image, window.get_mut(to + row * filter * channels..).unwrap_or(&mut []), blocks);
        }
    }
}

/// Parts of a window, in elements.
#[derive(Clone, Copy)]
struct Runs {
    count: usize,
    length: usize,
    /// From run to run in the image.
    step: usize,
    /// From run to run in the window.
    to_step: usize,
}

/// The same parts of neighbouring windows, which lie behind each other.
#[derive(Clone, Copy)]
struct Blocks {
    /// Where the first block starts in the image.
    from: usize,
    /// From block to block in the image.
    step: usize,
    count: usize,
    runs: Runs,
}

/// Copies blocks to `windows`, from its start on.
#[inline(always)]
fn copy(image: &[i8], windows: &mut [i8], blocks: Blocks) {
    let Blocks { from, step, count, runs } = blocks;
    let (before_last, last_run) = (count.wrapping_sub(1), runs.count.wrapping_sub(1));
    let end = from + before_last * step + last_run * runs.step + runs.length;
    let to_end = (before_last * runs.count + last_run) * runs.to_step + runs.length;
    if count == 0 || runs.count == 0 || runs.length == 0 || end > image.len() || to_end > windows.len() {
        return;
    }
    let read = runs.length.next_multiple_of(16);
    let record = Record {
        values: image.as_ptr().wrapping_add(from),
        window: windows.as_mut_ptr(),
        runs: runs.count,
        length: runs.length,
        step: runs.step.wrapping_sub(read),
        to_step: runs.to_step.wrapping_sub(read),
        block_step: step.wrapping_sub(runs.count * runs.step),
        blocks: count,
    };
    // SAFETY: The function reads `blocks` times `runs` runs of `length` bytes, which end at `end`, inside the image, and
    // writes as many, `to_step` apart, which end at `to_end`, inside the windows. Loads and stores of a run's last part
    // are predicated. There is at least one block of one run of one byte. None of these numbers has overflowed,
    // because the parameters have passed their check.
    unsafe { copy_blocks(&record) };
}

/// Fills a window, for which the library's `memset` takes longer.
fn fill(window: &mut [i8], value: i8) {
    if !window.is_empty() {
        // SAFETY: The function writes the window's bytes, at least one; stores of the last part are predicated.
        unsafe { fill_bytes(window.as_mut_ptr(), value.into(), window.len()) };
    }
}

/// Writes `value` to `count` bytes.
#[unsafe(naked)]
unsafe extern "C" fn fill_bytes(bytes: *mut i8, value: i32, count: usize) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r7, lr}}",
        "vdup.8 q0, r1",
        "dlstp.8 lr, r2",
        "2:",
        "vstrb.8 q0, [r0], #16",
        "letp lr, 2b",
        "pop {{r7, pc}}",
    )
}

/// What the loop reads, loaded at once to r0 to r7.
#[repr(C)]
struct Record {
    values: *const i8,
    window: *mut i8,
    /// In a block, 1 or more.
    runs: usize,
    /// 1 or more.
    length: usize,
    /// From behind a run, whole vectors read, to the next.
    step: usize,
    /// The same in the window.
    to_step: usize,
    /// From where another run would be to the next block.
    block_step: usize,
    /// 1 or more.
    blocks: usize,
}

/// Runs the record.
#[unsafe(naked)]
unsafe extern "C" fn copy_blocks(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r8, lr}}",
        "ldm r0, {{r0-r7}}",
        "2:",
        "mov r8, r2",
        "3:",
        "dlstp.8 lr, r3",
        "4:",
        "vldrb.u8 q0, [r0], #16",
        "vstrb.8 q0, [r1], #16",
        "letp lr, 4b",
        "add r0, r0, r4",
        "add r1, r1, r5",
        "subs r8, r8, #1",
        "bne 3b",
        "add r0, r0, r6",
        "subs r7, r7, #1",
        "bne 2b",
        "pop {{r4-r8, pc}}",
    )
}
