//! The inner loops: four output channels of neighbouring pixels.

use core::arch::naked_asm;
use core::mem::offset_of;
use core::ptr;

use crate::arch::armv7em::finish::Short;
use crate::arch::armv7em::simd::{minus, sxtab16, sxtab16_odd, word};
use crate::arch::scratch::QUAD;
use crate::finish::Finish;
use crate::window::Clip;
use crate::{DepthwiseConv2dParameters, Filter, Requantize};

/// What four output channels read of a pixel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Activations {
    /// Each a channel of its own.
    Four,
    /// All the same one.
    Shared,
}

/// Four channels, ready to run over an image. The parameters have passed their check.
pub(super) struct FourChannels<'s> {
    record: Record,
    weights: &'s [u32],
    activations: Activations,
    finish: Finish,
    /// The first output channel, and the input channel that it reads.
    channels: [usize; 2],
    factors: [Requantize; QUAD],
    /// Whether all four take the short way to int8.
    short: bool,
}

impl<'s> FourChannels<'s> {
    #[inline(never)]
    /// Output channels from `channel` on, with the layer's [`largest_shift`](super::largest_shift); widens their weights to `weights`, two words a tap.
    pub fn new(
        parameters: &DepthwiseConv2dParameters,
        filter: &Filter<'_>,
        activations: Activations,
        finish: Finish,
        largest_shift: u32,
        channel: usize,
        weights: &'s mut [u32],
    ) -> Option<FourChannels<'s>> {
        let output_channels = parameters.output_shape[3];
        let taps = filter.weights.get(channel..)?.chunks(output_channels.max(1));
        for (widened, tap) in weights.as_chunks_mut::<2>().0.iter_mut().zip(taps) {
            let tap = word(*tap.first_chunk::<QUAD>()?);
            *widened = [sxtab16(0, tap), sxtab16_odd(0, tap)];
        }
        let factors: [Requantize; QUAD] = core::array::from_fn(|i| filter.factor(channel + i));
        let ways = factors.map(|factor| Short::new(factor, finish, largest_shift));
        let multiplier = output_channels.checked_div(parameters.input_shape[3])?.max(1);
        let record = Record {
            input: ptr::null(),
            weights: ptr::null(),
            tap_step: (parameters.horizontal.dilation * parameters.input_shape[3]) as u32,
            minus_zero_point: minus(parameters.input_zero_point),
            rows: 0,
            taps: 0,
            row_steps: [0; 2],
            rows_left: 0,
            bias: core::array::from_fn(|i| filter.bias.get(channel + i).copied().unwrap_or(0)),
            ways: ways.map(|way| way.unwrap_or_default()),
            sums: ptr::null_mut(),
            output: ptr::null_mut(),
            input_step: (parameters.horizontal.stride * parameters.input_shape[3]) as u32,
            output_step: output_channels as u32,
            pixels: 0,
        };
        let short = ways.iter().all(Option::is_some);
        let channels = [channel, channel / multiplier];
        Some(FourChannels { record, weights, activations, finish, channels, factors, short })
    }

    /// Computes one row of the output.
    #[inline(never)]
    pub fn run_row(
        &mut self,
        parameters: &DepthwiseConv2dParameters,
        image: &[i8],
        y: usize,
        output: &mut [i8],
    ) {
        let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
        let [_, input_height, input_width, channels] = parameters.input_shape;
        let [_, _, width, output_channels] = parameters.output_shape;
        let rows = vertical.clip(y, input_height);
        let filter_row = horizontal.filter * WEIGHTS_STEP;
        let reach = (horizontal.filter - 1) * horizontal.dilation + 1;
        let mut x = 0;
        while x < width {
            let columns = horizontal.clip(x, input_width);
            let mut pixels = 1;
            if columns.taps == horizontal.filter && self.short {
                let further = (input_width - reach - columns.input) / horizontal.stride;
                pixels = (width - x).min(1 + further);
            }
            self.record.row_steps = [
                (vertical.dilation * input_width * channels) as u32,
                (filter_row - columns.taps * WEIGHTS_STEP) as u32,
            ];
            let tap = rows.tap * horizontal.filter + columns.tap;
            let pixel = rows.input * input_width + columns.input;
            let input = image.get(pixel * channels + self.channels[1]..).unwrap_or(&[]);
            let weights = self.weights.get(2 * tap..).unwrap_or(&[]);
            let output = output.get_mut(x * output_channels + self.channels[0]..).unwrap_or(&mut []);
            self.run(input, weights, [rows, columns], output, pixels);
            x += pixels;
        }
    }

    /// Computes `pixels` neighbours that see the same part of the filter, the first of them `window`.
    #[inline(always)]
    fn run(
        &mut self,
        input: &[i8],
        weights: &[u32],
        [rows, columns]: [Clip; 2],
        output: &mut [i8],
        pixels: usize,
    ) {
        let record = &mut self.record;
        (record.rows, record.taps) = (rows.taps as u32, columns.taps as u32);
        if columns.taps == 0 {
            record.rows = 0;
        }
        record.input = input.as_ptr();
        record.weights = weights.as_ptr();
        record.output = output.as_mut_ptr();
        record.pixels = pixels as u32;
        let mut sums = [0; QUAD];
        record.sums = if self.short { ptr::null_mut() } else { &raw mut sums };
        // SAFETY: The functions read and write through the record's pointers, which hold what they need, because the
        // parameters have passed their check, by which no product of sizes overflows and the slices have the lengths of
        // their shapes:
        // - `input` is the first tap inside the image, at the first channel to read. `clip` says that `rows.taps` rows from
        //   there on, `dilation` rows apart, are inside, as are `columns.taps` columns of the first window; `run_row`
        //   counts the pixels whose windows end inside. At each tap one channel is read or four neighbours: the first of
        //   them is at most `channels - 4`.
        // - `weights` is the first tap inside the filter, of two words each: rows of `columns.taps` taps follow, with
        //   the rest of the filter's row skipped by `row_steps`. `words` has cut the slice to all taps, and its
        //   address is a multiple of 4.
        // - `output` is the first output channel of the first pixel; each pixel stores four bytes, and `x + pixels` is at most
        //   the row's width. With `sums` there is one pixel, and it stores four words there instead.
        // With no row or no column inside, nothing is read. The record outlives the call, and nothing else points to the output.
        unsafe {
            match self.activations {
                Activations::Four => four_channels(record),
                Activations::Shared => four_channels_of_one(record),
            }
        }
        if !self.short {
            for ((output, sum), factor) in output.iter_mut().zip(sums).zip(self.factors) {
                *output = self.finish.apply(sum, factor);
            }
        }
    }
}

