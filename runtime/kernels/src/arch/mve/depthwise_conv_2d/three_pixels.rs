//! The inner loops for filters of three columns: channels by fours, of three neighbouring pixels.
//!
//! Each column of the image under the three pixels is loaded once a row of the filter, and multiplied with up to
//! three weights. The first and the last of these columns may be outside; a pixel of zero points stands there.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::lanes::Lanes;
use crate::arch::mve::finish::{Clamp, LANES, clamp, multiply_and_divide};
use crate::window::Clip;

/// Pixels that are computed at a time.
pub(super) const PIXELS: usize = 3;

/// A layer that takes these loops.
pub(super) struct ThreePixels<'s> {
    lanes: &'s Lanes<'s>,
}

impl<'s> ThreePixels<'s> {
    /// `None` where another filter, or a factor of 1/2 or more, takes other loops.
    pub fn new(lanes: &'s Lanes<'s>) -> Option<ThreePixels<'s>> {
        let axis = lanes.parameters.horizontal;
        let (input_width, width) = (lanes.parameters.input_shape[2], lanes.parameters.output_shape[2]);
        let last_column = (width.max(1) - 1) * axis.stride + 2;
        let serves = [axis.filter, axis.dilation] == [3, 1]
            && (axis.stride == 1 || axis.stride == 2)
            && width >= PIXELS
            && axis.padding <= 1
            && last_column <= input_width + axis.padding
            && lanes.all_divide;
        serves.then_some(ThreePixels { lanes })
    }

    /// Computes `fours` times four channels from `channel` on of the three pixels from `x` on of a row of the output,
    /// `output`. `rows` of the filter, at least one, are inside the image.
    #[inline(always)]
    pub fn run(&self, image: &[i8], rows: Clip, x: usize, [channel, fours]: [usize; 2], output: &mut [i8]) {
        let Lanes { parameters, clamp, .. } = *self.lanes;
        let (vertical, horizontal) = (parameters.vertical, parameters.horizontal);
        let [_, _, input_width, channels] = parameters.input_shape;
        let (row_step, columns) = (vertical.dilation * input_width * channels, 2 * horizontal.stride + 3);
        // Where the first column would be, one further to the right.
        let first = x * horizontal.stride + 1 - horizontal.padding;
        let address = |column: usize| {
            let pixel = rows.input * input_width + column;
            image.as_ptr().wrapping_add(pixel * channels + channel)
        };
        let outside = self.lanes.outside.as_ptr().cast::<i8>().wrapping_add(channel);
        let (left, left_step) = if first == 0 { (outside, 0) } else { (address(first - 1), row_step) };
        let last = first + columns - 2;
        let (right, right_step) = if last >= input_width { (outside, 0) } else { (address(last), row_step) };
        let output = output.get_mut(x * channels + channel..);
        let (Some(words), Some(output)) = (self.lanes.from(channel), output) else { return };
        let mut record = Record {
            columns: [left, address(first), right],
            prepared: words.as_ptr(),
            row_steps: [left_step, row_step.wrapping_sub((columns - 3) * channels), right_step],
            channels,
            skip_before: WORD * (LANES + 3 * rows.tap),
            skip_behind: WORD * 3 * (vertical.filter - rows.tap - rows.taps),
            minus_zero_point: -i32::from(parameters.input_zero_point),
            rows: rows.taps,
            output: output.as_mut_ptr(),
            output_step: channels,
            fours,
            clamp,
        };
        // SAFETY: The functions read and write through the record's pointers, which hold what they need, because the sizes
        // of the parameters have been checked, by which no product of them overflows and the slices have the lengths of
        // their shapes:
        // - The middle ones of `columns` are inside the image, says `new`; so are the first and the last one, or they point
        //   to `outside` and stay there. `clip` says that `rows` rows from there on, `dilation` rows apart, are inside. In
        //   each column four neighbouring channels are read; the next four are four channels further, and the caller's last
        //   four end with the channels, which `outside` has, too.
        // - `prepared` has the words of `fours` times four channels: four biases; one word a tap, of which those of the rows
        //   before the first one and behind the last one inside are skipped; four multipliers and shifts.
        // - `output` has four bytes for each four in each of three pixels: `x + 3` is at most the row's width.
        // There is at least one row and one four. The record outlives the call, and nothing else points to the output.
        unsafe {
            if horizontal.stride == 1 { three_pixels(&mut record) } else { three_pixels_by_two(&mut record) }
        }
    }
}

/// Bytes of a word.
const WORD: usize = size_of::<u32>();

/// What the loops read and write. Fields that are loaded at once stand in this order.
#[repr(C)]
struct Record {
    // [Start: r0 to r6, r8, r10 to r12. Start of four channels: r0 to r2.]
    /// The first, those in the middle, the last.
    columns: [*const i8; 3],
    prepared: *const u32,
    row_steps: [usize; 3],
    channels: usize,
    skip_before: usize,
    skip_behind: usize,
    minus_zero_point: i32,
    rows: usize,
    // [End of four channels: r0, r1.]
    output: *mut i8,
    output_step: usize,
    fours: usize,
    clamp: Clamp,
}

