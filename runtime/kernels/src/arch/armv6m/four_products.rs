//! The innermost loop: one value meets the weights of four channels.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::dot::Products;

/// Adds up products in registers.
pub(in crate::arch) struct FourProducts;

impl Products for FourProducts {
    fn add(sums: &mut [i32; 4], input: &[i8], weights: &[&[i8]; 4], input_zero_point: i8) {
        let length = input.len();
        if length == 0 || weights.iter().any(|weights| weights.len() != length) {
            return;
        }
        let record = Record {
            input_end: input.as_ptr_range().end,
            weights_ends: weights.map(|weights| weights.as_ptr_range().end),
            minus_length: -(length as i32),
            minus_zero_point: -i32::from(input_zero_point),
            sums,
        };
        // SAFETY: The function reads `length` bytes, 1 or more, before each of the ends, which are those of slices of that
        // length; and reads and writes the four sums.
        unsafe { four_products(&record) };
    }
}

/// What the loop reads. The group in brackets is loaded at once, in this order.
#[repr(C)]
struct Record {
    // [r0 to r5.]
    input_end: *const i8,
    weights_ends: [*const i8; 4],
    minus_length: i32,
    minus_zero_point: i32,
    sums: *mut [i32; 4],
}

const _: () = assert!(offset_of!(Record, input_end) == 0 && offset_of!(Record, minus_length) == 20);

/// Runs the record.
///
/// Values and weights are read from their ends back: one register, counting up to 0, is the index of all five and
/// ends the loop by its sign. `r6` is a value without its zero point, `r7` a weight and then a product; the sums are in
/// `r8` to `r11`, which only moves and additions can reach, and what frees a value of its zero point in `r12`.
///
/// # Safety
/// The record's pointers lead to what it says.
#[unsafe(naked)]
unsafe extern "C" fn four_products(record: *const Record) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4-r7}}",
        "mov r7, r0",
        "ldr r6, [r7, #{minus_zero_point}]",
        "mov r12, r6",
        "ldr r6, [r7, #{sums}]",
        "ldm r6!, {{r0-r3}}",
        "mov r8, r0",
        "mov r9, r1",
        "mov r10, r2",
        "mov r11, r3",
        "ldm r7!, {{r0-r5}}",
        "subs r6, #16",
        "push {{r6}}",
        "2:",
        "ldrsb r6, [r0, r5]",
        "add r6, r12",
        "ldrsb r7, [r1, r5]",
        "muls r7, r6, r7",
        "add r8, r7",
        "ldrsb r7, [r2, r5]",
        "muls r7, r6, r7",
        "add r9, r7",
        "ldrsb r7, [r3, r5]",
        "muls r7, r6, r7",
        "add r10, r7",
        "ldrsb r7, [r4, r5]",
        "muls r7, r6, r7",
        "add r11, r7",
        "adds r5, #1",
        "bmi 2b",
        "pop {{r6}}",
        "mov r0, r8",
        "mov r1, r9",
        "mov r2, r10",
        "mov r3, r11",
        "stm r6!, {{r0-r3}}",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
        minus_zero_point = const offset_of!(Record, minus_zero_point),
        sums = const offset_of!(Record, sums),
    )
}
