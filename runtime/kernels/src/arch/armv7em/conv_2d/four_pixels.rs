//! The inner loops: all output channels of four pixels.

use core::arch::naked_asm;
use core::marker::PhantomData;
use core::mem::offset_of;

use crate::arch::armv7em::finish::{largest_shift, longest_shift, twice_zero_point_and_one};
use crate::arch::scratch::{PIXELS, QUAD, window_words};
use crate::finish::Finish;
use crate::{Filter, MAX_ELEMENTS};

/// A layer, checked and ready for [`run`](FourPixels::run).
pub(super) struct FourPixels<'f> {
    /// In place from block to block: only what changes is written anew.
    record: Record,
    products: usize,
    weights: *const i8,
    filter: PhantomData<Filter<'f>>,
}

impl<'f> FourPixels<'f> {
    /// A layer of `channels` outputs with `products` weights each; `None` where a window has less than
    /// four elements, or the filter's slices are too short.
    #[inline(never)]
    pub fn new(
        filter: &Filter<'f>,
        products: usize,
        channels: usize,
        finish: Finish,
    ) -> Option<FourPixels<'f>> {
        let weights = products.checked_mul(channels)?;
        let shared = [filter.multipliers.len(), filter.shifts.len()] == [1; 2];
        let factors = filter.multipliers.len().min(filter.shifts.len());
        let serves = (QUAD..=MAX_ELEMENTS).contains(&products)
            && channels >= 1
            && filter.weights.len() >= weights
            && (filter.bias.is_empty() || filter.bias.len() >= channels)
            && (shared || factors >= channels);
        if !serves {
            return None;
        }
        let (bias, bias_mask) =
            if filter.bias.is_empty() { (&raw const ZERO, 0) } else { (filter.bias.as_ptr(), u32::MAX) };
        let record = Record {
            activations: core::ptr::null(),
            activations_end: core::ptr::null(),
            bias,
            bias_mask,
            channel: 0,
            factor_mask: if shared { 0 } else { u32::MAX },
            multipliers: filter.multipliers.as_ptr(),
            shifts: filter.shifts.as_ptr(),
            largest_shift: largest_shift(filter, products),
            twice_zero_point_and_one: twice_zero_point_and_one(finish),
            output: core::ptr::null_mut(),
            steps: [0; PIXELS - 1],
            channels: channels as u32,
            back: ((QUAD - products % QUAD) % QUAD) as u32,
            weights: filter.weights.as_ptr(),
            longest_shift: longest_shift(filter, products),
            sums: [0; PIXELS],
        };
        Some(FourPixels { record, products, weights: filter.weights.as_ptr(), filter: PhantomData })
    }

    /// Computes the outputs of one to four pixels, in channels from `from` on. Stops at a channel whose
    /// sums neither way to int8 serves, and returns it with them; `None` when all are done.
    #[inline(never)]
    pub fn run(&mut self, windows: &[u32], output: &mut [i8], from: usize) -> Option<(usize, [i32; PIXELS])> {
        let record = &mut self.record;
        let channels = record.channels as usize;
        let pixels = output.len() / channels;
        if from >= channels || pixels == 0 || windows.len() < window_words(self.products) {
            return None;
        }
        record.channel = from as u32;
        record.activations = windows.as_ptr();
        record.activations_end = windows.get(..2 * PIXELS * (self.products / QUAD))?.as_ptr_range().end;
        record.output = output.as_mut_ptr();
        for (pixel, step) in (1..).zip(&mut record.steps) {
            *step = if pixel < pixels { (pixel * channels) as u32 } else { 0 };
        }
        record.weights = self.weights.wrapping_add(from * self.products);
        // SAFETY: The functions read and writes through the record's pointers, which hold what it needs:
        // - `activations` to `activations_end` are the windows' whole quads, at least one, each of 8 words, an even number of them for the second
        //   function; with
        //   `back` there is another, because the windows' length, checked above, counts it too.
        // - `weights` to the end of the last channel are `(channels - from) * products` bytes of the filter, whose
        //   length `new` has checked. With `back` the last load of a channel starts `4 - back` bytes before
        //   the end of its whole quads and ends with the channel; a channel has at least four weights.
        // - `bias` has `channels` words, or one with a mask of 0; so have `multipliers` and `shifts`. `new` has checked it.
        // - `output` has `pixels * channels` bytes. Every store is at `channel` or a step behind it, and a step
        //   is a whole number of channels below `pixels`.
        // The record outlives the call, nothing else points to the output, and the filter is borrowed as long as `self`.
        unsafe {
            if (self.products / QUAD).is_multiple_of(2) {
                four_pixels_by_two(record);
            } else {
                four_pixels(record);
            }
        }
        if record.channel == record.channels { None } else { Some((record.channel as usize, record.sums)) }
    }
}

