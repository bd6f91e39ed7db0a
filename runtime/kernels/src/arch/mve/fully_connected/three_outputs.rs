//! The inner loops: the sums of three outputs at a time, and of four on their way to int8.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::Filter;
use crate::arch::mve::finish::{Clamp, Factors, FactorsFrom, LANES, clamp, shift_multiply_and_divide};
use crate::finish::Finish;

/// Outputs that are computed at a time.
const OUTPUTS: usize = 3;

/// Outputs of a call: whole threes, and whole fours for the way to int8.
pub(super) const BLOCK: usize = 24;

/// A layer ready for [`run`](ThreeOutputs::run).
pub(super) struct ThreeOutputs<'f> {
    weights: &'f [i8],
    depth: usize,
    zero_point: i32,
    factors: Factors<'f>,
    clamp: Clamp,
}

impl<'f> ThreeOutputs<'f> {
    /// A layer of rows of `depth` weights, 1 or more. The filter has passed its check.
    pub fn new(filter: &Filter<'f>, depth: usize, zero_point: i8, finish: Finish) -> ThreeOutputs<'f> {
        ThreeOutputs {
            weights: filter.weights,
            depth,
            zero_point: zero_point.into(),
            factors: Factors::new(filter),
            clamp: Clamp::new(finish),
        }
    }

    /// Computes up to [`BLOCK`] outputs from `first` on; `sums` holds as many biases.
    pub fn run(&mut self, vector: &[i8], first: usize, sums: &mut [i32], output: &mut [i8]) {
        let depth = self.depth;
        let weights = self.weights.get(first * depth..).unwrap_or(&[]);
        let outputs = output.len().min(sums.len()).min(BLOCK).min(weights.len() / depth);
        if vector.len() < depth || outputs == 0 {
            return;
        }
        let whole = outputs - outputs % OUTPUTS;
        let mut record = Record {
            sums: sums.as_mut_ptr(),
            depth,
            weights: weights.as_ptr(),
            vector: vector.as_ptr(),
            row_step: depth,
            groups: whole / OUTPUTS,
            zero_point: self.zero_point,
        };
        // SAFETY: The function reads `depth` elements of `vector` again and again, at least one, and rows of as many weights:
        // three for each group, which `weights` has, counted above. It adds to as many words of `sums`. Loads of a
        // row's last part are predicated.
        if whole > 0 {
            unsafe { three_outputs(&mut record) };
        }
        // The rows that are left: with those before them the last three, or one at a time three times the same.
        let (rows, firsts) =
            if whole > 0 { (OUTPUTS, outputs - OUTPUTS..outputs - 2) } else { (1, 0..outputs) };
        for first in firsts.filter(|_| whole < outputs) {
            let mut group = [0; OUTPUTS];
            let sums = &mut sums[first..first + rows];
            group[..rows].copy_from_slice(sums);
            record = Record {
                sums: group.as_mut_ptr(),
                weights: weights.as_ptr().wrapping_add(first * depth),
                row_step: if rows == 1 { 0 } else { depth },
                groups: 1,
                ..record
            };
            // SAFETY: As above, with rows that `weights` has, and the words of `group`.
            unsafe { three_outputs(&mut record) };
            for (index, (sum, group)) in (first..).zip(sums.iter_mut().zip(group)) {
                // Those before were done.
                *sum = if index < whole { *sum } else { group };
            }
        }
        let fours = outputs / LANES;
        self.finish(sums, first, fours, output);
        for (index, (&sum, output)) in sums.iter().zip(output.iter_mut()).enumerate().skip(LANES * fours) {
            let mut four = [0; LANES];
            self.finish(&[sum; LANES], first + index, 1, &mut four);
            *output = four[0];
        }
    }

    /// Brings `fours` times four sums to int8; where only one channel is left, four times its own.
    fn finish(&mut self, sums: &[i32], first: usize, fours: usize, output: &mut [i8]) {
        if fours == 0 || sums.len().min(output.len()) < LANES * fours {
            return;
        }
        let finish = FinishRecord {
            sums: sums.as_ptr(),
            factors: self.factors.from(first, fours),
            output: output.as_mut_ptr(),
            fours,
            clamp: self.clamp,
        };
        // SAFETY: There are `4 * fours` sums and outputs, at least four, and as many factors, or four that are used again
        // and again.
        unsafe { finish_fours(&finish) };
    }
}

/// What the first loop reads and writes.
#[repr(C)]
struct Record {
    // [r11, r12, r3: the start.]
    sums: *mut i32,
    depth: usize,
    weights: *const i8,
    vector: *const i8,
    /// From row to row.
    row_step: usize,
    /// 1 or more.
    groups: usize,
    zero_point: i32,
}

/// Runs the record.
///
/// r0, r4 and r8 are sums of products, r2, r6 and r10 sums of weights. r1 walks through the vector, r3, r5 and r7
/// through weights, r11 through sums. r9 is the record, r12 the depth.
#[unsafe(naked)]
unsafe extern "C" fn three_outputs(record: &mut Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "mov r9, r0",
        "ldrd r11, r12, [r9, #{sums}]",
        "ldr r3, [r9, #{weights}]",
        "2:",
        "ldrd r1, lr, [r9, #{vector}]",
        "add r5, r3, lr",
        "add r7, r5, lr",
        "ldrd r0, r4, [r11]",
        "ldr r8, [r11, #8]",
        "mov r2, #0",
        "mov r6, #0",
        "mov r10, #0",
        "dlstp.8 lr, r12",
        "3:",
        "vldrb.u8 q0, [r1], #16",
        "vldrb.u8 q1, [r3], #16",
        "vmladava.s8 r0, q0, q1",
        "vaddva.s8 r2, q1",
        "vldrb.u8 q2, [r5], #16",
        "vmladava.s8 r4, q0, q2",
        "vaddva.s8 r6, q2",
        "vldrb.u8 q1, [r7], #16",
        "vmladava.s8 r8, q0, q1",
        "vaddva.s8 r10, q1",
        "letp lr, 3b",
        // The next three rows start where the last one ends.
        "ldrd r5, lr, [r9, #{groups}]",
        "mls r0, r2, lr, r0",
        "mls r4, r6, lr, r4",
        "mls r8, r10, lr, r8",
        "strd r0, r4, [r11], #8",
        "str r8, [r11], #4",
        "ldr r3, [r9, #{weights}]",
        "add r3, r3, r12",
        "add r3, r3, r12, lsl #1",
        "str r3, [r9, #{weights}]",
        "subs r5, r5, #1",
        "str r5, [r9, #{groups}]",
        "bne 2b",
        "pop {{r4-r11, pc}}",
        sums = const offset_of!(Record, sums),
        weights = const offset_of!(Record, weights),
        vector = const offset_of!(Record, vector),
        groups = const offset_of!(Record, groups),
    )
}