/// A column to q6, free of its zero point.
macro_rules! column {
    ($address:literal, $step:literal) => {
        concat!(
            "vldrb.s32 q6, [",
            $address,
            "]\n",
            "add ",
            $address,
            ", ",
            $address,
            ", ",
            $step,
            "\n",
            "vadd.i32 q6, q6, r12\n",
        )
    };
}

/// Its products with a weight.
macro_rules! product {
    ($sum:literal, $weight:literal) => {
        concat!("vmul.i32 q7, q6, ", $weight, "\nvadd.i32 ", $sum, ", ", $sum, ", q7\n")
    };
}

/// Runs the record.
///
/// q0 to q2 are the sums of the three pixels, q3 to q5 the weights of a row. r0, r1 and r2 walk through the first, the
/// middle and the last column; r8 is the step between those in the middle, r4 to r6 are those to the next
/// row. r3 walks through what is prepared, r9 counts rows. r7 is the record, lr the zero point of the output, r12
/// what frees from that of the input.
macro_rules! function {
    ($name:ident, $($columns:expr),+) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(record: &mut Record) {
            naked_asm!(
                env!("OCELLI_ASSEMBLER"),
                "push {{r4-r11, lr}}",
                "vpush {{d8-d15}}",
                "mov r7, r0",
                "ldm r7, {{r0-r6, r8, r10-r12}}",
                "ldr lr, [r7, #{clamp}]",

                // Four channels.
                "2:",
                "vldrw.u32 q0, [r3]",
                "add r3, r3, r10",
                "vmov q1, q0",
                "vmov q2, q0",
                "ldr r9, [r7, #{rows}]",
                "3:",
                "vldrb.s32 q3, [r3], #4",
                "vldrb.s32 q4, [r3], #4",
                "vldrb.s32 q5, [r3], #4",
                $($columns,)+
                "subs r9, r9, #1",
                "bne 3b",

                "add r3, r3, r11",
                "vldrw.u32 q3, [r3], #16",
                "vldrw.u32 q6, [r3], #16",
                "ldrd r0, r1, [r7, #{clamp} + 4]",
                "vdup.32 q4, r0",
                "vdup.32 q5, r1",
                "ldrd r0, r1, [r7, #{output}]",
                "mov r9, #1",
                multiply_and_divide!("q0", "q3", "q0, q6", "r9"),
                clamp!("q0", "lr", "q4", "q5"),
                multiply_and_divide!("q1", "q3", "q1, q6", "r9"),
                clamp!("q1", "lr", "q4", "q5"),
                multiply_and_divide!("q2", "q3", "q2, q6", "r9"),
                clamp!("q2", "lr", "q4", "q5"),
                "add r2, r0, r1",
                "add r1, r2, r1",
                "vstrb.32 q0, [r0], #4",
                "vstrb.32 q1, [r2]",
                "vstrb.32 q2, [r1]",
                "str r0, [r7, #{output}]",
                "ldr r9, [r7, #{fours}]",
                "ldm r7, {{r0-r2}}",
                "subs r9, r9, #1",
                "str r9, [r7, #{fours}]",
                "add r0, r0, #4",
                "add r1, r1, #4",
                "add r2, r2, #4",
                "stm r7, {{r0-r2}}",
                "bne 2b",

                "vpop {{d8-d15}}",
                "pop {{r4-r11, pc}}",
                rows = const offset_of!(Record, rows),
                output = const offset_of!(Record, output),
                fours = const offset_of!(Record, fours),
                clamp = const offset_of!(Record, clamp),
            )
        }
    };
}

function!(
    three_pixels,
    column!("r0", "r4"),
    product!("q0", "q3"),
    column!("r1", "r8"),
    product!("q0", "q4"),
    product!("q1", "q3"),
    column!("r1", "r8"),
    product!("q0", "q5"),
    product!("q1", "q4"),
    product!("q2", "q3"),
    column!("r1", "r5"),
    product!("q1", "q5"),
    product!("q2", "q4"),
    column!("r2", "r6"),
    product!("q2", "q5")
);

function!(
    three_pixels_by_two,
    column!("r0", "r4"),
    product!("q0", "q3"),
    column!("r1", "r8"),
    product!("q0", "q4"),
    column!("r1", "r8"),
    product!("q0", "q5"),
    product!("q1", "q3"),
    column!("r1", "r8"),
    product!("q1", "q4"),
    column!("r1", "r8"),
    product!("q1", "q5"),
    product!("q2", "q3"),
    column!("r1", "r5"),
    product!("q2", "q4"),
    column!("r2", "r6"),
    product!("q2", "q5")
);
