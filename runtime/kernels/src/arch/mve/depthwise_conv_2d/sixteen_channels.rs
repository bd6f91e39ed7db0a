//! The inner loops for filters of 3 x 3 taps and channels that come in sixteens.
//!
//! Products of sixteen bytes are two vectors of halfwords. Those of two taps are added as halfwords, which neither
//! -127 nor 127 times any byte can make overflow twice, and only then widened to words. A tap outside the image
//! reads the zero point, so a pixel has always nine taps, and the bias takes all of their zero points out.
//! The nine taps are nine registers, which walk through the channels and on to the next pixel.

use core::arch::naked_asm;
use core::mem::offset_of;
use core::ops::Range;

use crate::arch::memory::words;
use crate::arch::mve::finish::{LANES, multiply_and_divide};
use crate::arch::scratch::{four_lanes_bytes, four_lanes_words};
use crate::{Axis, DepthwiseConv2dParameters, Filter};

/// Channels of a vector of bytes.
const SIXTEEN: usize = 16;

/// Rows and columns of the filter.
const SIDE: usize = 3;

/// A layer that takes these loops.
pub(super) struct SixteenChannels<'s> {
    parameters: &'s DepthwiseConv2dParameters,
    /// For each sixteen: the biases, free of the input's zero point; the weights of each tap as bytes; of each of four
    /// vectors the multipliers and the shifts. Lane `j` of vector `i` is channel `4 * j + i`.
    words: &'s [u32],
    /// A pixel outside the image: the zero point in every channel.
    outside: &'s [u8],
    /// The columns of the output whose windows are inside the image's columns.
    inside: Range<usize>,
}

impl<'s> SixteenChannels<'s> {
    /// A layer whose sizes have been checked, of as many output channels as there are input channels. `None` where it
    /// takes other loops, or scratch does not serve.
    pub fn new(
        parameters: &'s DepthwiseConv2dParameters,
        filter: &Filter<'_>,
        scratch: &'s mut [u8],
    ) -> Option<SixteenChannels<'s>> {
        let DepthwiseConv2dParameters { vertical, horizontal, .. } = *parameters;
        let channels = parameters.output_shape[3];
        let taps = SIDE * SIDE;
        let divides = |channel| {
            let factor = filter.factor(channel);
            factor.shift < 0 || factor.multiplier == 0
        };
        let serves = [vertical.filter, horizontal.filter] == [SIDE; 2]
            && channels.is_multiple_of(SIXTEEN)
            && (0..channels).all(divides)
            && !filter.weights.contains(&i8::MIN);
        if !serves {
            return None;
        }
        let (sixteens, rest) = scratch.split_at_mut_checked(four_lanes_bytes(taps, channels))?;
        let outside = rest.get_mut(..channels)?;
        outside.fill(parameters.input_zero_point as u8);
        let words = words(sixteens, four_lanes_words(taps) * (channels / LANES))?;
        for (index, words) in words.chunks_exact_mut(four_lanes_words(taps) * LANES).enumerate() {
            prepare(parameters, filter, index * SIXTEEN, words)?;
        }
        let inside = inside(&horizontal, parameters.input_shape[2], parameters.output_shape[2]);
        Some(SixteenChannels { parameters, words, outside, inside })
    }

    /// Computes row `y` of the output.
    pub fn run_row(&mut self, image: &[i8], y: usize, output: &mut [i8]) {
        let DepthwiseConv2dParameters { vertical, horizontal, .. } = *self.parameters;
        let [_, input_height, input_width, channels] = self.parameters.input_shape;
        // The element that a tap reads, if inside.
        let place = |axis: &Axis, position: usize, tap: usize, extent: usize| {
            (position * axis.stride + tap * axis.dilation)
                .checked_sub(axis.padding)
                .filter(|&place| place < extent)
        };
        let rows = [0, 1, 2].map(|tap| place(&vertical, y, tap, input_height));
        let outside = self.outside.as_ptr().cast::<i8>();
        let mut x = 0;
        while let Some(output) = output.get_mut(x * channels..).filter(|output| output.len() >= channels) {
            let columns = [0, 1, 2].map(|tap| place(&horizontal, x, tap, input_width));
            let mut taps = [outside; SIDE * SIDE];
            for (index, tap) in taps.iter_mut().enumerate() {
                if let (Some(row), Some(column)) = (rows[index / SIDE], columns[index % SIDE]) {
                    *tap = image.as_ptr().wrapping_add((row * input_width + column) * channels);
                }
            }
            // Taps outside stay where they are; so only pixels without any are neighbours for the loops.
            let all = rows.iter().all(Option::is_some) && self.inside.contains(&x);
            let pixels = if all { self.inside.end - x } else { 1 };
            self.run_pixels(taps, pixels, output);
            x += pixels;
        }
    }

    /// Computes neighbouring pixels of a row, the first of which reads `taps`.
    fn run_pixels(&self, taps: [*const i8; SIDE * SIDE], pixels: usize, output: &mut [i8]) {
        let parameters = self.parameters;
        let channels = parameters.output_shape[3];
        if output.len() < pixels * channels {
            return;
        }
        let record = Record {
            taps,
            minimum: parameters.activation_min.into(),
            maximum: parameters.activation_max.into(),
            prepared: self.words.as_ptr(),
            sixteens: channels / SIXTEEN,
            pixels,
            step: (parameters.horizontal.stride - 1) * channels,
            output: output.as_mut_ptr(),
            zero_point: parameters.output_zero_point.into(),
        };
        // SAFETY: The function reads and writes through the record's pointers, which hold what it needs, because the sizes of
        // the parameters have been checked, by which no product of them overflows and the slices have the lengths of
        // their shapes:
        // - each of `taps` is the first channel of a pixel of the image, or of `outside`, and `16 * sixteens` are all channels;
        //   with more than one pixel, it is inside the image also in the windows of the pixels behind, `stride` pixels
        //   further each, as the caller has made sure.
        // - `prepared` has the words of all sixteens.
        // - `output` has the channels of `pixels` pixels, as checked above.
        // There is at least one pixel and one sixteen. Nothing else points to the output.
        unsafe { sixteen_channels(&record) };
    }
}

