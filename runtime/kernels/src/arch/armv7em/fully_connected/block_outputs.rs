//! The inner loop for runs of four weights: the sums of some outputs, one after another.

use core::arch::naked_asm;

use crate::arch::armv7em::conv_2d::leads_inside;
use crate::arch::scratch::{QUAD, vector_words};
use crate::finish::BLOCK;
use crate::rows::Blocks;

/// Rows of runs of four that lead nowhere outside a vector, checked and ready for [`run`](BlockOutputs::run).
pub(super) struct BlockOutputs<'w> {
    blocks: Blocks<'w>,
    depth: usize,
}

impl<'w> BlockOutputs<'w> {
    /// Rows of `depth` weights; `None` where there are less than `outputs`, or a step leads behind the end of one.
    pub fn new(blocks: Blocks<'w>, depth: usize, outputs: usize) -> Option<BlockOutputs<'w>> {
        let enough = blocks.counts.len() >= outputs && leads_inside(&blocks, depth.div_ceil(QUAD));
        enough.then_some(BlockOutputs { blocks, depth })
    }

    /// Adds the products of `vector` with the next rows to their sums, and leaves the rows behind.
    pub fn run(&mut self, vector: &[u32], sums: &mut [i32; BLOCK], outputs: usize) {
        let rows = outputs.min(BLOCK).min(self.blocks.counts.len());
        if rows == 0 || vector.len() < vector_words(self.depth) {
            return;
        }
        let record = Record {
            vector: vector.as_ptr(),
            words: self.blocks.words.as_ptr(),
            counts: self.blocks.counts.as_ptr(),
            sums: sums.as_mut_ptr(),
            rows,
        };
        // SAFETY: The function reads `rows` counts, at least one, and the words that they count, which are there,
        // as `new` has checked for all rows in order; it returns the word behind them. Steps lead to less than
        // `depth` fours from the vector's first on, two words each, which it has. It reads and writes `rows` sums.
        let end = unsafe { block_outputs(&record) };
        let used = (end.addr() - self.blocks.words.as_ptr().addr()) / size_of::<u32>();
        self.blocks.words = self.blocks.words.get(used..).unwrap_or(&[]);
        self.blocks.counts = self.blocks.counts.get(rows..).unwrap_or(&[]);
    }
}

/// What the loops read, loaded at once to r0 to r3 and r12.
#[repr(C)]
struct Record {
    vector: *const u32,
    words: *const [u8; 4],
    counts: *const [u8; 2],
    sums: *mut i32,
    /// 1 or more.
    rows: usize,
}

/// One run of four: its step from the byte of r9 that `$turn` brings down, its weights at r1. r7 is where its
/// elements are, r8 the sum.
macro_rules! block {
    ($turn:literal) => {
        concat!(
            "uxtb r4, r9",
            $turn,
            "
            ldr r6, [r1], #4
            add r7, r7, r4, lsl #3
            ldrd r4, r5, [r7]
            sxtb16 r10, r6
            sxtb16 r6, r6, ror #8
            smlad r8, r4, r10, r8
            smlad r8, r5, r6, r8"
        )
    };
}

/// Runs the record; gives the word behind the last that it has read.
#[unsafe(naked)]
unsafe extern "C" fn block_outputs(record: &Record) -> *const u32 {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r10, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r12}}",
        // A row: its sum to r8, the end of its words to lr.
        "2:",
        "ldrh r4, [r2], #2",
        "cmp r4, #0",
        "beq 4f",
        "ldr r8, [r3]",
        "mov r7, r0",
        "add r5, r4, #3",
        "add r5, r4, r5, lsr #2",
        "add lr, r1, r5, lsl #2",
        "and r4, r4, #3",
        "ldr r9, [r1], #4",
        // Into the group at its first run: a group that is not whole has the last ones.
        "tbb [pc, r4]",
        "8:",
        ".byte (30f - 8b) / 2",
        ".byte (33f - 8b) / 2",
        ".byte (32f - 8b) / 2",
        ".byte (31f - 8b) / 2",
        "3:",
        "ldr r9, [r1], #4",
        "30:",
        block!(""),
        "31:",
        block!(", ror #8"),
        "32:",
        block!(", ror #16"),
        "33:",
        block!(", ror #24"),
        "cmp r1, lr",
        "bne 3b",
        "str r8, [r3]",
        "4:",
        "add r3, r3, #4",
        "subs r12, r12, #1",
        "bne 2b",
        "mov r0, r1",
        "pop {{r4-r10, pc}}",
    )
}
