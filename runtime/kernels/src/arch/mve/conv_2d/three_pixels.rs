//! The inner loops: all output channels of three pixels.

use core::arch::naked_asm;
use core::mem::offset_of;
use core::ops::Range;
use core::ptr;

use crate::Filter;
use crate::arch::mve::finish::{
    Clamp, Factors, FactorsFrom, LANES, all_divide, clamp, multiply_and_divide, shift_multiply_and_divide,
};
use crate::finish::Finish;

/// Pixels that are computed at a time.
pub(super) const PIXELS: usize = 3;

/// A layer ready for [`run`](ThreePixels::run).
pub(super) struct ThreePixels<'f> {
    weights: &'f [i8],
    products: usize,
    channels: usize,
    /// Free of the input's zero point.
    biases: &'f [u32],
    factors: Factors<'f>,
    all_divide: bool,
    record: Record,
}

impl<'f> ThreePixels<'f> {
    /// A layer of `channels` outputs with `products` weights each, all 1 or more. The filter's lengths have been
    /// checked; `biases` has room for one a channel.
    pub fn new(
        filter: &Filter<'f>,
        products: usize,
        channels: usize,
        input_zero_point: i8,
        finish: Finish,
        biases: &'f mut [u32],
    ) -> ThreePixels<'f> {
        let zero_point = i32::from(input_zero_point);
        for (channel, (bias, weights)) in
            biases.iter_mut().zip(filter.weights.chunks_exact(products)).enumerate()
        {
            let sum: i32 = weights.iter().map(|&weight| i32::from(weight)).sum();
            let whole = filter.bias.get(channel).copied().unwrap_or(0);
            *bias = whole.wrapping_sub(zero_point.wrapping_mul(sum)) as u32;
        }
        let (factors, all_divide) = (Factors::new(filter), all_divide(filter));
        let record = Record {
            windows: [ptr::null(); PIXELS],
            products,
            weights_step: 0,
            sums: [[0; LANES]; PIXELS],
            factors: factors.none(),
            outputs: [ptr::null_mut(); PIXELS],
            fours: 0,
            clamp: Clamp::new(finish),
            biases: ptr::null(),
            weights: ptr::null(),
            second_weights: ptr::null(),
        };
        ThreePixels { weights: filter.weights, products, channels, biases, factors, all_divide, record }
    }

    /// Computes the outputs of one to three pixels, whose windows lie behind each other in `windows`.
    #[inline(always)]
    pub fn run(&mut self, windows: &[i8], output: &mut [i8]) {
        let ThreePixels { products, channels, .. } = *self;
        let full = windows.len() >= PIXELS * products && output.len() >= PIXELS * channels;
        let pixels = if full { PIXELS } else { (output.len() / channels).min(windows.len() / products) };
        if pixels == 0 {
            return;
        }
        // A pixel that does not exist stands where the first one does.
        let start = |pixel: usize, size: usize| if pixel < pixels { pixel * size } else { 0 };
        self.record.windows = [0, 1, 2].map(|pixel| windows.as_ptr().wrapping_add(start(pixel, products)));
        let to = output.as_mut_ptr();
        let outputs = |channel| [0, 1, 2].map(|pixel| to.wrapping_add(start(pixel, channels) + channel));
        let rest = channels % LANES;
        if channels >= LANES {
            self.run_fours(0..channels - rest, products, outputs(0));
        }
        if rest > 0 {
            self.run_rest(rest, outputs(0), output);
        }
    }

    /// Computes the last channels, less than four: with those before them the last four, some of them once more; or,
    /// where there are no others, one after the other, each four times.
    #[inline(never)]
    fn run_rest(&mut self, rest: usize, outputs: [*mut i8; PIXELS], output: &mut [i8]) {
        let channels = self.channels;
        if channels > rest {
            let first = channels - LANES;
            return self.run_fours(
                first..channels,
                self.products,
                outputs.map(|output| output.wrapping_add(first)),
            );
        }
        for channel in 0..channels {
            let mut fours = [[0; LANES]; PIXELS];
            let to = fours.each_mut().map(|four| four.as_mut_ptr());
            self.run_fours(channel..channel + 1, 0, to);
            for (four, output) in fours.iter().zip(output.chunks_exact_mut(channels)) {
                output[channel] = four[0];
            }
        }
    }

    /// Computes some channels, a multiple of four; or four times one channel, with a `row_step` of 0.
    #[inline(always)]
    fn run_fours(&mut self, channels: Range<usize>, row_step: usize, outputs: [*mut i8; PIXELS]) {
        let fours = channels.len().div_ceil(LANES);
        let weights = self.weights.as_ptr().wrapping_add(channels.start * self.products);
        let same_bias;
        let mut biases = self.biases.as_ptr().wrapping_add(channels.start);
        if row_step == 0 {
            same_bias = [self.biases.get(channels.start).copied().unwrap_or(0); LANES];
            biases = same_bias.as_ptr();
        }
        let record = &mut self.record;
        record.weights_step = (2 * row_step).wrapping_sub(self.products.next_multiple_of(16));
        record.factors = match row_step {
            0 => self.factors.of_one(channels.start),
            _ => self.factors.of(channels.start, channels.len()),
        };
        record.outputs = outputs;
        record.fours = fours;
        record.biases = biases;
        record.weights = weights;
        record.second_weights = weights.wrapping_add(row_step);
        // SAFETY: The functions read and write through the record's pointers, which hold what they need:
        // - each window has `products` elements, at least one; `run` has counted them.
        // - `weights` goes through `fours` times four rows of `products` elements from the first channel's on, two at a
        //   time with `second_weights`; there are that many, because the filter's lengths have been checked and the
        //   channels are inside. With a `row_step` of 0 it stays in the first channel's row.
        // - `biases` has one word for each of these rows.
        // - `factors` has the factors of these channels, or four that are used again and again.
        // - each of `outputs` has room for `4 * fours` bytes: the channels' of an existing pixel, or an array of four.
        // Loads of a run's last part are predicated and touch no byte behind it. The record and `same_bias` outlive the
        // call. No slice of the output is used as long as its pointers are.
        unsafe { if self.all_divide { three_pixels(record) } else { three_pixels_by_any_factor(record) } }
    }
}

