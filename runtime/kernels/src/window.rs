//! The geometry of a sliding window along one axis: shared by convolutions and pools.
//!
//! Clipping happens here, once a row and once a pixel, so that no inner loop asks whether it is
//! inside the picture.

use crate::KernelError;
use crate::error::{Operand, elements, ensure, expect};

/// How a window moves along the height or the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Taps of the filter, 1 or more.
    pub filter: usize,
    /// Steps between two windows, 1 or more.
    pub stride: usize,
    /// Steps between two taps, 1 or more.
    pub dilation: usize,
    /// Imagined elements before the first: the top or left padding. What lies behind the last
    /// follows from the output's size.
    pub padding: usize,
}

/// The part of a window that lies inside the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clip {
    /// The first tap inside.
    pub tap: usize,
    /// The input element under that tap.
    pub input: usize,
    /// How many taps are inside.
    pub taps: usize,
}

impl Axis {
    /// An axis on which nothing slides: one tap, one step.
    pub const ONE: Axis = Axis { filter: 1, stride: 1, dilation: 1, padding: 0 };

    /// Whether nothing slides: [`Axis::ONE`].
    pub(crate) const fn stands(&self) -> bool {
        self.filter == 1 && self.stride == 1 && self.dilation == 1 && self.padding == 0
    }

    /// The part of window `output` inside an input of `input` elements; all 0 where there is none.
    #[inline(never)]
    pub(crate) fn clip(&self, output: usize, input: usize) -> Clip {
        let start = output.wrapping_mul(self.stride).wrapping_sub(self.padding) as isize;
        let (before, after) = (start.min(0).unsigned_abs(), start.max(0) as usize);
        let (mut tap, mut first) = (before, after);
        let mut room = input.saturating_sub(first);
        if self.dilation > 1 {
            tap = before.div_ceil(self.dilation);
            first = start.wrapping_add_unsigned(tap.wrapping_mul(self.dilation)) as usize;
            room = input.saturating_sub(first).div_ceil(self.dilation);
        }
        let taps = self.filter.saturating_sub(tap).min(room);
        if taps == 0 { Clip { tap: 0, input: 0, taps } } else { Clip { tap, input: first, taps } }
    }

    /// As [`Axis::clip`], in an input whose elements stand `stride` apart while the window moves by one: the first
    /// tap on an element, and the distances to the next such tap and to its element.
    #[inline(never)]
    pub(crate) fn clip_apart(&self, output: usize, input: usize) -> (Clip, [usize; 2]) {
        let (stride, dilation) = (self.stride.max(1), self.dilation.max(1));
        // Taps meet elements whenever a multiple of the dilation is one of the stride.
        let tap_step =
            (1..stride).find(|step| step.wrapping_mul(dilation).is_multiple_of(stride)).unwrap_or(stride);
        let input_step = tap_step.wrapping_mul(dilation) / stride;
        let steps = [tap_step, input_step];
        for tap in 0..self.filter {
            let place = output.wrapping_add(tap.wrapping_mul(dilation));
            let Some(place) = place.checked_sub(self.padding) else { continue };
            let first = place / stride;
            if first >= input {
                break;
            }
            if place.is_multiple_of(stride) {
                let room = (input - first).div_ceil(input_step.max(1));
                let taps = (self.filter - tap).div_ceil(tap_step).min(room);
                return (Clip { tap, input: first, taps }, steps);
            }
        }
        (Clip { tap: 0, input: 0, taps: 0 }, steps)
    }

    /// Whether `output` windows over `input` elements that stand apart can be counted in 31 bits.
    pub(crate) fn check_apart(&self, input: usize, output: usize) -> Result<(), KernelError> {
        Axis { stride: 1, ..*self }.check(input, output)?;
        Axis { filter: 1, dilation: 1, padding: 0, ..*self }.check(0, input)
    }

    /// Whether `output` windows over `input` elements can be counted in 31 bits.
    #[inline(never)]
    pub(crate) fn check(&self, input: usize, output: usize) -> Result<(), KernelError> {
        ensure(self.filter >= 1 && self.stride >= 1 && self.dilation >= 1, KernelError::Range)?;
        let reach =
            |count: usize, step: usize| count.checked_mul(step).filter(|&extent| extent <= MAX_EXTENT);
        let fits = reach(output, self.stride).is_some()
            && reach(self.filter, self.dilation).is_some()
            && input <= MAX_EXTENT
            && self.padding <= MAX_EXTENT;
        ensure(fits, KernelError::TooLarge)
    }

    /// Whether, besides, every window touches the input: an undilated one then has a tap inside.
    pub(crate) fn is_never_empty(&self, input: usize, output: usize) -> bool {
        let last_start = output.saturating_sub(1) * self.stride;
        self.padding <= (self.filter - 1) * self.dilation && last_start < input + self.padding
    }
}

/// Whether windows that move along height and width as `axes` say lead from images of one shape, `[N, H, W, C]`, to as many of the
/// other, in slices of these lengths.
// Once in a firmware, for all operators with windows.
#[inline(never)]
pub(crate) fn check_images(
    [vertical, horizontal]: [&Axis; 2],
    [input_shape, output_shape]: [&[usize; 4]; 2],
    [input_elements, output_elements]: [usize; 2],
) -> Result<(), KernelError> {
    let [batches, input_height, input_width, _] = *input_shape;
    let [output_batches, output_height, output_width, _] = *output_shape;
    ensure(batches == output_batches, KernelError::Geometry)?;
    vertical.check(input_height, output_height)?;
    horizontal.check(input_width, output_width)?;
    expect(Operand::Input, elements(input_shape)?, input_elements)?;
    expect(Operand::Output, elements(output_shape)?, output_elements)
}

/// Sums of two extents stay inside `i32`.
const MAX_EXTENT: usize = 1 << 28;