static ZERO: i32 = 0;

/// What the loops read and write. The groups in brackets are loaded at once, in this order.
#[repr(C)]
struct Record {
    // [Start of a channel: r0, r2, r3, r4, r5.]
    activations: *const u32,
    activations_end: *const u32,
    bias: *const i32,
    bias_mask: u32,
    /// The channel at hand; afterwards, the one where it stopped. [End of a channel, from here: r0, r2 to r6.]
    channel: u32,
    factor_mask: u32,
    multipliers: *const i32,
    shifts: *const i8,
    largest_shift: u32,
    twice_zero_point_and_one: i32,
    // [Stores: r0, r5, r12, lr.]
    output: *mut i8,
    /// From the first pixel's output to that of the others. A pixel that does not exist is written over the
    /// first, before the first.
    steps: [u32; PIXELS - 1],
    channels: u32,
    /// How many bytes the last four weights of a channel lie before the next four, 0 for none.
    back: u32,
    weights: *const i8,
    longest_shift: u32,
    sums: [i32; PIXELS],
}

/// Four weights of a channel: its address in r1, the activations' in r0.
macro_rules! quad {
    () => {
        "ldr lr, [r1], #4
        ldm r0!, {{r3-r6}}
        sxtb16 r12, lr
        smlad r8, r3, r12, r8
        smlad r9, r4, r12, r9
        smlad r10, r5, r12, r10
        smlad r11, r6, r12, r11
        ldm r0!, {{r3-r6}}
        sxtb16 lr, lr, ror #8
        smlad r8, r3, lr, r8
        smlad r9, r4, lr, r9
        smlad r10, r5, lr, r10
        smlad r11, r6, lr, r11"
    };
}

/// A sum's long way to the byte at r2 + r12, with r5 and lr for the product.
macro_rules! long_way {
    ($sum:literal) => {
        concat!(
            "smull r5, lr, ",
            $sum,
            ", r3
            adds r5, r5, #0x40000000
            adc lr, lr, #0
            lsr r5, r5, #31
            orr ",
            $sum,
            ", r5, lr, lsl #1
            add ",
            $sum,
            ", ",
            $sum,
            ", ",
            $sum,
            ", asr #31
            add ",
            $sum,
            ", ",
            $sum,
            ", r6
            asr ",
            $sum,
            ", ",
            $sum,
            ", r4
            add ",
            $sum,
            ", ",
            $sum,
            ", r1
            ssat ",
            $sum,
            ", #8, ",
            $sum,
            "
            strb ",
            $sum,
            ", [r2, r12]"
        )
    };
}

