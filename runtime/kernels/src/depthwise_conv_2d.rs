//! Depthwise 2-d convolution: describes the operator and chooses its backend.

pub(crate) mod reference;
mod wide;

pub use wide::depthwise_conv_2d_s16;

use crate::arch::scratch;
use crate::error::{elements, ensure};
use crate::window::check_images;
use crate::{Activation, Axis, Filter, KernelError, Sum, backend};

/// What a depthwise 2-d convolution computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseConv2dParameters<T = i8> {
    /// `[N, H, W, C]` of the input.
    pub input_shape: [usize; 4],
    /// `[N, H, W, C]` of the output.
    pub output_shape: [usize; 4],
    /// How the filter moves along the height.
    pub vertical: Axis,
    /// How the filter moves along the width.
    pub horizontal: Axis,
    /// Zero point of the input.
    pub input_zero_point: T,
    /// Zero point of the output.
    pub output_zero_point: T,
    /// Smallest output, from the fused activation.
    pub activation_min: T,
    /// Largest output, from the fused activation.
    pub activation_max: T,
}

impl<T: Activation> DepthwiseConv2dParameters<T> {
    /// The part of the check on which loops without bounds of their own rely.
    // Once in a firmware: asked when a layer is planned, and again when it runs.
    #[inline(never)]
    pub(crate) fn check_sizes<B: Sum>(
        &self,
        filter: &Filter<'_, B>,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        let ([.., input_channels], [.., output_channels]) = (self.input_shape, self.output_shape);
        let whole = input_channels >= 1 && output_channels.is_multiple_of(input_channels);
        ensure(whole && output_channels >= 1, KernelError::Geometry)?;
        ensure(self.activation_min <= self.activation_max, KernelError::Range)?;
        let (axes, shapes) = ([&self.vertical, &self.horizontal], [&self.input_shape, &self.output_shape]);
        check_images(axes, shapes, [input_elements, output_elements])?;
        let weights = [self.vertical.filter, self.horizontal.filter, output_channels];
        filter.check_lengths(elements(&weights)?, output_channels)
    }
}

impl DepthwiseConv2dParameters<i16> {
    /// Whether [`depthwise_conv_2d_s16`] may run with this filter and slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        filter: &Filter<'_, i64>,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        self.check_sizes(filter, input_elements, output_elements)?;
        filter.check_factors()
    }
}

impl DepthwiseConv2dParameters {
    /// Whether [`depthwise_conv_2d_s8`] may run with this filter and slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        filter: &Filter<'_>,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        self.check_sizes(filter, input_elements, output_elements)?;
        filter.check_factors()
    }

    /// Bytes of scratch that [`depthwise_conv_2d_s8`] needs on any core.
    pub const fn scratch_bytes(&self) -> usize {
        let taps = self.vertical.filter.saturating_mul(self.horizontal.filter);
        scratch::depthwise_conv_2d_bytes(taps, self.input_shape[3], self.output_shape[3])
    }

    /// Bytes of scratch with which the backend `armv7em` is fastest: where it can, it keeps rows taken apart into channels.
    pub const fn lines_scratch_bytes(&self) -> usize {
        let [_, _, width, channels] = self.output_shape;
        let bytes = self.scratch_bytes();
        if !self.has_lines() {
            return bytes;
        }
        let lines = scratch::three_rows_bytes(width, self.horizontal.stride, channels);
        if lines > bytes { lines } else { bytes }
    }

    /// Whether so much scratch serves loops over rows that are kept as lines, without anything to fall back on: what
    /// [`depthwise_conv_2d_in_lines_s8`] asks for beyond [`DepthwiseConv2dParameters::check`].
    ///
    /// # Errors
    /// [`KernelError::Loops`].
    pub fn check_lines(&self, filter: &Filter<'_>, scratch_bytes: usize) -> Result<(), KernelError> {
        let enough = scratch_bytes >= self.lines_scratch_bytes() && self.output_shape[3] >= scratch::QUAD;
        let serves = self.has_lines() && enough && filter.is_short(scratch::LINES * scratch::LINES);
        ensure(serves, KernelError::Loops)
    }

    /// The same of loops over fours of channels, or lines: what [`depthwise_conv_2d_in_scratch_s8`] asks for.
    ///
    /// # Errors
    /// [`KernelError::Loops`].
    pub fn check_scratch(&self, scratch_bytes: usize) -> Result<(), KernelError> {
        let channels = self.output_shape[3];
        let multiplier = channels / self.input_shape[3].max(1);
        let in_fours =
            multiplier.is_multiple_of(scratch::QUAD) || multiplier == 1 && channels >= scratch::QUAD;
        ensure(in_fours && scratch_bytes >= self.scratch_bytes(), KernelError::Loops)
    }

    /// Whether windows are three by three, one or two elements apart, and channels do not multiply.
    pub(crate) const fn has_lines(&self) -> bool {
        let Axis { filter, stride, dilation, .. } = self.horizontal;
        let is_square = filter == scratch::LINES && self.vertical.filter == filter;
        let is_dense = dilation == 1 && self.vertical.dilation == 1;
        is_square && is_dense && (stride == 1 || stride == 2) && self.input_shape[3] == self.output_shape[3]
    }
}

