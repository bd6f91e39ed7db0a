//! The inner loop for weights behind their steps: the sums of some outputs, one after another, from the vector as
//! it is.
//!
//! With `x` the elements and `z` their zero point, the sum of `(x - z) * w` is that of `x * w` less `z` times that
//! of `w`; both are added up, two weights at a time.

use core::arch::naked_asm;

use crate::arch::armv7em::simd::uxtab16;
use crate::finish::BLOCK;
use crate::rows::Sparse;

/// Rows of weights whose steps lead nowhere outside a vector, checked and ready for [`run`](SparseOutputs::run).
pub(super) struct SparseOutputs<'w> {
    sparse: Sparse<'w>,
    depth: usize,
}

impl<'w> SparseOutputs<'w> {
    /// Rows of `depth` weights; `None` where there are less than `outputs`, or a step leads behind the end of one.
    pub fn new(sparse: Sparse<'w>, depth: usize, outputs: usize) -> Option<SparseOutputs<'w>> {
        let enough = sparse.counts.len() >= outputs && leads_inside(&sparse, depth);
        enough.then_some(SparseOutputs { sparse, depth })
    }

    /// Adds the products of `vector` with the next rows to their sums, and leaves the rows behind.
    pub fn run(&mut self, vector: &[i8], zero_point: i8, sums: &mut [i32; BLOCK], outputs: usize) {
        let rows = outputs.min(BLOCK).min(self.sparse.counts.len());
        if rows == 0 || vector.len() < self.depth {
            return;
        }
        let record = Record {
            vector: vector.as_ptr(),
            words: self.sparse.words.as_ptr(),
            counts: self.sparse.counts.as_ptr(),
            sums: sums.as_mut_ptr(),
            ones: 0x0001_0001,
            minus_zero_point: -i32::from(zero_point),
            rows,
        };
        // SAFETY: The function reads `rows` counts, at least one, and as many words as they say, which are there, as
        // `new` has checked for all rows in order; it returns the word behind them. Steps lead to less than `depth`
        // elements from the vector's first on, which it has. It reads and writes `rows` sums.
        let end = unsafe { sparse_outputs(&record) };
        let used = (end.addr() - self.sparse.words.as_ptr().addr()) / size_of::<u32>();
        self.sparse.words = self.sparse.words.get(used..).unwrap_or(&[]);
        self.sparse.counts = self.sparse.counts.get(rows..).unwrap_or(&[]);
    }
}

/// Whether the steps of every row add up to less than `depth`, and words are there for all.
#[inline(never)]
fn leads_inside(sparse: &Sparse<'_>, depth: usize) -> bool {
    let mut words = sparse.words;
    for count in sparse.counts {
        let count = usize::from(u16::from_le_bytes(*count));
        let Some((row, rest)) = words.split_at_checked(count) else { return false };
        words = rest;
        let mut end = 0;
        // Sums of so few steps fit 16 bits.
        for row in row.chunks(256) {
            let pair = row.iter().fold(0, |pair, word| uxtab16(pair, u32::from_le_bytes(*word)));
            end += (pair & 0xFFFF) + (pair >> 16);
        }
        if count > 0 && end as usize >= depth {
            return false;
        }
    }
    true
}

/// What the loops read, loaded at once to r0 to r3, r5, r6 and r12.
#[repr(C)]
struct Record {
    vector: *const i8,
    words: *const [u8; 4],
    counts: *const [u8; 2],
    sums: *mut i32,
    ones: u32,
    minus_zero_point: i32,
    /// 1 or more.
    rows: usize,
}

/// Runs the record; gives the word behind the last that it has read.
///
/// r4 is the end of a row's words, r7 where its elements are, r8 and r9 its sums of products and of weights.
#[unsafe(naked)]
unsafe extern "C" fn sparse_outputs(record: &Record) -> *const u32 {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r5, r6, r12}}",
        "2:",
        "ldrh r4, [r2], #2",
        "cmp r4, #0",
        "beq 4f",
        "ldr r8, [r3]",
        "mov r9, #0",
        "mov r7, r0",
        "add r4, r1, r4, lsl #2",
        // Two steps and weights.
        "3:",
        "ldr r10, [r1], #4",
        "uxtab r7, r7, r10",
        "ldrsb r11, [r7]",
        "sxtb16 lr, r10, ror #8",
        "smlad r9, lr, r5, r9",
        "smlabb r8, r11, lr, r8",
        "uxtab r7, r7, r10, ror #16",
        "ldrsb r11, [r7]",
        "smlabt r8, r11, lr, r8",
        "cmp r1, r4",
        "bne 3b",
        "mla r8, r9, r6, r8",
        "str r8, [r3]",
        "4:",
        "add r3, r3, #4",
        "subs r12, r12, #1",
        "bne 2b",
        "mov r0, r1",
        "pop {{r4-r11, pc}}",
    )
}
