//! The inner loops over lines: a row of the output, two neighbours of one channel at a time.
//!
//! A window's row of three elements, of which a word of a line has two, is multiplied by two instructions: `SMLAD` for two
//! elements in one word, and a product of halfwords for the third. All nine weights of a channel stay in registers.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::lines::Lines;
use crate::arch::armv7em::finish::ShortWays;
use crate::arch::memory::words;
use crate::arch::scratch::{CHANNEL_WORDS, LINES, line_pairs, three_rows_bytes};
use crate::finish::Finish;
use crate::runs::{for_each_pair, runs_mut};
use crate::{DepthwiseConv2dParameters, Filter};

use super::FOUR;

/// Computes a layer of windows of three by three, without the clamp; `None` where it has others, where a channel does not take
/// the short way to int8, or where scratch does not serve. The parameters have passed their check.
pub(super) fn run(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    finish: Finish,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) -> Option<()> {
    let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
    let [_, input_height, input_width, channels] = parameters.input_shape;
    let [_, height, width, _] = parameters.output_shape;
    let serves = parameters.has_lines() && channels >= FOUR;
    let needed = three_rows_bytes(width, horizontal.stride, channels);
    let scratch = words(scratch, needed / size_of::<u32>()).filter(|_| serves)?;
    let (numbers, lines) = scratch.split_at_mut_checked(CHANNEL_WORDS * channels)?;
    prepare(filter, finish, channels, numbers)?;
    let mut lines = Lines::new(parameters, lines)?;
    let images = [input_height * input_width * channels, height * width * channels];
    for_each_pair(images, input, output, |image, output| {
        lines.clear();
        for (y, output) in runs_mut(output, width * channels).enumerate() {
            let lines = lines.advance(parameters, image, y * vertical.stride);
            row(parameters, numbers, lines, output);
        }
    });
    Some(())
}

/// For each channel: six words of weights, of each row the first two and the last two; the bias; the numbers of the short way.
/// `None` where a channel does not take it.
// Apart from its caller, whose stack it does not need while it runs the loops.
#[inline(never)]
fn prepare(filter: &Filter<'_>, finish: Finish, channels: usize, numbers: &mut [u32]) -> Option<()> {
    let short_ways = ShortWays::new(filter, LINES * LINES, finish);
    for (channel, numbers) in numbers.as_chunks_mut::<CHANNEL_WORDS>().0.iter_mut().enumerate() {
        let weight =
            |tap: usize| filter.weights.get(tap * channels + channel).map_or(0, |&weight| weight as u16);
        let two = |tap: usize| u32::from(weight(tap)) | u32::from(weight(tap + 1)) << 16;
        let (weights, rest) = numbers.split_first_chunk_mut::<{ 2 * LINES }>()?;
        let (bias, way) = rest.split_first_mut()?;
        *weights = [two(0), two(1), two(3), two(4), two(6), two(7)];
        *bias = filter.bias.get(channel).copied().unwrap_or(0) as u32;
        if !short_ways.write(channel, way.first_chunk_mut()?) {
            return None;
        }
    }
    Some(())
}

/// Computes one row of the output.
#[inline(always)]
fn row(parameters: &DepthwiseConv2dParameters, numbers: &[u32], lines: [&[u32]; LINES], output: &mut [i8]) {
    let (stride, channels) = (parameters.horizontal.stride, parameters.output_shape[3]);
    let width = output.len() / channels;
    let line_words = line_pairs(width, stride);
    let enough = lines.iter().all(|line| line.len() >= line_words * channels);
    if width == 0 || !enough || numbers.len() < CHANNEL_WORDS * channels {
        return;
    }
    let mut record = Record {
        lines: lines.map(<[u32]>::as_ptr),
        numbers: numbers.as_ptr(),
        output: output.as_mut_ptr(),
        channels,
        channels_left: channels,
        line_bytes: line_words * size_of::<u32>(),
        turns_bytes: width / 2 * stride * size_of::<u32>(),
        odd: width % 2,
        end: core::ptr::null(),
        extra: 0,
        step: 0,
        bias: 0,
        multiplier: 0,
        constant: 0,
        shift: 0,
    };
    // SAFETY: The functions read and write through the record's pointers, which hold what they need, because lengths have been
    // compared above:
    // - `numbers` has ten words for each channel, at least four channels.
    // - each of `lines` has `line_bytes` for each channel. A turn reads two words, with a stride of 2 three, and the next one starts one
    //   word, or two, further: for `width / 2` turns, and one more where `width` is odd, `line_pairs` counts just that.
    // - `output` has `width * channels` bytes. A channel stores at its index and every `channels` bytes further, twice a turn; where
    //   there is no second output, it is stored over the first, before the first.
    // The record outlives the call, and nothing else points to the output.
    unsafe {
        match stride {
            1 => three_rows(&mut record),
            _ => three_rows_by_two(&mut record),
        }
    }
}

/// What the loops read and write; the last four in the order of what is prepared.
#[repr(C)]
struct Record {
    /// Where the lines have the channel at hand.
    lines: [*const u32; LINES],
    numbers: *const u32,
    output: *mut i8,
    channels: usize,
    channels_left: usize,
    line_bytes: usize,
    /// Bytes of a line by which all turns but the odd one move.
    turns_bytes: usize,
    /// 1 where the last turn has a single output.
    odd: usize,
    /// Where the first line is then.
    end: *const u32,
    /// Whether the odd turn is still to come.
    extra: usize,
    /// From the first output of a turn to the second, or 0.
    step: usize,
    bias: u32,
    multiplier: u32,
    constant: u32,
    shift: u32,
}

