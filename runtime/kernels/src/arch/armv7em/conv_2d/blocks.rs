//! The inner loop for runs of four weights: all that a channel has, over the windows of four pixels.
//!
//! A run's step leads to its four elements of every window, which lie in eight words; runs that are all 0 are
//! never looked at.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::four_pixels::{Record, Rows, function, long_way};
use crate::arch::armv7em::simd::usada8;
use crate::arch::scratch::QUAD;
use crate::rows::Blocks;

/// Rows of runs of four that lead nowhere outside rows of so many weights.
#[derive(Clone, Copy)]
pub(super) struct BlockRows<'w> {
    blocks: Blocks<'w>,
}

impl<'w> BlockRows<'w> {
    /// `None` where there are less than `channels` rows or words, or a step leads behind the end of a row.
    pub fn new(blocks: Blocks<'w>, products: usize, channels: usize) -> Option<BlockRows<'w>> {
        let quads = products.div_ceil(QUAD);
        (blocks.counts.len() >= channels && leads_inside(&blocks, quads)).then_some(BlockRows { blocks })
    }
}

/// Whether the steps of every row add up to less than `quads`, and words are there for all.
#[inline(never)]
pub(in crate::arch::armv7em) fn leads_inside(blocks: &Blocks<'_>, quads: usize) -> bool {
    let mut words = blocks.words;
    for count in blocks.counts {
        let count = usize::from(u16::from_le_bytes(*count));
        let Some((row, rest)) = words.split_at_checked(words_of(count)) else { return false };
        words = rest;
        let (odd, groups) = row.split_at(words_of(count % QUAD));
        let mut end = odd.first().map_or(0, |steps| usada8(u32::from_le_bytes(*steps), 0));
        for [steps, ..] in groups.as_chunks::<{ QUAD + 1 }>().0 {
            end = usada8(u32::from_le_bytes(*steps), end);
        }
        if count > 0 && end as usize >= quads {
            return false;
        }
    }
    true
}

/// Words of a row of so many blocks.
fn words_of(count: usize) -> usize {
    count + count.div_ceil(QUAD)
}

impl Rows for BlockRows<'_> {
    fn enter(&self, record: &mut Record, channel: usize) {
        let before = self.blocks.counts.get(..channel).unwrap_or(&[]);
        let words = before.iter().map(|count| words_of(usize::from(u16::from_le_bytes(*count)))).sum();
        record.weights = self.blocks.words.get(words..).unwrap_or(&[]).as_ptr().cast();
        record.counts = self.blocks.counts.get(channel..).unwrap_or(&[]).as_ptr().cast();
    }

    unsafe fn run(&self, record: &mut Record) {
        // SAFETY: The caller answers for the record but for its rows. Of these the function reads a count for
        // each channel from `channel` on, and the words that it counts, all of which are there, as `new` has
        // checked; so are the activations that steps lead to: less than `quads` fours from the first on.
        unsafe { four_pixels_of_blocks(record) }
    }
}

/// One run of four: its step from the byte of r2 that `$turn` brings down, its weights at r1. r0 is the
/// middle of the run's activations.
macro_rules! block {
    ($turn:literal) => {
        concat!(
            "uxtb r3, r2",
            $turn,
            "
            add r0, r0, r3, lsl #5
            ldr lr, [r1], #4
            ldmdb r0, {{r3-r6}}
            sxtb16 r12, lr
            smlad r8, r3, r12, r8
            smlad r9, r4, r12, r9
            smlad r10, r5, r12, r10
            smlad r11, r6, r12, r11
            ldm r0, {{r3-r6}}
            sxtb16 lr, lr, ror #8
            smlad r8, r3, lr, r8
            smlad r9, r4, lr, r9
            smlad r10, r5, lr, r10
            smlad r11, r6, lr, r11"
        )
    };
}

function!(
    four_pixels_of_blocks,
    [
        "ldr r3, [r7, #{counts}]",
        "ldrh r4, [r3], #2",
        "str r3, [r7, #{counts}]",
        "cmp r4, #0",
        "beq 4f",
        "add r0, r0, #16",
        "add r5, r4, #3",
        "add r5, r4, r5, lsr #2",
        "add r5, r1, r5, lsl #2",
        "str r5, [r7, #{row_end}]",
        "and r4, r4, #3",
        "ldr r2, [r1], #4",
        // Into the group at its first run: a group that is not whole has the last ones.
        "tbb [pc, r4]",
        "8:",
        ".byte (30f - 8b) / 2",
        ".byte (33f - 8b) / 2",
        ".byte (32f - 8b) / 2",
        ".byte (31f - 8b) / 2",
        "3:",
        "ldr r2, [r1], #4",
        "30:",
        block!(""),
        "31:",
        block!(", ror #8"),
        "32:",
        block!(", ror #16"),
        "33:",
        block!(", ror #24"),
        "ldr r3, [r7, #{row_end}]",
        "cmp r1, r3",
        "bne 3b",
    ],
    [counts, row_end]
);