/// What the loops read and write. Fields that are loaded at once stand in this order.
#[repr(C)]
struct Record {
    // [Start of two channels: r1, r3, r5, lr.]
    windows: [*const i8; PIXELS],
    products: usize,
    /// From behind two rows of weights, whole vectors read, to the next two.
    weights_step: usize,
    /// Of four channels of each pixel.
    sums: [[i32; LANES]; PIXELS],
    // [End of four channels: r0, r2, r4.]
    factors: FactorsFrom,
    // [r1, r3, r5, r6]
    outputs: [*mut i8; PIXELS],
    fours: usize,
    // [r8, and at the start r0, r1.]
    clamp: Clamp,
    biases: *const u32,
    // [r7, r9]
    weights: *const i8,
    second_weights: *const i8,
}

/// Two channels of three pixels; their sums go to the lanes from byte `$lanes` on of `sums`.
///
/// r0 and r2 are the sums of the first pixel, r4 and r6 those of the second, r8 and r10 those of the third. r1, r3
/// and r5 walk through windows, r7 and r9 through weights, r12 through biases. r11 is the record.
macro_rules! two_channels {
    ($label:literal, $lanes:literal) => {
        concat!(
            "ldrd r1, r3, [r11, #{windows}]
            ldrd r5, lr, [r11, #{windows} + 8]
            ldrd r0, r2, [r12], #8
            mov r4, r0
            mov r6, r2
            mov r8, r0
            mov r10, r2
            dlstp.8 lr, lr
            ",
            $label,
            ":
            vldrb.u8 q0, [r7], #16
            vldrb.u8 q1, [r9], #16
            vldrb.u8 q2, [r1], #16
            vmladava.s8 r0, q0, q2
            vmladava.s8 r2, q1, q2
            vldrb.u8 q3, [r3], #16
            vmladava.s8 r4, q0, q3
            vmladava.s8 r6, q1, q3
            vldrb.u8 q2, [r5], #16
            vmladava.s8 r8, q0, q2
            vmladava.s8 r10, q1, q2
            letp lr, ",
            $label,
            "b
            ldr lr, [r11, #{weights_step}]
            strd r0, r2, [r11, #{sums} + ",
            $lanes,
            "]
            strd r4, r6, [r11, #{sums} + 16 + ",
            $lanes,
            "]
            strd r8, r10, [r11, #{sums} + 32 + ",
            $lanes,
            "]
            add r7, r7, lr
            add r9, r9, lr"
        )
    };
}

/// Runs the record.
///
/// At the end of four channels q0 has multipliers and q1 shifts, q4 and q5 the bounds, r8 the zero point; r1, r3
/// and r5 are where the outputs go. `$prepare` and `$way` are what a factor takes.
macro_rules! function {
    ($name:ident, $prepare:expr, $way:expr) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(record: &mut Record) {
            naked_asm!(
                env!("OCELLI_ASSEMBLER"),
                "push {{r4-r11, lr}}",
                "vpush {{d8-d15}}",
                "mov r11, r0",
                "ldr r12, [r11, #{biases}]",
                "ldrd r7, r9, [r11, #{weights}]",
                "ldrd r0, r1, [r11, #{clamp} + 4]",
                "vdup.32 q4, r0",
                "vdup.32 q5, r1",
                "vmov.i32 q7, #0",

                // Four channels.
                "2:",
                two_channels!("3", "0"),
                two_channels!("4", "8"),

                "ldrd r0, r2, [r11, #{factors}]",
                "ldr r4, [r11, #{factors} + 8]",
                "ldrd r1, r3, [r11, #{outputs}]",
                "ldrd r5, r6, [r11, #{outputs} + 8]",
                "ldr r8, [r11, #{clamp}]",
                "mov r10, #1",
                "vldrw.u32 q0, [r0]",
                "vldrb.s32 q1, [r2]",
                "add r0, r0, r4",
                "add r2, r2, r4, lsr #2",
                "strd r0, r2, [r11, #{factors}]",
                $prepare,
                "vldrw.u32 q2, [r11, #{sums}]",
                $way,
                clamp!("q2", "r8", "q4", "q5"),
                "vstrb.32 q2, [r1], #4",
                "vldrw.u32 q2, [r11, #{sums} + 16]",
                $way,
                clamp!("q2", "r8", "q4", "q5"),
                "vstrb.32 q2, [r3], #4",
                "vldrw.u32 q2, [r11, #{sums} + 32]",
                $way,
                clamp!("q2", "r8", "q4", "q5"),
                "vstrb.32 q2, [r5], #4",
                "strd r1, r3, [r11, #{outputs}]",
                "subs r6, r6, #1",
                "strd r5, r6, [r11, #{outputs} + 8]",
                "bne 2b",

                "vpop {{d8-d15}}",
                "pop {{r4-r11, pc}}",
                windows = const offset_of!(Record, windows),
                weights_step = const offset_of!(Record, weights_step),
                sums = const offset_of!(Record, sums),
                factors = const offset_of!(Record, factors),
                outputs = const offset_of!(Record, outputs),
                clamp = const offset_of!(Record, clamp),
                biases = const offset_of!(Record, biases),
                weights = const offset_of!(Record, weights),
            )
        }
    };
}

function!(three_pixels, "", multiply_and_divide!("q2", "q0", "q2, q1", "r10"));

// Shifts to the left to q6, to the right to q1.
function!(
    three_pixels_by_any_factor,
    "vmax.s32 q6, q1, q7
    vmin.s32 q1, q1, q7",
    shift_multiply_and_divide!("q2", "q3", "q0", "q6", "q1")
);
