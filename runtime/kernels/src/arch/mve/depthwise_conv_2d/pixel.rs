//! The inner loops for any filter: channels by fours, of one pixel.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::lanes::Lanes;
use crate::arch::mve::finish::{Clamp, LANES, clamp, shift_multiply_and_divide};
use crate::window::Clip;

/// Computes `fours` times four channels from `channel` on of pixel `x` of a row of the output, `output`. `rows` and
/// `columns` of the filter are inside the image.
#[inline(always)]
pub(super) fn run(
    lanes: &Lanes<'_>,
    image: &[i8],
    [rows, columns]: [Clip; 2],
    x: usize,
    [channel, fours]: [usize; 2],
    output: &mut [i8],
) {
    let parameters = lanes.parameters;
    let (vertical, horizontal) = (parameters.vertical, parameters.horizontal);
    let [_, _, input_width, channels] = parameters.input_shape;
    let rows = if columns.taps == 0 { Clip { taps: 0, ..rows } } else { rows };
    let pixel = rows.input * input_width + columns.input;
    let tap = rows.tap * horizontal.filter + columns.tap;
    let read = rows.taps * horizontal.filter;
    let taps = vertical.filter * horizontal.filter;
    let input = image.get(pixel * channels + channel..);
    let (Some(input), Some(words)) = (input, lanes.from(channel)) else { return };
    let Some(output) = output.get_mut(x * channels + channel..) else { return };
    let mut record = Record {
        input: input.as_ptr(),
        prepared: words.as_ptr(),
        tap_step: horizontal.dilation * channels,
        row_step: vertical.dilation * input_width * channels,
        taps: columns.taps,
        skip_in_row: WORD * (horizontal.filter - columns.taps),
        clamp: lanes.clamp,
        minus_zero_point: -i32::from(parameters.input_zero_point),
        rows: rows.taps,
        skip_before: WORD * (LANES + tap),
        skip_behind: WORD.wrapping_mul(taps.wrapping_sub(tap + read)),
        fours,
        output: output.as_mut_ptr(),
    };
    // SAFETY: The function reads and writes through the record's pointers, which hold what it needs, because the sizes of
    // the parameters have been checked, by which no product of them overflows and the slices have the lengths of
    // their shapes:
    // - `input` is the first tap inside the image, at the first channel to read. `clip` says that `rows` rows from there
    //   on, `dilation` rows apart, are inside, as are `taps` columns. At each tap four neighbouring channels are read,
    //   then the next four; the caller's last four end with the channels.
    // - `prepared` has the words of `fours` times four channels: four biases; one word a tap, of which those before the
    //   first one inside, behind each row, and behind the last row are skipped; four multipliers and shifts.
    // - `output` has four bytes for each four, in the channels of one pixel.
    // With no row inside, nothing is read of the image. There is at least one four. The record outlives the call, and
    // nothing else points to the output.
    unsafe { pixel_by_fours(&mut record) };
}

/// Bytes of a word.
const WORD: usize = size_of::<u32>();

/// What the loops read and write. Fields that are loaded at once stand in this order.
#[repr(C)]
struct Record {
    // [Start: r0 to r3, r5, r6, r8 to r10, r12.]
    input: *const i8,
    prepared: *const u32,
    tap_step: usize,
    row_step: usize,
    taps: usize,
    skip_in_row: usize,
    clamp: Clamp,
    minus_zero_point: i32,
    // [Start of four channels: r10, lr.]
    rows: usize,
    skip_before: usize,
    // [End of four channels: r11, lr.]
    skip_behind: usize,
    fours: usize,
    output: *mut i8,
}

/// Runs the record.
///
/// q0 are the sums of four channels, q4 and q5 the bounds, q7 zeros. r9 is the first tap inside, r4 that of a row,
/// r0 the tap; r1 walks through what is prepared; r10 counts rows. r7 is the record, r8 the zero point of the
/// output, r12 what frees from that of the input.
#[unsafe(naked)]
unsafe extern "C" fn pixel_by_fours(record: &mut Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "vpush {{d8-d15}}",
        "mov r7, r0",
        "ldm r7, {{r0-r3, r5, r6, r8-r10, r12}}",
        "vdup.32 q4, r9",
        "vdup.32 q5, r10",
        "vmov.i32 q7, #0",
        "mov r9, r0",

        // Four channels.
        "2:",
        "ldrd r10, lr, [r7, #{rows}]",
        "vldrw.u32 q0, [r1]",
        "add r1, r1, lr",
        "mov r4, r9",
        "cmp r10, #0",
        "beq 5f",
        "3:",
        "mov r0, r4",
        "dls lr, r5",
        "4:",
        "vldrb.s32 q1, [r0]",
        "vldrb.s32 q2, [r1], #4",
        "vadd.i32 q1, q1, r12",
        "add r0, r0, r2",
        "vmul.i32 q1, q1, q2",
        "vadd.i32 q0, q0, q1",
        "le lr, 4b",
        "add r4, r4, r3",
        "add r1, r1, r6",
        "subs r10, r10, #1",
        "bne 3b",

        "5:",
        "ldr r4, [r7, #{output}]",
        "ldrd r11, lr, [r7, #{skip_behind}]",
        "add r1, r1, r11",
        "vldrw.u32 q6, [r1], #16",
        "vldrw.u32 q1, [r1], #16",
        "vmax.s32 q2, q1, q7",
        "vmin.s32 q1, q1, q7",
        shift_multiply_and_divide!("q0", "q3", "q6", "q2", "q1"),
        clamp!("q0", "r8", "q4", "q5"),
        "vstrb.32 q0, [r4], #4",
        "str r4, [r7, #{output}]",
        "add r9, r9, #4",
        "subs lr, lr, #1",
        "str lr, [r7, #{fours}]",
        "bne 2b",

        "vpop {{d8-d15}}",
        "pop {{r4-r11, pc}}",
        rows = const offset_of!(Record, rows),
        skip_behind = const offset_of!(Record, skip_behind),
        fours = const offset_of!(Record, fours),
        output = const offset_of!(Record, output),
    )
}
