//! The inner loops: the sums of four outputs at a time.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::arch::scratch::{QUAD, vector_words};
use crate::finish::BLOCK;
use crate::{Filter, Layout, MAX_ELEMENTS};

/// The weights of a layer, one row for each output, checked and ready for [`run`](FourOutputs::run).
pub(super) struct FourOutputs<'f> {
    weights: &'f [i8],
    depth: usize,
}

impl<'f> FourOutputs<'f> {
    /// Rows of `depth` weights; `None` where they have less than four, are less than `outputs` or no rows.
    pub fn new(filter: &Filter<'f>, depth: usize, outputs: usize) -> Option<FourOutputs<'f>> {
        let weights = filter.weights;
        let enough = weights.len() >= depth.checked_mul(outputs)? && filter.layout == Layout::Canonical;
        ((QUAD..=MAX_ELEMENTS).contains(&depth) && enough).then_some(FourOutputs { weights, depth })
    }

    /// Adds the products of `vector` with `outputs` rows from `first` on to their sums.
    pub fn run(&self, vector: &[u32], first: usize, outputs: usize, sums: &mut [i32; BLOCK]) {
        let weights = self.weights.get(first * self.depth..).unwrap_or(&[]);
        let outputs = outputs.min(BLOCK).min(weights.len() / self.depth);
        if vector.len() < vector_words(self.depth) {
            return;
        }
        let whole = outputs - outputs % QUAD;
        // A row that does not exist stands where the first one does; its sum is nobody's.
        for (from, outputs, groups) in [(0, QUAD, whole / QUAD), (whole, outputs - whole, 1)] {
            if groups == 0 || outputs == 0 {
                continue;
            }
            let step = |row: usize| if row < outputs { (row * self.depth) as u32 } else { 0 };
            let mut record = Record {
                vector: vector.as_ptr(),
                weights: weights.as_ptr().wrapping_add(from * self.depth),
                steps: [step(1), step(2), step(3)],
                vector_end: vector.as_ptr().wrapping_add(2 * (self.depth / QUAD)),
                sums: sums.as_mut_ptr().wrapping_add(from),
                back: ((QUAD - self.depth % QUAD) % QUAD) as u32,
                groups: groups as u32,
            };
            // SAFETY: The function reads and writes through the record's pointers, which hold what it needs:
            // - `vector` to `vector_end` are the vector's whole quads, at least one, of two words each; with `back` there is
            //   another, because the vector's length, checked above, counts it too.
            // - `weights` has `from + outputs` rows or more of `depth` bytes, counted above, and `step` stays in them. Four groups
            //   of rows follow each other. With `back` the last load of a row starts `back` bytes before the end of
            //   its whole quads and ends with the row; a row has at least four weights.
            // - `sums` has a multiple of four words, of which `from + 4 * groups` are used at most: `outputs`, at most
            //   `BLOCK`, rounded up to four.
            unsafe { four_outputs(&mut record) };
        }
    }
}

const _: () = assert!(BLOCK.is_multiple_of(QUAD));

/// What the loops read and write. The group in brackets is loaded at once, in this order.
#[repr(C)]
struct Record {
    // [Start: r0, r1, r2, r12, lr.]
    vector: *const u32,
    weights: *const i8,
    /// From the first row to the three others.
    steps: [u32; QUAD - 1],
    vector_end: *const u32,
    /// Where the next four sums are, and go.
    sums: *mut i32,
    /// How many bytes the last four weights of a row lie before the next four, 0 for none.
    back: u32,
    groups: u32,
}

/// Runs the record.
///
/// The sums of the four rows are r8 to r11; r3 and r4 are activations, r5 and r6 weights. r0 walks through the
/// vector, r1 through the first row; r2, r12 and lr are the steps to the others. r7 is the record or, within a
/// row, the vector's end.
#[unsafe(naked)]
unsafe extern "C" fn four_outputs(record: &mut Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "sub sp, sp, #4",
        "mov r7, r0",
        "str r7, [sp]",
        "ldm r7, {{r0, r1, r2, r12, lr}}",

        // Four rows.
        "2:",
        "ldr r3, [r7, #{sums}]",
        "ldm r3, {{r8-r11}}",
        "ldr r0, [r7]",
        "ldr r7, [r7, #{vector_end}]",

        // Four weights of each.
        "3:",
        "ldrd r3, r4, [r0], #8",
        "ldr r5, [r1, r2]",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r9, r3, r6, r9",
        "smlad r9, r4, r5, r9",
        "ldr r5, [r1, r12]",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r10, r3, r6, r10",
        "smlad r10, r4, r5, r10",
        "ldr r5, [r1, lr]",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r11, r3, r6, r11",
        "smlad r11, r4, r5, r11",
        "ldr r5, [r1], #4",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r8, r3, r6, r8",
        "smlad r8, r4, r5, r8",
        "cmp r0, r7",
        "bne 3b",

        // The last one to three: the last four, with those that were done shifted out.
        "ldr r7, [sp]",
        "ldr r7, [r7, #{back}]",
        "cbz r7, 4f",
        "sub r1, r1, r7",
        "lsl r7, r7, #3",
        "ldrd r3, r4, [r0], #8",
        "ldr r5, [r1, r2]",
        "lsr r5, r5, r7",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r9, r3, r6, r9",
        "smlad r9, r4, r5, r9",
        "ldr r5, [r1, r12]",
        "lsr r5, r5, r7",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r10, r3, r6, r10",
        "smlad r10, r4, r5, r10",
        "ldr r5, [r1, lr]",
        "lsr r5, r5, r7",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r11, r3, r6, r11",
        "smlad r11, r4, r5, r11",
        "ldr r5, [r1], #4",
        "lsr r5, r5, r7",
        "sxtb16 r6, r5",
        "sxtb16 r5, r5, ror #8",
        "smlad r8, r3, r6, r8",
        "smlad r8, r4, r5, r8",

        "4:",
        "ldr r7, [sp]",
        "ldr r3, [r7, #{sums}]",
        "stm r3!, {{r8-r11}}",
        "str r3, [r7, #{sums}]",
        "add r1, r1, lr",
        "ldr r3, [r7, #{groups}]",
        "subs r3, r3, #1",
        "str r3, [r7, #{groups}]",
        "bne 2b",
        "add sp, sp, #4",
        "pop {{r4-r11, pc}}",
        sums = const offset_of!(Record, sums),
        vector_end = const offset_of!(Record, vector_end),
        back = const offset_of!(Record, back),
        groups = const offset_of!(Record, groups),
    )
}
