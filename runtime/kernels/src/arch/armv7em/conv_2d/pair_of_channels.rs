//! The inner loops over paired weights: two output channels of four pixels at a time.

use core::arch::naked_asm;
use core::mem::offset_of;

use crate::arch::armv7em::finish::ShortWays;
use crate::arch::armv7em::pairs::Pairs;
use crate::arch::memory::words;
use crate::arch::scratch::{PAIR, PAIR_WORDS, PIXELS};
use crate::finish::Finish;
use crate::runs::runs_mut;
use crate::{Filter, MAX_ELEMENTS};

/// A layer of paired weights, checked and ready for [`run`](PairOfChannels::run).
pub(super) struct PairOfChannels<'l> {
    filter: &'l Filter<'l>,
    pairs: Pairs<'l>,
    channels: usize,
    finish: Finish,
    /// For each pair `256 * odd + even` and `even` of the biases, and the numbers of the short way to int8, of the even
    /// channel and of the odd one, whose shift is negative if there is none. `None` where a channel does not take that way.
    numbers: Option<&'l [u32]>,
}

impl<'l> PairOfChannels<'l> {
    /// A layer of `channels` outputs with `products` weights each, with all that is constant about them prepared in
    /// scratch of [`pairs_bytes`](crate::arch::scratch::pairs_bytes); `None` where the weights are not paired or scratch does not serve.
    #[inline(never)]
    pub fn new(
        filter: &'l Filter<'l>,
        products: usize,
        channels: usize,
        finish: Finish,
        scratch: &'l mut [u8],
    ) -> Option<PairOfChannels<'l>> {
        let pairs =
            Pairs::new(filter, channels, products).filter(|_| products <= MAX_ELEMENTS && channels >= 1)?;
        let numbers = words(scratch, PAIR_WORDS * channels.div_ceil(PAIR))?;
        let ways = ShortWays::new(filter, products, finish);
        let mut all_short = true;
        let pairs_of_numbers = numbers.as_chunks_mut::<PAIR_WORDS>().0.iter_mut();
        for (channel, [both, even_bias, of_pair @ ..]) in (0..).step_by(PAIR).zip(pairs_of_numbers) {
            let bias = |channel| filter.bias.get(channel).copied().unwrap_or(0);
            *both = (bias(channel + 1) << 8).wrapping_add(bias(channel)) as u32;
            *even_bias = bias(channel) as u32;
            let ([even, odd], _) = of_pair.as_chunks_mut() else { continue };
            all_short &= ways.write(channel, even);
            if channel + 1 < channels {
                all_short &= ways.write(channel + 1, odd);
            } else {
                *odd = [0, 0, NO_CHANNEL];
            }
        }
        let numbers: &[u32] = numbers;
        let numbers = all_short.then_some(numbers);
        Some(PairOfChannels { filter, pairs, channels, finish, numbers })
    }

    /// Computes all channels of one to four pixels, without the clamp.
    #[inline(always)]
    pub fn run(&self, windows: &[u32], output: &mut [i8]) {
        let pixels = output.len() / self.channels;
        let Some(windows) = windows.get(..PIXELS * self.pairs.pair_words).filter(|_| pixels > 0) else {
            return;
        };
        let Some(numbers) = self.numbers else {
            return self.run_slowly(windows, output);
        };
        // A pixel that does not exist is written over the first, before the first.
        let step = |pixel: usize| if pixel < pixels { pixel * self.channels } else { 0 };
        let ends = windows.as_ptr_range();
        let record = Record {
            weights: self.pairs.words.as_ptr(),
            windows: ends.start,
            windows_end: ends.end,
            numbers: numbers.as_ptr(),
            output: output.as_mut_ptr(),
            steps: [step(1), step(2), step(3)],
            pairs: self.channels.div_ceil(PAIR),
            odd: self.pairs.pair_words / 2 % 2,
        };
        // SAFETY: The function reads and writes through the record's pointers, which hold what it needs:
        // - `windows` to `windows_end` are `4 * pair_words` words, `pair_words` an even number of at least two; four for each two words
        //   of a pair. The first turn takes two words of a pair if the number of twos is `odd`, otherwise four; every other one four.
        // - `weights` are followed by `pair_words` words for each of the `pairs`, which `Pairs::new` has counted.
        // - `numbers` has 8 words for each of the pairs.
        // - `output` has `pixels * channels` bytes, at least one pixel. A pair stores at its even channel, at most `channels - 1`, two
        //   bytes, or, where its odd channel does not exist, one; and the same at the steps behind it, each a whole number of channels
        //   below `pixels`.
        // The record outlives the call, and nothing else points to the output.
        unsafe { pair_of_channels(&record) };
    }

    /// The same where a channel does not take the short way.
    // Apart from the other, whose stack would otherwise hold both.
    #[inline(never)]
    fn run_slowly(&self, windows: &[u32], output: &mut [i8]) {
        for (pixel, output) in runs_mut(output, self.channels).enumerate() {
            let activations = windows.get(pixel..).unwrap_or(&[]);
            for (channel, output) in output.iter_mut().enumerate() {
                let bias = self.filter.bias.get(channel).copied().unwrap_or(0);
                let sum = self.pairs.sum(channel, activations, PIXELS).wrapping_add(bias);
                *output = self.finish.apply(sum, self.filter.factor(channel));
            }
        }
    }
}