/// Runs the record.
///
/// The sums of the four pixels are r8 to r11; r3 to r6 are their activations, r12 and lr the weights.
/// r0 walks through activations, r1 through weights. r7 is the record.
///
/// `$quad` is as many times four weights as a turn takes: the quads of a channel are a multiple.
macro_rules! function {
    ($name:ident, $($quad:expr),+) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(record: &mut Record) {
            naked_asm!(
                env!("OCELLI_ASSEMBLER"),
                "push {{r4-r11, lr}}",
                "mov r7, r0",
                "ldr r1, [r7, #{weights}]",

                // A channel: the bias is where the sums start.
                "2:",
                "ldm r7, {{r0, r2, r3, r4, r5}}",
                "and r4, r4, r5",
                "ldr r8, [r3, r4, lsl #2]",
                "mov r9, r8",
                "mov r10, r8",
                "mov r11, r8",

                // Four weights of it.
                "3:",
                $($quad,)+
                "cmp r0, r2",
                "bne 3b",

                // The last one to three: the last four, with those that were done shifted out.
                "ldr r2, [r7, #{back}]",
                "cbz r2, 4f",
                "sub r1, r1, r2",
                "lsl r2, r2, #3",
                "ldr lr, [r1], #4",
                "lsr lr, lr, r2",
                "ldm r0!, {{r3-r6}}",
                "sxtb16 r12, lr",
                "smlad r8, r3, r12, r8",
                "smlad r9, r4, r12, r9",
                "smlad r10, r5, r12, r10",
                "smlad r11, r6, r12, r11",
                "ldm r0!, {{r3-r6}}",
                "sxtb16 lr, lr, ror #8",
                "smlad r8, r3, lr, r8",
                "smlad r9, r4, lr, r9",
                "smlad r10, r5, lr, r10",
                "smlad r11, r6, lr, r11",

                // Multiplier to r3, right shift to r4, constant to r6.
                "4:",
                "add r6, r7, #{channel}",
                "ldm r6, {{r0, r2, r3, r4, r5, r6}}",
                "and r2, r2, r0",
                "ldrsb r4, [r4, r2]",
                "ldr r3, [r3, r2, lsl #2]",
                "mvn r4, r4",
                "cmp r4, r5",
                "bhs 5f",
                "lsl r6, r6, r4",
                "add r4, r4, #1",

                // The last pixel first.
                "add r2, r7, #{output}",
                "ldm r2, {{r2, r5, r12, lr}}",
                "add r2, r2, r0",
                "lsl r11, r11, #1",
                "smmulr r11, r11, r3",
                "add r11, r11, r11, asr #31",
                "add r11, r11, r6",
                "asr r11, r11, r4",
                "ssat r11, #8, r11",
                "strb r11, [r2, lr]",
                "lsl r10, r10, #1",
                "smmulr r10, r10, r3",
                "add r10, r10, r10, asr #31",
                "add r10, r10, r6",
                "asr r10, r10, r4",
                "ssat r10, #8, r10",
                "strb r10, [r2, r12]",
                "lsl r9, r9, #1",
                "smmulr r9, r9, r3",
                "add r9, r9, r9, asr #31",
                "add r9, r9, r6",
                "asr r9, r9, r4",
                "ssat r9, #8, r9",
                "strb r9, [r2, r5]",
                "lsl r8, r8, #1",
                "smmulr r8, r8, r3",
                "add r8, r8, r8, asr #31",
                "add r8, r8, r6",
                "asr r8, r8, r4",
                "ssat r8, #8, r8",
                "strb r8, [r2]",

                "6:",
                "ldr r5, [r7, #{channels}]",
                "add r0, r0, #1",
                "str r0, [r7, #{channel}]",
                "cmp r0, r5",
                "bne 2b",
                "pop {{r4-r11, pc}}",

                // The long way: half of the divisor to r6, right shift to r4, zero point to r1.
                "5:",
                "ldr r5, [r7, #{longest_shift}]",
                "cmp r4, r5",
                "bhs 7f",
                "str r1, [r7, #{weights}]",
                "ldr r1, [r7, #{twice_zero_point_and_one}]",
                "ldr r2, [r7, #{output}]",
                "asr r1, r1, #1",
                "mov r6, #1",
                "lsl r6, r6, r4",
                "add r4, r4, #1",
                "add r2, r2, r0",
                "ldr r12, [r7, #{steps} + 8]",
                long_way!("r11"),
                "ldr r12, [r7, #{steps} + 4]",
                long_way!("r10"),
                "ldr r12, [r7, #{steps}]",
                long_way!("r9"),
                "mov r12, #0",
                long_way!("r8"),
                "ldr r1, [r7, #{weights}]",
                "b 6b",

                // Neither way serves.
                "7:",
                "add r7, r7, #{sums}",
                "stm r7, {{r8-r11}}",
                "pop {{r4-r11, pc}}",
                weights = const offset_of!(Record, weights),
                back = const offset_of!(Record, back),
                longest_shift = const offset_of!(Record, longest_shift),
                twice_zero_point_and_one = const offset_of!(Record, twice_zero_point_and_one),
                steps = const offset_of!(Record, steps),
                channel = const offset_of!(Record, channel),
                output = const offset_of!(Record, output),
                channels = const offset_of!(Record, channels),
                sums = const offset_of!(Record, sums),
            )
        }
    };
}

function!(four_pixels, quad!());
function!(four_pixels_by_two, quad!(), quad!());