/// The columns of the output whose windows are inside the columns of the image.
fn inside(axis: &Axis, input_width: usize, width: usize) -> Range<usize> {
    let reach = (SIDE - 1) * axis.dilation + 1;
    let last = (input_width + axis.padding).checked_sub(reach);
    axis.padding.div_ceil(axis.stride)..last.map_or(0, |last| width.min(last / axis.stride + 1))
}

/// Prepares the words of sixteen channels from `channel` on.
fn prepare(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    channel: usize,
    words: &mut [u32],
) -> Option<()> {
    let channels = parameters.output_shape[3];
    let (biases, rest) = words.split_at_mut_checked(SIXTEEN)?;
    let (weights, factors) = rest.split_at_mut_checked(SIDE * SIDE * LANES)?;
    let mut sums = [0i32; SIXTEEN];
    let taps = filter.weights.get(channel..)?.chunks(channels);
    for (words, tap) in weights.as_chunks_mut::<LANES>().0.iter_mut().zip(taps) {
        let tap = tap.first_chunk::<SIXTEEN>()?;
        for (word, weights) in words.iter_mut().zip(tap.as_chunks::<LANES>().0) {
            *word = u32::from_le_bytes(weights.map(|weight| weight as u8));
        }
        for (sum, &weight) in sums.iter_mut().zip(tap) {
            *sum += i32::from(weight);
        }
    }
    let (factors, _) = factors.as_chunks_mut::<{ 2 * LANES }>();
    for (vector, (biases, factors)) in biases.as_chunks_mut::<LANES>().0.iter_mut().zip(factors).enumerate() {
        let (multipliers, shifts) = factors.split_at_mut(LANES);
        for (lane, ((bias, multiplier), shift)) in biases.iter_mut().zip(multipliers).zip(shifts).enumerate()
        {
            let within = LANES * lane + vector;
            let factor = filter.factor(channel + within);
            let zero_points = i32::from(parameters.input_zero_point) * sums[within];
            let whole = filter.bias.get(channel + within).copied().unwrap_or(0);
            *bias = whole.wrapping_sub(zero_points) as u32;
            *multiplier = factor.multiplier as u32;
            *shift = i32::from(factor.shift) as u32;
        }
    }
    Some(())
}

/// What the loop reads.
#[repr(C)]
struct Record {
    // [Start: r0 to r8.]
    taps: [*const i8; SIDE * SIDE],
    // [r1, r2]
    minimum: i32,
    maximum: i32,
    // [r1 to r4, which go to the stack.]
    prepared: *const u32,
    sixteens: usize,
    pixels: usize,
    /// From behind a pixel's channels to those of the next window.
    step: usize,
    // [r10, r12]
    output: *mut i8,
    zero_point: i32,
}

/// Products of a tap, as halfwords to q6 and q7.
macro_rules! products {
    ($tap:literal) => {
        concat!(
            "vldrb.u8 q4, [",
            $tap,
            "], #16\n",
            "vldrb.u8 q5, [r9], #16\n",
            "vmullb.s8 q6, q4, q5\n",
            "vmullt.s8 q7, q4, q5\n",
        )
    };
}