/// In place of the shift of an odd channel that does not exist.
const NO_CHANNEL: u32 = 1 << 31;

/// What the loops read. The first is loaded to r1; the others are pushed on the stack.
#[repr(C)]
struct Record {
    weights: *const u32,
    windows: *const u32,
    windows_end: *const u32,
    numbers: *const u32,
    output: *mut i8,
    /// From the first pixel's output to that of the others.
    steps: [usize; PIXELS - 1],
    pairs: usize,
    /// 1 where the number of quads is odd.
    odd: usize,
}

/// Where a field of the record is on the stack.
macro_rules! pushed {
    ($field:ident) => {
        offset_of!(Record, $field) - offset_of!(Record, windows)
    };
}

/// A word of a pair, and four pixels' activations for it.
macro_rules! word {
    () => {
        "ldr r4, [r1], #4
        ldrd r2, r3, [r0], #8
        sxtb16 r5, r4
        smlad r6, r2, r4, r6
        smlad r7, r2, r5, r7
        smlad r8, r3, r4, r8
        smlad r9, r3, r5, r9
        ldrd r2, r3, [r0], #8
        smlad r10, r2, r4, r10
        smlad r11, r2, r5, r11
        smlad r12, r3, r4, r12
        smlad lr, r3, r5, lr"
    };
}

/// A sum, already doubled, to int8.
macro_rules! short_way {
    ($sum:literal) => {
        concat!(
            "smmulr ",
            $sum,
            ", ",
            $sum,
            ", r2\n",
            "add ",
            $sum,
            ", ",
            $sum,
            ", ",
            $sum,
            ", asr #31\n",
            "add ",
            $sum,
            ", ",
            $sum,
            ", r3\n",
            "asr ",
            $sum,
            ", ",
            $sum,
            ", r4\n",
            "ssat ",
            $sum,
            ", #8, ",
            $sum
        )
    };
}

/// Runs the record.
///
/// r0 walks through the windows, r1 through the weights. The sums of the four pixels over whole halfwords are r6, r8, r10 and
/// r12, those over low bytes r7, r9, r11 and lr; r2 and r3 are activations, r4 and r5 weights.
#[unsafe(naked)]
unsafe extern "C" fn pair_of_channels(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "ldm r0, {{r1-r10}}",
        "push {{r2-r10}}",

        // A pair: the biases are where the sums start.
        "2:",
        "ldr r0, [sp, #{numbers}]",
        "ldm r0!, {{r6, r7}}",
        "ldr r4, [sp, #{odd}]",
        "str r0, [sp, #{numbers}]",
        "ldr r0, [sp, #{windows}]",
        "mov r8, r6",
        "mov r9, r7",
        "mov r10, r6",
        "mov r11, r7",
        "mov r12, r6",
        "mov lr, r7",
        "cmp r4, #0",
        "bne 4f",
        "3:",
        word!(),
        word!(),
        "4:",
        word!(),
        word!(),
        "ldr r4, [sp, #{windows_end}]",
        "cmp r0, r4",
        "bne 3b",

        // 256 times the odd channel.
        "sub r6, r6, r7",
        "sub r8, r8, r9",
        "sub r10, r10, r11",
        "sub r12, r12, lr",

        "ldr r0, [sp, #{numbers}]",
        "ldm r0!, {{r2, r3, r4}}",
        "lsl r7, r7, #1",
        "lsl r9, r9, #1",
        "lsl r11, r11, #1",
        "lsl lr, lr, #1",
        short_way!("r7"),
        short_way!("r9"),
        short_way!("r11"),
        short_way!("lr"),
        "ldm r0!, {{r2, r3, r4}}",
        "str r0, [sp, #{numbers}]",
        "asr r6, r6, #7",
        "asr r8, r8, #7",
        "asr r10, r10, #7",
        "asr r12, r12, #7",
        short_way!("r6"),
        short_way!("r8"),
        short_way!("r10"),
        short_way!("r12"),

        // The last pixel first.
        "add r5, sp, #{output}",
        "cmp r4, #0",
        "ldm r5, {{r0, r2, r3, r4, r5}}",
        "bmi 5f",
        "bfi lr, r12, #8, #8",
        "strh lr, [r0, r4]",
        "bfi r11, r10, #8, #8",
        "strh r11, [r0, r3]",
        "bfi r9, r8, #8, #8",
        "strh r9, [r0, r2]",
        "bfi r7, r6, #8, #8",
        "strh r7, [r0], #2",
        "subs r5, r5, #1",
        "str r0, [sp, #{output}]",
        "str r5, [sp, #{pairs}]",
        "bne 2b",
        "add sp, sp, #36",
        "pop {{r4-r11, pc}}",

        // The last pair, without an odd channel.
        "5:",
        "strb lr, [r0, r4]",
        "strb r11, [r0, r3]",
        "strb r9, [r0, r2]",
        "strb r7, [r0]",
        "add sp, sp, #36",
        "pop {{r4-r11, pc}}",
        windows = const pushed!(windows),
        windows_end = const pushed!(windows_end),
        numbers = const pushed!(numbers),
        output = const pushed!(output),
        pairs = const pushed!(pairs),
        odd = const pushed!(odd),
    )
}
