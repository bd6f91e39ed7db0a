//! The inner loops: all output channels of four pixels.

use core::arch::naked_asm;
use core::marker::PhantomData;
use core::mem::offset_of;

use crate::arch::armv7em::finish::{largest_shift, longest_shift, twice_zero_point_and_one};
use crate::arch::scratch::{PIXELS, QUAD, window_words};
use crate::finish::Finish;
use crate::{Filter, MAX_ELEMENTS};

/// The weights of a layer, a row for each channel, and the loop over them.
pub(super) trait Rows {
    /// Makes the record start at a channel's weights.
    fn enter(&self, record: &mut Record, channel: usize);

    /// Runs the record.
    ///
    /// # Safety
    /// The record's pointers hold what [`FourPixels::run`] says, and its rows have been entered at its channel.
    unsafe fn run(&self, record: &mut Record);
}

/// All weights of each channel, one behind the other.
#[derive(Clone, Copy)]
pub(super) struct DenseRows<'w> {
    weights: &'w [i8],
    products: usize,
}

impl<'w> DenseRows<'w> {
    /// `None` where there are less than `channels` rows of `products` weights.
    pub fn new(weights: &'w [i8], products: usize, channels: usize) -> Option<DenseRows<'w>> {
        (weights.len() >= products.checked_mul(channels)?).then_some(DenseRows { weights, products })
    }
}

impl Rows for DenseRows<'_> {
    fn enter(&self, record: &mut Record, channel: usize) {
        record.weights = self.weights.get(channel * self.products..).unwrap_or(&[]).as_ptr();
        record.back = ((QUAD - self.products % QUAD) % QUAD) as u32;
    }

    unsafe fn run(&self, record: &mut Record) {
        // SAFETY: The caller answers for the record but for its rows. `weights` to the end of the last channel are
        // whole rows, whose length `new` has checked. With `back` the last load of a channel starts `back` bytes
        // before the end of its whole quads and ends with the channel; a channel has at least four weights. The
        // second function takes an even number of quads.
        unsafe {
            if (self.products / QUAD).is_multiple_of(2) {
                four_pixels_by_two(record);
            } else {
                four_pixels(record);
            }
        }
    }
}

/// A layer, checked and ready for [`run`](FourPixels::run).
pub(super) struct FourPixels<'f, R> {
    /// In place from block to block: only what changes is written anew.
    record: Record,
    products: usize,
    rows: R,
    filter: PhantomData<Filter<'f>>,
}

impl<'f, R: Rows> FourPixels<'f, R> {
    /// A layer of `channels` outputs with `products` weights each; `None` where a window has less than
    /// four elements, or the filter's slices are too short.
    #[inline(never)]
    pub fn new(
        filter: &Filter<'f>,
        rows: R,
        products: usize,
        channels: usize,
        finish: Finish,
    ) -> Option<FourPixels<'f, R>> {
        let shared = [filter.multipliers.len(), filter.shifts.len()] == [1; 2];
        let factors = filter.multipliers.len().min(filter.shifts.len());
        let serves = (QUAD..=MAX_ELEMENTS).contains(&products)
            && channels >= 1
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
            back: 0,
            weights: core::ptr::null(),
            longest_shift: longest_shift(filter, products),
            sums: [0; PIXELS],
            counts: core::ptr::null(),
            row_end: core::ptr::null(),
        };
        Some(FourPixels { record, products, rows, filter: PhantomData })
    }

    /// Computes the outputs of one to four pixels, in channels from `from` on. `output` starts with the first channel
    /// of the first pixel; the next has its own `stride` behind. Stops at a channel whose sums neither way to
    /// int8 serves, and returns it with them; `None` when all are done.
    #[inline(never)]
    pub fn run(
        &mut self,
        windows: &[u32],
        output: &mut [i8],
        stride: usize,
        from: usize,
    ) -> Option<(usize, [i32; PIXELS])> {
        let FourPixels { record, rows, .. } = self;
        let channels = record.channels as usize;
        let pixels = (output.len() + stride).saturating_sub(channels) / stride.max(1);
        if from >= channels || pixels == 0 || windows.len() < window_words(self.products) {
            return None;
        }
        record.channel = from as u32;
        record.activations = windows.as_ptr();
        record.activations_end = windows.get(..2 * PIXELS * (self.products / QUAD))?.as_ptr_range().end;
        record.output = output.as_mut_ptr();
        for (pixel, step) in (1..).zip(&mut record.steps) {
            *step = if pixel < pixels { (pixel * stride) as u32 } else { 0 };
        }
        rows.enter(record, from);
        // SAFETY: The functions read and write through the record's pointers, which hold what they need:
        // - `activations` to `activations_end` are the windows' whole quads, at least one, each of 8 words; where the last
        //   elements do not fill one, there is another, because the windows' length, checked above, counts it too.
        // - The rows answer for their own.
        // - `bias` has `channels` words, or one with a mask of 0; so have `multipliers` and `shifts`. `new` has checked it.
        // - `output` has `pixels - 1` strides and `channels` bytes. Every store is at `channel` or a step behind it, and a
        //   step is less than `pixels` strides.
        // The record outlives the call, nothing else points to the output, and the filter is borrowed as long as `self`.
        unsafe { rows.run(record) };
        if record.channel == record.channels { None } else { Some((record.channel as usize, record.sums)) }
    }
}

static ZERO: i32 = 0;

/// What the loops read and write. The groups in brackets are loaded at once, in this order.
#[repr(C)]
pub(super) struct Record {
    // [Start of a channel: r0, r2, r3, r4, r5.]
    pub(super) activations: *const u32,
    pub(super) activations_end: *const u32,
    pub(super) bias: *const i32,
    pub(super) bias_mask: u32,
    /// The channel at hand; afterwards, the one where it stopped. [End of a channel, from here: r0, r2 to r6.]
    pub(super) channel: u32,
    pub(super) factor_mask: u32,
    pub(super) multipliers: *const i32,
    pub(super) shifts: *const i8,
    pub(super) largest_shift: u32,
    pub(super) twice_zero_point_and_one: i32,
    // [Stores: r0, r5, r12, lr.]
    pub(super) output: *mut i8,
    /// From the first pixel's output to that of the others. A pixel that does not exist is written over the
    /// first, before the first.
    pub(super) steps: [u32; PIXELS - 1],
    pub(super) channels: u32,
    /// How many bytes the last four weights of a channel lie before the next four, 0 for none.
    pub(super) back: u32,
    /// Of the channel at hand.
    pub(super) weights: *const i8,
    pub(super) longest_shift: u32,
    pub(super) sums: [i32; PIXELS],
    /// Of runs of four: how many the channel at hand has, and where its words end.
    pub(super) counts: *const u16,
    pub(super) row_end: *const u32,
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
/// `$weights` adds the products of a channel, and uses the `$field`s of the record. It may change r2 to r6, r12 and lr,
/// leaves r1 at the next channel's weights, and goes on at label 4.
macro_rules! function {
    ($name:ident, [$($weights:expr),+ $(,)?], [$($field:ident),+]) => {
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

                // Its weights.
                $($weights,)+

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
                $($field = const offset_of!(Record, $field),)+
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

/// All weights of a channel: `$quad` is as many times four as a turn takes; the quads are a multiple.
macro_rules! dense {
    ($name:ident, $($quad:expr),+) => {
        function!(
            $name,
            [
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
            ],
            [back]
        );
    };
}

dense!(four_pixels, quad!());
dense!(four_pixels_by_two, quad!(), quad!());

pub(super) use {function, long_way};