/// Adds those of another tap.
macro_rules! add_products {
    ($tap:literal) => {
        concat!(
            "vldrb.u8 q4, [",
            $tap,
            "], #16\n",
            "vldrb.u8 q5, [r9]\n",
            "vmullb.s8 q5, q4, q5\n",
            "vadd.i16 q6, q6, q5\n",
            "vldrb.u8 q5, [r9], #16\n",
            "vmullt.s8 q5, q4, q5\n",
            "vadd.i16 q7, q7, q5\n",
        )
    };
}

/// Adds the halfwords to the sums, q0 to q3.
macro_rules! add_halfwords {
    () => {
        "vmovlb.s16 q4, q6
        vmovlt.s16 q5, q6
        vadd.i32 q0, q0, q4
        vadd.i32 q2, q2, q5
        vmovlb.s16 q4, q7
        vmovlt.s16 q5, q7
        vadd.i32 q1, q1, q4
        vadd.i32 q3, q3, q5"
    };
}

/// A vector of sums, with the next multipliers and shifts; `$shift` are the operands of `VRSHL` behind its first.
macro_rules! way {
    ($sums:literal, $shift:literal) => {
        concat!(
            "vldrw.u32 q4, [r9], #16\n",
            "vldrw.u32 q5, [r9], #16\n",
            multiply_and_divide!($sums, "q4", $shift, "r11"),
            "vadd.i32 ",
            $sums,
            ", ",
            $sums,
            ", r12\n",
        )
    };
}

/// Runs the record.
///
/// q0 to q3 are the sums of sixteen channels. r0 to r8 walk through taps, r9 through what is prepared, r10 through the
/// output. r11 is 1, r12 the zero point. On the stack are the bounds, then what is prepared, the sixteens, the pixels
/// that are left and the step.
#[unsafe(naked)]
unsafe extern "C" fn sixteen_channels(record: &Record) {
    naked_asm!(
        env!("OCELLI_ASSEMBLER"),
        "push {{r4-r11, lr}}",
        "vpush {{d8-d15}}",
        "sub sp, sp, #48",
        "add r9, r0, #{minimum}",
        "ldm r9, {{r1-r6, r10, r12}}",
        "vdup.8 q0, r1",
        "vdup.8 q1, r2",
        "vstrw.32 q0, [sp]",
        "vstrw.32 q1, [sp, #16]",
        "strd r3, r4, [sp, #32]",
        "strd r5, r6, [sp, #40]",
        "mov r11, #1",
        "ldm r0, {{r0-r8}}",

        // A pixel.
        "2:",
        "ldrd r9, lr, [sp, #32]",
        "dls lr, lr",

        // Sixteen channels.
        "3:",
        "vldrw.u32 q0, [r9], #16",
        "vldrw.u32 q1, [r9], #16",
        "vldrw.u32 q2, [r9], #16",
        "vldrw.u32 q3, [r9], #16",
        products!("r0"),
        add_products!("r1"),
        add_halfwords!(),
        products!("r2"),
        add_products!("r3"),
        add_halfwords!(),
        products!("r4"),
        add_products!("r5"),
        add_halfwords!(),
        products!("r6"),
        add_products!("r7"),
        add_halfwords!(),
        products!("r8"),
        add_halfwords!(),
        way!("q0", "q0, q5"),
        way!("q1", "q1, q5"),
        way!("q2", "q2, q5"),
        way!("q3", "q3, q5"),
        // Saturated and narrowed, channels come in order.
        "vqmovnb.s32 q0, q0",
        "vqmovnt.s32 q0, q2",
        "vqmovnb.s32 q1, q1",
        "vqmovnt.s32 q1, q3",
        "vqmovnb.s16 q0, q0",
        "vqmovnt.s16 q0, q1",
        "vldrw.u32 q4, [sp]",
        "vldrw.u32 q5, [sp, #16]",
        "vmax.s8 q0, q0, q4",
        "vmin.s8 q0, q0, q5",
        "vstrb.8 q0, [r10], #16",
        "le lr, 3b",

        "ldrd r9, lr, [sp, #40]",
        "add r0, r0, lr",
        "add r1, r1, lr",
        "add r2, r2, lr",
        "add r3, r3, lr",
        "add r4, r4, lr",
        "add r5, r5, lr",
        "add r6, r6, lr",
        "add r7, r7, lr",
        "add r8, r8, lr",
        "subs r9, r9, #1",
        "str r9, [sp, #40]",
        "bne 2b",
        "add sp, sp, #48",
        "vpop {{d8-d15}}",
        "pop {{r4-r11, pc}}",
        minimum = const offset_of!(Record, minimum),
    )
}
