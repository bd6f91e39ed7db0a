//! Element-wise addition, four elements at a time.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::finish::{Clamp, clamp, multiply_and_divide};
use crate::finish::Finish;
use crate::{AddParameters, Requantize, Source};

/// See [`add_s8`](crate::add_s8).
pub(crate) fn add_s8(parameters: &AddParameters, left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    let finish = Finish {
        zero_point: parameters.output_zero_point,
        min: parameters.activation_min,
        max: parameters.activation_max,
    };
    let count = [left, right].iter().fold(output.len(), |count, source| match source {
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
    let minus = |zero_point: i8| -i32::from(zero_point);
    let record = Record {
        left: address(left),
        right: address(right),
        output: start,
        count,
        minus_left_zero_point: minus(parameters.left_zero_point),
        minus_right_zero_point: minus(parameters.right_zero_point),
        left_factor: Factor::new(parameters.left_requantize),
        right_factor: Factor::new(parameters.right_requantize),
        output_factor: Factor::new(parameters.output_requantize),
        clamp: Clamp::new(finish),
    };
    // SAFETY: The function reads `count` elements, at least one, from `left` and `right` on, and writes as many from
    // `output` on: no slice is shorter, and loads and stores of the last part are predicated. An operand may be the
    // output itself, four elements read before they are written; otherwise the borrows keep them apart.
    unsafe { add_elements(&record) };
}

/// A factor below 1 in the order of registers.
#[derive(Clone, Copy)]
#[repr(C)]
struct Factor {
    multiplier: i32,
    /// Negative to the right.
    shift: i32,
}

impl Factor {
    fn new(factor: Requantize) -> Factor {
        Factor { multiplier: factor.multiplier, shift: i32::from(factor.shift) }
    }
}

/// What the loop reads. Fields that are loaded at once stand in this order.
#[repr(C)]
struct Record {
    // [r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12: up to the output's factor.]
    left: *const i8,
    right: *const i8,
    output: *mut i8,
    count: usize,
    minus_left_zero_point: i32,
    minus_right_zero_point: i32,
    left_factor: Factor,
    right_factor: Factor,
    output_factor: Factor,
    clamp: Clamp,
}

/// Runs the record.
///
/// q3, q6 and q7 have in each lane what a negative product of a factor loses. r4 counts, then is the zero point.
#[unsafe(naked)]
unsafe extern "C" fn add_elements(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "vpush {{d8-d15}}",
        "ldrd r1, r2, [r0, #{clamp} + 4]",
        "vdup.32 q4, r1",
        "vdup.32 q5, r2",
        "ldr lr, [r0, #{clamp}]",
        "ldm r0, {{r1-r12}}",
        "mov r0, lr",
        // A shift of 0 divides nothing; all others are negative.
        "lsr lr, r8, #31",
        "vdup.32 q3, lr",
        "lsr lr, r10, #31",
        "vdup.32 q6, lr",
        "lsr lr, r12, #31",
        "vdup.32 q7, lr",
        "dlstp.32 lr, r4",
        "2:",
        "vldrb.s32 q0, [r1], #4",
        "vldrb.s32 q1, [r2], #4",
        "vadd.i32 q0, q0, r5",
        "vshl.i32 q0, q0, #20",
        multiply_and_divide!("q0", "r7", "r8", "q3"),
        "vadd.i32 q1, q1, r6",
        "vshl.i32 q1, q1, #20",
        multiply_and_divide!("q1", "r9", "r10", "q6"),
        "vadd.i32 q0, q0, q1",
        multiply_and_divide!("q0", "r11", "r12", "q7"),
        clamp!("q0", "r0", "q4", "q5"),
        "vstrb.32 q0, [r3], #4",
        "letp lr, 2b",
        "vpop {{d8-d15}}",
        "pop {{r4-r11, pc}}",
        clamp = const offset_of!(Record, clamp),
    )
}