/// Three elements each of two windows that are neighbours: $line has the row, $two and $last its weights.
macro_rules! one_apart {
    ($line:literal, $two:literal, $last:literal) => {
        concat!(
            "ldrd r3, r4, [",
            $line,
            "], #4\n",
            "smlad r11, r3, ",
            $two,
            ", r11\n",
            "smlatb r12, r3, ",
            $two,
            ", r12\n",
            "smlabt r11, r4, ",
            $last,
            ", r11\n",
            "smlad r12, r4, ",
            $last,
            ", r12"
        )
    };
}

/// The same of two windows that are two elements apart.
macro_rules! two_apart {
    ($line:literal, $two:literal, $last:literal) => {
        concat!(
            "ldrd r3, r4, [",
            $line,
            "], #4\n",
            "smlad r11, r3, ",
            $two,
            ", r11\n",
            "smlabt r11, r4, ",
            $last,
            ", r11\n",
            "ldrd r3, r4, [",
            $line,
            "], #4\n",
            "smlad r12, r3, ",
            $two,
            ", r12\n",
            "smlabt r12, r4, ",
            $last,
            ", r12"
        )
    };
}

/// A function over the record.
///
/// r0, r1 and r2 walk through the lines; r5 to r10 are the weights, two words for each row; r3 and r4 are activations; r11 and r12 the
/// sums of two outputs, and lr where they go. The record is copied to the stack, where everything else is.
macro_rules! function {
    ($name:ident, $row:ident) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(record: &mut Record) {
            naked_asm!(
                env!("OCELLI_ASSEMBLER"),
                "push {{r4-r11, lr}}",
                "ldm r0, {{r1-r10}}",
                "sub sp, sp, #{after_odd}",
                "push {{r1-r10}}",

                // A channel.
                "2:",
                "ldr r4, [sp, #{numbers}]",
                "ldm r4!, {{r5-r10}}",
                "ldm r4!, {{r0, r1, r2, r3}}",
                "add lr, sp, #{bias}",
                "str r4, [sp, #{numbers}]",
                "stm lr, {{r0, r1, r2, r3}}",
                "ldr r3, [sp, #{turns_bytes}]",
                "ldm sp, {{r0, r1, r2}}",
                "ldr r4, [sp, #{odd}]",
                "ldr lr, [sp, #{channels}]",
                "add r3, r0, r3",
                "str r3, [sp, #{end}]",
                "str r4, [sp, #{extra}]",
                "str lr, [sp, #{step}]",
                "ldr lr, [sp, #{output}]",
                "b 4f",

                // Two outputs.
                "3:",
                "ldr r11, [sp, #{bias}]",
                "mov r12, r11",
                $row!("r0", "r5", "r6"),
                $row!("r1", "r7", "r8"),
                $row!("r2", "r9", "r10"),
                "ldr r3, [sp, #{multiplier}]",
                "lsl r11, r11, #1",
                "lsl r12, r12, #1",
                "smmulr r11, r11, r3",
                "smmulr r12, r12, r3",
                "ldrd r3, r4, [sp, #{constant}]",
                "add r11, r11, r11, asr #31",
                "add r12, r12, r12, asr #31",
                "add r11, r11, r3",
                "add r12, r12, r3",
                "ldr r3, [sp, #{step}]",
                "asr r11, r11, r4",
                "asr r12, r12, r4",
                "ssat r11, #8, r11",
                "ssat r12, #8, r12",
                "strb r12, [lr, r3]",
                "strb r11, [lr]",
                "add lr, lr, r3, lsl #1",
                "4:",
                "ldr r3, [sp, #{end}]",
                "cmp r0, r3",
                "blo 3b",

                // The odd one.
                "ldr r3, [sp, #{extra}]",
                "cmp r3, #0",
                "beq 5f",
                "mov r3, #0",
                "str r3, [sp, #{extra}]",
                "str r3, [sp, #{step}]",
                "b 3b",

                // The next channel.
                "5:",
                "ldm sp, {{r0, r1, r2}}",
                "ldr r3, [sp, #{line_bytes}]",
                "ldr r4, [sp, #{output}]",
                "add r0, r0, r3",
                "add r1, r1, r3",
                "add r2, r2, r3",
                "add r4, r4, #1",
                "stm sp, {{r0, r1, r2}}",
                "str r4, [sp, #{output}]",
                "ldr r3, [sp, #{channels_left}]",
                "subs r3, r3, #1",
                "str r3, [sp, #{channels_left}]",
                "bne 2b",
                "add sp, sp, #{bytes}",
                "pop {{r4-r11, pc}}",
                after_odd = const size_of::<Record>() - offset_of!(Record, end),
                bytes = const size_of::<Record>(),
                numbers = const offset_of!(Record, numbers),
                bias = const offset_of!(Record, bias),
                turns_bytes = const offset_of!(Record, turns_bytes),
                odd = const offset_of!(Record, odd),
                channels = const offset_of!(Record, channels),
                end = const offset_of!(Record, end),
                extra = const offset_of!(Record, extra),
                step = const offset_of!(Record, step),
                output = const offset_of!(Record, output),
                multiplier = const offset_of!(Record, multiplier),
                constant = const offset_of!(Record, constant),
                line_bytes = const offset_of!(Record, line_bytes),
                channels_left = const offset_of!(Record, channels_left),
            )
        }
    };
}

function!(three_rows, one_apart);
function!(three_rows_by_two, two_apart);