/// Convolves every channel of an image with filters of its own.
///
/// # Shapes
/// Input `[N, H, W, C]`, weights `[1, KH, KW, O]`, output `[N, OH, OW, O]`, with `O` a multiple of
/// `C`: output channel `o` reads input channel `o / (O / C)`. Taps outside the image count as the
/// zero point, that is, not at all.
///
/// # Types and ranges
/// int8 activations, symmetric int8 weights, int32 bias and accumulator. The compiler excludes
/// overflow of the accumulator; should it happen, it wraps.
///
/// # Rounding
/// Once an output, by [`Requantize::apply`](crate::Requantize::apply) with the channel's factor
/// `input_scale * weight_scale / output_scale`; then the zero point is added and the activation
/// clamps.
///
/// # Scratch
/// [`DepthwiseConv2dParameters::scratch_bytes`], from a multiple of 4 on, or
/// [`DepthwiseConv2dParameters::lines_scratch_bytes`]. With less, the reference runs, which needs none.
///
/// # Errors
/// None after [`DepthwiseConv2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::DepthwiseConvPerChannel`.
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn depthwise_conv_2d_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::depthwise_conv_2d_s8(parameters, filter, input, output, scratch);
}

/// [`depthwise_conv_2d_s8`] without what it falls back on where scratch is short or channels are odd: for firmware whose layers
/// all have what the loops of its backend need.
///
/// # Shapes
/// As [`depthwise_conv_2d_s8`].
///
/// # Types and ranges
/// As [`depthwise_conv_2d_s8`].
///
/// # Rounding
/// As [`depthwise_conv_2d_s8`].
///
/// # Scratch
/// As [`DepthwiseConv2dParameters::check_scratch`] says, from a multiple of 4 on.
///
/// # Errors
/// None after [`DepthwiseConv2dParameters::check`] and [`DepthwiseConv2dParameters::check_scratch`].
///
/// # Source
/// As [`depthwise_conv_2d_s8`].
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn depthwise_conv_2d_in_scratch_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::depthwise_conv_2d_in_scratch_s8(parameters, filter, input, output, scratch);
}

/// [`depthwise_conv_2d_in_scratch_s8`] where all layers keep their rows as lines.
///
/// # Shapes
/// As [`depthwise_conv_2d_s8`], with windows of three by three.
///
/// # Types and ranges
/// As [`depthwise_conv_2d_s8`].
///
/// # Rounding
/// As [`depthwise_conv_2d_s8`].
///
/// # Scratch
/// As [`DepthwiseConv2dParameters::check_lines`] says, from a multiple of 4 on.
///
/// # Errors
/// None after [`DepthwiseConv2dParameters::check`] and [`DepthwiseConv2dParameters::check_lines`].
///
/// # Source
/// As [`depthwise_conv_2d_s8`].
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn depthwise_conv_2d_in_lines_s8(
    parameters: &DepthwiseConv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::depthwise_conv_2d_in_lines_s8(parameters, filter, input, output, scratch);
}
