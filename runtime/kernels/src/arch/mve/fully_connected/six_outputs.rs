//! The inner loops: the sums of six outputs at a time, and of four on their way to int8.

use core::arch::naked_asm;
use core::mem::{MaybeUninit, offset_of};

use crate::Filter;
use crate::arch::mve::finish::{
    Clamp, Factors, FactorsFrom, LANES, all_divide, clamp, multiply_and_divide, shift_multiply_and_divide,
};
use crate::finish::Finish;

/// Outputs that are computed at a time.
pub(super) const OUTPUTS: usize = 6;

/// A layer ready for [`run`](SixOutputs::run).
pub(super) struct SixOutputs<'f> {
    weights: &'f [i8],
    biases: &'f [i32],
    factors: Factors<'f>,
    all_divide: bool,
    record: Record,
}

/// Where there are no biases.
static NO_BIASES: [i32; LANES] = [0; LANES];

impl<'f> SixOutputs<'f> {
    /// A layer of rows of `depth` weights, 1 or more. The filter's lengths have been checked.
    #[inline(always)]
    pub fn new(filter: &Filter<'f>, depth: usize, zero_point: i8, finish: Finish) -> SixOutputs<'f> {
        let (constant, sign) = if zero_point == i8::MIN { (-127, -1) } else { (-i32::from(zero_point), 1) };
        let factors = Factors::new(filter);
        let record = Record {
            weights: filter.weights.as_ptr(),
            row_step: depth,
            vector: filter.weights.as_ptr(),
            depth,
            to: core::ptr::null_mut(),
            end: core::ptr::null_mut(),
            outputs: 0,
            constant,
            biases: NO_BIASES.as_ptr(),
            factors: factors.none(),
            output: core::ptr::null_mut(),
            bias_step: if filter.bias.is_empty() { 0 } else { LANES * size_of::<i32>() },
            sign,
            clamp: Clamp::new(finish),
            sums: MaybeUninit::uninit(),
        };
        let (weights, biases) = (filter.weights, filter.bias);
        SixOutputs { weights, biases, factors, all_divide: all_divide(filter), record }
    }

    /// Computes outputs from `first` on, a multiple of six of them, or a single one. `vector` is inverted where the zero
    /// point is -128.
    pub fn run(&mut self, vector: &[i8], first: usize, output: &mut [i8]) {
        let (depth, outputs) = (self.record.depth, output.len());
        let weights = self.weights.get(first * depth..).unwrap_or(&[]);
        let six = outputs >= OUTPUTS && outputs.is_multiple_of(OUTPUTS);
        if vector.len() < depth || !(six || outputs == 1) || weights.len() < outputs * depth {
            return;
        }
        let mut same = [0; 2 * LANES];
        let record = &mut self.record;
        record.weights = weights.as_ptr();
        record.vector = vector.as_ptr();
        (record.row_step, record.outputs) = (depth, outputs);
        record.factors = self.factors.of(first, outputs);
        record.output = output.as_mut_ptr();
        let biases = self.biases.get(first..first + outputs);
        record.biases = biases.map_or(NO_BIASES.as_ptr(), <[i32]>::as_ptr);
        if !six {
            // Six times the same row; of what comes out, only the first has its own bias.
            record.row_step = 0;
            (record.outputs, record.output) = (OUTPUTS, same.as_mut_ptr());
            record.factors = self.factors.of_one(first);
        }
        let bias_step = record.bias_step;
        let bias;
        if let (false, Some(&[only])) = (six, biases) {
            bias = [only; LANES];
            (record.biases, record.bias_step) = (bias.as_ptr(), 0);
        }
        // SAFETY: The functions read and write through the record's pointers, which hold what they need:
        // - `vector` has `depth` elements, at least one.
        // - `weights` has `outputs` rows of as many, a multiple of six, as checked above; or one, with a `row_step` of 0.
        // - `biases` and `factors` are those of as many outputs, or four that are used again and again.
        // - `output` has room for as many bytes: the outputs, or `same`.
        // Loads and stores of the last part of a row, and of outputs, are predicated. Sums stay in the record, which, like
        // `bias` and `same`, outlives the call.
        unsafe { if self.all_divide { six_outputs(record) } else { six_outputs_by_any_factor(record) } }
        record.bias_step = bias_step;
        if let (false, [output]) = (six, output) {
            *output = same[0];
        }
    }
}

/// Outputs whose sums are kept: whole sixes, and whole fours.
const BLOCK: usize = 24;

/// What the loops read and write. Fields that are loaded at once stand in this order.
#[repr(C)]
struct Record {
    // [Start of six rows: r1, lr.]
    weights: *const i8,
    /// From row to row.
    row_step: usize,
    // [r12, lr]
    vector: *const i8,
    depth: usize,
    // [End of six rows: r1, r3.]
    /// Where the next sums go, and where they end.
    to: *mut i32,
    end: *mut i32,
    /// That are left.
    outputs: usize,
    constant: i32,
    // [Start of the way to int8: r2 to r11.]
    biases: *const i32,
    factors: FactorsFrom,
    output: *mut i8,
    /// Bytes from four biases to the next.
    bias_step: usize,
    /// 1, or -1 where the vector is inverted.
    sign: i32,
    clamp: Clamp,
    sums: MaybeUninit<[i32; BLOCK]>,
}

/// A row's products with the vector and with the constant.
macro_rules! row {
    ($row:literal, $weights:literal, $sum:literal) => {
        concat!(
            "vldrb.u8 ",
            $weights,
            ", [",
            $row,
            "], #16\n",
            "vmladava.s8 ",
            $sum,
            ", q0, ",
            $weights,
            "\n",
            "vmladava.s8 ",
            $sum,
            ", q3, ",
            $weights,
            "\n",
        )
    };
}

/// Runs the record, whose address is on the stack.
///
/// While sums are made, r0, r2, r4, r6, r8 and r10 are six of them; r1, r3, r5, r7, r9 and r11 walk through the rows, r12
/// through the vector; q3 has the constant. On the way to int8, q2 has sums, q0 multipliers and q1 shifts, q4 and q5
/// the bounds. `$prepare` and `$way` are what a factor takes.
macro_rules! function {
    ($name:ident, $prepare:expr, $way:expr) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(record: &mut Record) {
            naked_asm!(
                env!("OCELLI_ASSEMBLER"),
                "push {{r4-r11, lr}}",
                "vpush {{d8-d15}}",
                "push {{r0}}",
                "mov r12, r0",

                // Up to 24 outputs.
                "2:",
                "ldrd r3, r1, [r12, #{outputs}]",
                "vdup.8 q3, r1",
                "cmp r3, #{block}",
                "it hi",
                "movhi r3, #{block}",
                "add r1, r12, #{sums}",
                "add r3, r1, r3, lsl #2",
                "strd r1, r3, [r12, #{to}]",

                // Six rows.
                "3:",
                "ldrd r1, lr, [r12, #{weights}]",
                "add r3, r1, lr",
                "add r5, r3, lr",
                "add r7, r5, lr",
                "add r9, r7, lr",
                "add r11, r9, lr",
                "add lr, r11, lr",
                "str lr, [r12, #{weights}]",
                "ldrd r12, lr, [r12, #{vector}]",
                "mov r0, #0",
                "mov r2, #0",
                "mov r4, #0",
                "mov r6, #0",
                "mov r8, #0",
                "mov r10, #0",
                "dlstp.8 lr, lr",
                "4:",
                "vldrb.u8 q0, [r12], #16",
                row!("r1", "q1", "r0"),
                row!("r3", "q2", "r2"),
                row!("r5", "q1", "r4"),
                row!("r7", "q2", "r6"),
                row!("r9", "q1", "r8"),
                row!("r11", "q2", "r10"),
                "letp lr, 4b",
                "ldr r12, [sp]",
                "ldrd r1, r3, [r12, #{to}]",
                "strd r0, r2, [r1], #8",
                "strd r4, r6, [r1], #8",
                "strd r8, r10, [r1], #8",
                "str r1, [r12, #{to}]",
                "cmp r1, r3",
                "bne 3b",

                "add r1, r12, #{sums}",
                "sub lr, r3, r1",
                "lsr lr, lr, #2",
                "ldr r0, [r12, #{outputs}]",
                "sub r0, r0, lr",
                "str r0, [r12, #{outputs}]",
                "add r0, r12, #{biases}",
                "ldm r0, {{r2-r11}}",
                "vdup.32 q4, r10",
                "vdup.32 q5, r11",
                "vmov.i32 q7, #0",
                "mov r0, #1",
                "dlstp.32 lr, lr",
                "5:",
                "vldrw.u32 q3, [r1], #16",
                "vldrw.u32 q2, [r2]",
                "add r2, r2, r7",
                "vmla.s32 q2, q3, r8",
                "vldrw.u32 q0, [r3]",
                "vldrb.s32 q1, [r4]",
                "add r3, r3, r5",
                "add r4, r4, r5, lsr #2",
                $prepare,
                $way,
                clamp!("q2", "r9", "q4", "q5"),
                "vstrb.32 q2, [r6], #4",
                "letp lr, 5b",
                "add r0, r12, #{biases}",
                "stm r0, {{r2-r6}}",
                "ldr r0, [r12, #{outputs}]",
                "cmp r0, #0",
                "bne 2b",

                "add sp, sp, #4",
                "vpop {{d8-d15}}",
                "pop {{r4-r11, pc}}",
                outputs = const offset_of!(Record, outputs),
                block = const BLOCK,
                sums = const offset_of!(Record, sums),
                to = const offset_of!(Record, to),
                weights = const offset_of!(Record, weights),
                vector = const offset_of!(Record, vector),
                biases = const offset_of!(Record, biases),
            )
        }
    };
}

function!(six_outputs, "", multiply_and_divide!("q2", "q0", "q2, q1", "r0"));

// Shifts to the left to q6, to the right to q1.
function!(
    six_outputs_by_any_factor,
    "vmax.s32 q6, q1, q7
    vmin.s32 q1, q1, q7",
    shift_multiply_and_divide!("q2", "q3", "q0", "q6", "q1")
);
