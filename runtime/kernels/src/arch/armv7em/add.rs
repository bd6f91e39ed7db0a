//! Element-wise addition, an element at a time with all numbers in registers.
//!
//! One operand has the larger scale, or both have it: its factor is exactly 1/2, and all that it needs
//! is a shift. With `x` of that operand and `y` of the other,
//! ```text
//! high = SMMULR((y - y_zero_point) << 21, y_multiplier)
//! sum  = (x << 19) + ((high + (high >> 31 & mask) + constant) >> y_shift)
//! ```
//! where the constant rounds and, shifted, brings the first operand's zero point. The sum takes the short
//! way to int8. Where no factor is 1/2, or the scales are far apart, the reference does all.

use core::arch::naked_asm;

use super::finish::{Short, clamp_all};
use crate::filter::LARGEST_SHORT_SHIFT;
use crate::finish::Finish;
use crate::{AddParameters, Requantize, Source, reference};

/// See [`add_s8`](crate::add_s8).
pub(crate) fn add_s8(parameters: &AddParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let short = Short::new(parameters.output_requantize, finish, LARGEST_SHORT_SHIFT);
    let mut operands = [
        (left, parameters.left_zero_point, parameters.left_requantize),
        (right, parameters.right_zero_point, parameters.right_requantize),
    ];
    if operands[0].2 != HALF {
        operands.swap(0, 1);
    }
    let [(first, first_zero_point, half), (second, second_zero_point, factor)] = operands;
    let (Some(short), HALF, SMALLEST_SHIFT..=0) = (short, half, factor.shift) else {
        return reference::add_s8(parameters, left, right, output);
    };
    let shift = factor.shift.unsigned_abs();
    let rounding = (1 << shift) >> 1;
    let count = [first, second].iter().fold(output.len(), |count, source| match source {
        Source::Apart(values) => count.min(values.len()),
        Source::InPlace => count,
    });
    if count == 0 {
        return;
    }
    let start = output.as_mut_ptr();
    let address = |source| match source {
        Source::Apart(values) => values.as_ptr(),
        Source::InPlace => start.cast_const(),
    };
    let record = Record {
        first: address(first),
        second: address(second),
        output: start,
        output_end: start.wrapping_add(count),
        second_zero_point: i32::from(second_zero_point) << 21,
        second_multiplier: factor.multiplier,
        mask: if shift == 0 { 0 } else { -1 },
        constant: rounding - (i32::from(first_zero_point) << (19 + shift)),
        shift: u32::from(shift),
        short,
    };
    // SAFETY: The function reads `count` elements, at least one, from `first` and `second` on, and writes as many from
    // `output` on: no slice is shorter. An operand may be the output itself, element by element; otherwise
    // the borrows keep them apart.
    unsafe { add_elements(&record) };
    clamp_all(finish, output);
}

/// The factor of the operand with the larger scale.
const HALF: Requantize = Requantize { multiplier: 1 << 30, shift: 0 };

/// With a shift of 3, the constant stays below `2^29 + 4` and `high` below `2^28`.
const SMALLEST_SHIFT: i8 = -3;

/// What the loop reads, loaded at once to r0 to r11.
#[repr(C)]
struct Record {
    first: *const i8,
    second: *const i8,
    output: *mut i8,
    output_end: *mut i8,
    second_zero_point: i32,
    second_multiplier: i32,
    mask: i32,
    constant: i32,
    shift: u32,
    short: Short,
}

/// Runs the record.
#[unsafe(naked)]
unsafe extern "C" fn add_elements(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "ldm r0, {{r0-r11}}",
        "2:",
        "ldrsb r12, [r1], #1",
        "rsb r12, r4, r12, lsl #21",
        "smmulr r12, r12, r5",
        "and lr, r6, r12, asr #31",
        "add r12, r12, r7",
        "add r12, r12, lr",
        "ldrsb lr, [r0], #1",
        "asr r12, r12, r8",
        "add r12, r12, lr, lsl #19",
        "lsl r12, r12, #1",
        "smmulr r12, r12, r9",
        "add r12, r12, r12, asr #31",
        "add r12, r12, r10",
        "asr r12, r12, r11",
        "ssat r12, #8, r12",
        "strb r12, [r2], #1",
        "cmp r2, r3",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