/// What the second loop reads.
#[repr(C)]
struct FinishRecord {
    // [r1 to r9]
    sums: *const i32,
    factors: FactorsFrom,
    output: *mut i8,
    /// 1 or more.
    fours: usize,
    clamp: Clamp,
}

/// Runs the record.
#[unsafe(naked)]
unsafe extern "C" fn finish_fours(record: &FinishRecord) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r9, r10, lr}}",
        "vpush {{d8-d15}}",
        "ldm r0, {{r1-r9}}",
        "vdup.32 q4, r8",
        "vdup.32 q5, r9",
        "vmov.i32 q7, #0",
        "dls lr, r6",
        "2:",
        "vldrw.u32 q2, [r1], #16",
        "vldrw.u32 q0, [r2]",
        "vldrb.s32 q1, [r3]",
        "add r2, r2, r4",
        "add r3, r3, r4, lsr #2",
        "vmax.s32 q6, q1, q7",
        "vmin.s32 q1, q1, q7",
        shift_multiply_and_divide!("q2", "q3", "q0", "q6", "q1"),
        clamp!("q2", "r7", "q4", "q5"),
        "vstrb.32 q2, [r5], #4",
        "le lr, 2b",
        "vpop {{d8-d15}}",
        "pop {{r4-r9, r10, pc}}",
    )
}
