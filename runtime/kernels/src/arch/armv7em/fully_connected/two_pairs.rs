//! The inner loops over paired weights: the sums of four outputs at a time.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::arch::armv7em::pairs::Pairs;
use crate::arch::scratch::{PAIR, QUAD};
use crate::finish::BLOCK;

/// Adds the products of `vector` with the weights of `outputs` outputs from `first` on, a multiple of four, to their sums.
pub(super) fn run(pairs: Pairs<'_>, vector: &[u32], first: usize, outputs: usize, sums: &mut [i32; BLOCK]) {
    let Pairs { words, pair_words } = pairs;
    let words = words.get(first / PAIR * pair_words..).unwrap_or(&[]);
    let count = outputs.min(BLOCK).div_ceil(PAIR).min(words.len() / pair_words);
    if vector.len() < pair_words {
        return;
    }
    let whole = count - count % 2;
    // A pair that does not exist stands where the first one does; its sums are nobody's.
    for (from, groups, second) in [(0, whole / 2, pair_words), (whole, count % 2, 0)] {
        if groups == 0 {
            continue;
        }
        let start = words.as_ptr().wrapping_add(from * pair_words);
        let record = Record {
            pairs: [start, start.wrapping_add(second)],
            vector: vector.as_ptr(),
            vector_end: vector.as_ptr().wrapping_add(pair_words),
            sums: sums.as_mut_ptr().wrapping_add(from * PAIR),
            groups: groups as u32,
            odd: (pair_words / 2 % 2) as u32,
            pair_bytes: (pair_words * size_of::<u32>()) as u32,
        };
        // SAFETY: The function reads and writes through the record's pointers, which hold what it needs:
        // - `vector` to `vector_end` are `pair_words` words, an even number of at least two, counted above; so are the words of
        //   each pair. The first turn takes two of each if the number of twos is `odd`, otherwise four; every other one four.
        // - `pairs` are followed by the words of two pairs for each group, or, where there is only one, the same twice.
        // - `sums` has a multiple of four words, of which `PAIR * from + QUAD * groups` are used at most: `outputs`, at most
        //   `BLOCK`, rounded up to four.
        unsafe { two_pairs(&record) };
    }
}

const _: () = assert!(BLOCK.is_multiple_of(QUAD) && QUAD == 2 * PAIR);

/// What the loops read. The first two are loaded to r1 and r2; the others are pushed on the stack.
#[repr(C)]
struct Record {
    /// The weights of the first two pairs.
    pairs: [*const u32; 2],
    vector: *const u32,
    vector_end: *const u32,
    /// Where the next four sums are, and go.
    sums: *mut i32,
    /// Pairs of pairs.
    groups: u32,
    /// 1 where the number of quads is odd.
    odd: u32,
    pair_bytes: u32,
}

/// Where a field of the record is on the stack.
macro_rules! pushed {
    ($field:ident) => {
        offset_of!(Record, $field) - offset_of!(Record, vector)
    };
}

/// Four activations, and weights of two pairs for them.
macro_rules! quad {
    () => {
        "ldrd r3, r4, [r0], #8
        ldrd r5, r6, [r1], #8
        ldrd r12, lr, [r2], #8
        smlad r8, r3, r5, r8
        sxtb16 r5, r5
        smlad r9, r3, r5, r9
        smlad r10, r3, r12, r10
        sxtb16 r12, r12
        smlad r11, r3, r12, r11
        smlad r8, r4, r6, r8
        sxtb16 r6, r6
        smlad r9, r4, r6, r9
        smlad r10, r4, lr, r10
        sxtb16 lr, lr
        smlad r11, r4, lr, r11"
    };
}

/// Runs the record.
///
/// r0 walks through the vector up to r7, r1 and r2 through the weights of two pairs. r8 and r10 are the sums over whole
/// halfwords, r9 and r11 those over their low bytes; r3 and r4 are activations, r5, r6, r12 and lr weights.
#[unsafe(naked)]
unsafe extern "C" fn two_pairs(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "ldm r0, {{r1-r8}}",
        "push {{r3-r8}}",

        // Two pairs.
        "2:",
        "ldrd r0, r7, [sp, #{vector}]",
        "mov r8, #0",
        "mov r9, #0",
        "mov r10, #0",
        "mov r11, #0",
        "ldr r3, [sp, #{odd}]",
        "cmp r3, #0",
        "bne 4f",
        "3:",
        quad!(),
        "4:",
        quad!(),
        "cmp r0, r7",
        "bne 3b",

        "sub r8, r8, r9",
        "sub r10, r10, r11",
        "ldr r3, [sp, #{sums}]",
        "ldm r3, {{r4-r7}}",
        "add r4, r4, r9",
        "add r5, r5, r8, asr #8",
        "add r6, r6, r11",
        "add r7, r7, r10, asr #8",
        "stm r3!, {{r4-r7}}",
        "str r3, [sp, #{sums}]",

        // Behind the first pair is the second, and behind that the next one.
        "ldr r4, [sp, #{pair_bytes}]",
        "mov r1, r2",
        "add r2, r2, r4",
        "ldr r3, [sp, #{groups}]",
        "subs r3, r3, #1",
        "str r3, [sp, #{groups}]",
        "bne 2b",
        "add sp, sp, #24",
        "pop {{r4-r11, pc}}",
        vector = const pushed!(vector),
        odd = const pushed!(odd),
        sums = const pushed!(sums),
        pair_bytes = const pushed!(pair_bytes),
        groups = const pushed!(groups),
    )
}
