//! The inner loops: output channels by fours, of neighbouring pixels that see the same taps.

use core::arch::naked_asm;
use core::mem::offset_of;
use core::ops::Range;
use core::ptr;

use super::prepared::{Activations, Prepared};
use crate::DepthwiseConv2dParameters;
use crate::arch::armv7em::simd::minus;
use crate::arch::scratch::{QUAD, four_channels_words};
use crate::window::Clip;

/// Neighbours in a row of the output.
#[derive(Clone, Copy)]
pub(super) struct Pixels {
    /// The first.
    pub x: usize,
    /// How many.
    pub count: usize,
    /// The rows of the filter that are inside the image for all of them.
    pub rows: Clip,
    /// The columns; `input` is that of the first pixel.
    pub columns: Clip,
}

/// Computes `fours` of prepared channels of some pixels of a row of the output, `output`; the first one is the
/// output channel `channels[0]` and reads the input channel `channels[1]`. Where not every channel takes the
/// short way to int8, there is one pixel and one four, and this returns the sums.
#[inline(always)]
pub(super) fn run(
    parameters: &DepthwiseConv2dParameters,
    prepared: &Prepared<'_>,
    image: &[i8],
    pixels: Pixels,
    fours: Range<usize>,
    channels: [usize; 2],
    output: &mut [i8],
) -> Option<[i32; QUAD]> {
    let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
    let [_, _, input_width, input_channels] = parameters.input_shape;
    let output_channels = parameters.output_shape[3];
    let Pixels { x, count, rows, columns } = pixels;
    let inside = rows.taps > 0 && columns.taps > 0;
    let taps = vertical.filter * horizontal.filter;
    let tap = rows.tap * horizontal.filter + columns.tap;
    let pixel = rows.input * input_width + columns.input;
    let words = prepared.words.get(four_channels_words(taps) * fours.start..)?;
    let (input_step, output_step) = (horizontal.stride * input_channels, output_channels);
    let input_four = if prepared.activations == Activations::Four { QUAD } else { 0 };
    let mut sums = [0; QUAD];
    let mut record = Record {
        input: image.get(pixel * input_channels + channels[1]..)?.as_ptr(),
        weights: words.get(4 * QUAD + 2 * tap..)?.as_ptr(),
        tap_step: horizontal.dilation * input_channels,
        minus_zero_point: minus(parameters.input_zero_point),
        rows: if inside { rows.taps } else { 0 },
        taps: columns.taps,
        row_steps: [
            vertical.dilation * input_width * input_channels,
            (horizontal.filter - columns.taps) * 2 * size_of::<u32>(),
        ],
        rows_left: 0,
        prepared: words.as_ptr(),
        sums: if prepared.short { ptr::null_mut() } else { &raw mut sums },
        output: output.get_mut(x * output_channels + channels[0]..)?.as_mut_ptr(),
        input_step,
        output_step,
        pixels_left: count,
        pixels: count,
        input_back: input_four.wrapping_sub(count * input_step),
        output_back: QUAD.wrapping_sub(count * output_step),
        prepared_step: four_channels_words(taps) * size_of::<u32>(),
        fours: fours.len(),
    };
    // SAFETY: The functions read and write through the record's pointers, which hold what they need, because the
    // parameters have passed their check, by which no product of sizes overflows and the slices have the lengths of
    // their shapes:
    // - `input` is the first tap inside the image, at the first channel to read. `clip` says that `rows.taps` rows from
    //   there on, `dilation` rows apart, are inside, as are `columns.taps` columns of the first window; the caller
    //   counts the pixels whose windows end inside. At each tap four neighbouring channels are read or one. The
    //   next four of them are four channels further, or the same; the caller's last four end with the channels.
    // - `prepared` and `weights` are inside the words of the first four: `prepared` starts with 4 biases and 12 numbers;
    //   `weights` is the first tap inside the filter, of two words each. Rows of `columns.taps` taps follow, with
    //   the rest of the filter's row skipped by `row_steps`. There are words for all fours, and their address is
    //   a multiple of 4.
    // - `output` is the first output channel of the first pixel; each pixel stores four bytes for each four, and `x + count`
    //   is at most the row's width. With `sums`, there is one pixel and one four, and it stores four words there instead.
    // With no row or no column inside, nothing is read of the image. There is at least one pixel and one four. The record
    // outlives the call, and nothing else points to the output.
    unsafe {
        match prepared.activations {
            Activations::Four => four_channels(&mut record),
            Activations::Shared => four_channels_of_one(&mut record),
        }
    }
    if prepared.short { None } else { Some(sums) }
}