/// Bytes of a tap's widened weights.
const WEIGHTS_STEP: usize = 2 * size_of::<u32>();

/// What the loops read and write. The groups in brackets are loaded at once, in this order.
#[repr(C)]
struct Record {
    // [Start of a pixel: r0, r1, r2, r12, lr.]
    input: *const i8,
    weights: *const u32,
    tap_step: u32,
    minus_zero_point: u32,
    rows: u32,
    taps: u32,
    /// [r3, r4] From the first tap of a row to that of the next, and from behind the last weight of a row to
    /// the first of the next.
    row_steps: [u32; 2],
    rows_left: u32,
    // [r8 to r11.]
    bias: [i32; QUAD],
    // [r3 to r5, for each channel.]
    ways: [Short; QUAD],
    /// Where the sums go; null where they take the short way to `output`.
    sums: *mut [i32; QUAD],
    output: *mut i8,
    // [End of a pixel: r3, r4, r5.]
    input_step: u32,
    output_step: u32,
    pixels: u32,
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
                "push {{r4-r11, lr}}",
                "mov r7, r0",

                // A pixel.
                "2:",
                "add r0, r7, #{bias}",
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
                "add r0, r7, #{ways}",
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
                "str r5, [r7, #{pixels}]",
                "bne 2b",
                "pop {{r4-r11, pc}}",
                bias = const offset_of!(Record, bias),
                taps = const offset_of!(Record, taps),
                row_steps = const offset_of!(Record, row_steps),
                rows_left = const offset_of!(Record, rows_left),
                sums = const offset_of!(Record, sums),
                output = const offset_of!(Record, output),
                ways = const offset_of!(Record, ways),
                input_step = const offset_of!(Record, input_step),
                pixels = const offset_of!(Record, pixels),
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