/// What the loops read and write. The groups in brackets are loaded at once, in this order.
#[repr(C)]
struct Record {
    // [Start of a pixel: r0, r1, r2, r12, lr.]
    input: *const i8,
    weights: *const u32,
    tap_step: usize,
    minus_zero_point: u32,
    rows: usize,
    taps: usize,
    /// [r3, r4] From the first tap of a row to that of the next, and from behind the last weight of a row to
    /// the first of the next.
    row_steps: [usize; 2],
    rows_left: usize,
    /// The biases [r8 to r11], and behind them the numbers of the short way [r3 to r5, for each channel].
    prepared: *const u32,
    /// Where the sums go; null where they take the short way to `output`.
    sums: *mut [i32; QUAD],
    output: *mut i8,
    // [End of a pixel: r3, r4, r5.]
    input_step: usize,
    output_step: usize,
    pixels_left: usize,
    // [End of four channels: r2 to r6.]
    pixels: usize,
    /// From behind the last pixel to the first one's next four channels.
    input_back: usize,
    output_back: usize,
    prepared_step: usize,
    fours: usize,
}

/// A function over the record.
///
/// The sums of the four channels are r8 to r11; r4 and r5 are their weights, r3 and r6 their activations.
/// r0 walks through taps, r1 through weights, r2 is the step from tap to tap, r12 has what frees from the
/// zero point, lr counts rows, or taps where there are not three of them. r7 is the record.
///
/// `$tap` and the two lists after it say how one tap is read at [r0], and the next two behind it.
macro_rules! function {
    ($name:ident, $load:literal, [$($products:literal),*]) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(record: &mut Record) {
            naked_asm!(
                env!("OCELLI_ASSEMBLER"),
                "push {{r4-r11, lr}}",
                "mov r7, r0",

                // A pixel.
                "2:",
                "ldr r0, [r7, #{prepared}]",
                "ldm r0, {{r8-r11}}",
                "ldm r7, {{r0, r1, r2, r12, lr}}",
                "ldr r3, [r7, #{taps}]",
                "cmp lr, #0",
                "beq 6f",
                "cmp r3, #3",
                "bne 4f",

                // A row of three taps.
                "3:",
                concat!($load, " r3, [r0]"),
                $($products,)*
                concat!($load, " r3, [r0, r2]"),
                $($products,)*
                concat!($load, " r3, [r0, r2, lsl #1]"),
                $($products,)*
                "ldrd r3, r4, [r7, #{row_steps}]",
                "add r0, r0, r3",
                "add r1, r1, r4",
                "subs lr, lr, #1",
                "bne 3b",
                "b 6f",

                // A row of any number of taps, r3.
                "4:",
                "str lr, [r7, #{rows_left}]",
                "mov lr, r3",
                "5:",
                concat!($load, " r3, [r0]"),
                $($products,)*
                "add r0, r0, r2",
                "subs lr, lr, #1",
                "bne 5b",
                "ldr r5, [r7, #{taps}]",
                "ldrd r3, r4, [r7, #{row_steps}]",
                "mls r0, r5, r2, r0",
                "add r0, r0, r3",
                "add r1, r1, r4",
                "ldr lr, [r7, #{rows_left}]",
                "mov r3, r5",
                "subs lr, lr, #1",
                "bne 4b",

                "6:",
                "ldr r0, [r7, #{sums}]",
                "ldr r1, [r7, #{output}]",
                "cbz r0, 7f",
                "stm r0, {{r8-r11}}",
                "pop {{r4-r11, pc}}",

                // The short way to int8.
                "7:",
                "ldr r0, [r7, #{prepared}]",
                "add r0, r0, #16",
                "ldm r0!, {{r3, r4, r5}}",
                "lsl r8, r8, #1",
                "smmulr r8, r8, r3",
                "add r8, r8, r8, asr #31",
                "add r8, r8, r4",
                "asr r8, r8, r5",
                "ssat r8, #8, r8",
                "strb r8, [r1]",
                "ldm r0!, {{r3, r4, r5}}",
                "lsl r9, r9, #1",
                "smmulr r9, r9, r3",
                "add r9, r9, r9, asr #31",
                "add r9, r9, r4",
                "asr r9, r9, r5",
                "ssat r9, #8, r9",
                "strb r9, [r1, #1]",
                "ldm r0!, {{r3, r4, r5}}",
                "lsl r10, r10, #1",
                "smmulr r10, r10, r3",
                "add r10, r10, r10, asr #31",
                "add r10, r10, r4",
                "asr r10, r10, r5",
                "ssat r10, #8, r10",
                "strb r10, [r1, #2]",
                "ldm r0, {{r3, r4, r5}}",
                "lsl r11, r11, #1",
                "smmulr r11, r11, r3",
                "add r11, r11, r11, asr #31",
                "add r11, r11, r4",
                "asr r11, r11, r5",
                "ssat r11, #8, r11",
                "strb r11, [r1, #3]",
                "add r2, r7, #{input_step}",
                "ldm r2, {{r3, r4, r5}}",
                "ldr r0, [r7]",
                "add r1, r1, r4",
                "add r0, r0, r3",
                "str r1, [r7, #{output}]",
                "str r0, [r7]",
                "subs r5, r5, #1",
                "str r5, [r7, #{pixels_left}]",
                "bne 2b",

                // The next four channels.
                "add r2, r7, #{pixels}",
                "ldm r2, {{r2, r3, r4, r5, r6}}",
                "add r0, r0, r3",
                "add r1, r1, r4",
                "str r0, [r7]",
                "str r1, [r7, #{output}]",
                "str r2, [r7, #{pixels_left}]",
                "ldr r3, [r7, #{prepared}]",
                "ldr r4, [r7, #{weights}]",
                "add r3, r3, r5",
                "add r4, r4, r5",
                "str r3, [r7, #{prepared}]",
                "str r4, [r7, #{weights}]",
                "subs r6, r6, #1",
                "str r6, [r7, #{fours}]",
                "bne 2b",
                "pop {{r4-r11, pc}}",
                weights = const offset_of!(Record, weights),
                prepared = const offset_of!(Record, prepared),
                taps = const offset_of!(Record, taps),
                row_steps = const offset_of!(Record, row_steps),
                rows_left = const offset_of!(Record, rows_left),
                sums = const offset_of!(Record, sums),
                output = const offset_of!(Record, output),
                input_step = const offset_of!(Record, input_step),
                pixels_left = const offset_of!(Record, pixels_left),
                pixels = const offset_of!(Record, pixels),
                fours = const offset_of!(Record, fours),
            )
        }
    };
}

function!(
    four_channels,
    "ldr",
    [
        "ldrd r4, r5, [r1], #8",
        "sxtab16 r6, r12, r3",
        "sxtab16 r3, r12, r3, ror #8",
        "smlabb r8, r6, r4, r8",
        "smlatt r10, r6, r4, r10",
        "smlabb r9, r3, r5, r9",
        "smlatt r11, r3, r5, r11"
    ]
);

function!(
    four_channels_of_one,
    "ldrsb",
    [
        "ldrd r4, r5, [r1], #8",
        "add r3, r3, r12",
        "smlabb r8, r3, r4, r8",
        "smlabt r10, r3, r4, r10",
        "smlabb r9, r3, r5, r9",
        "smlabt r11, r3, r5, r11"
    ]
);
