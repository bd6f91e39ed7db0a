//! 2-d convolution: describes the operator and chooses its backend.

pub(crate) mod reference;
pub(crate) mod rows;
mod wide;

pub use wide::conv_2d_s16;

use crate::arch::scratch;
use crate::error::{elements, ensure};
use crate::rows::{WeightRows, check_rows, tile_rows};
use crate::window::check_images;
use crate::{Activation, Axis, Filter, KernelError, Layout, Sum, backend};

/// What a 2-d convolution computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dParameters<T = i8> {
    /// `[N, H, W, C]` of the input.
    pub input_shape: [usize; 4],
    /// `[N, H, W, C]` of the output.
    pub output_shape: [usize; 4],
    /// Groups of neighbouring channels that do not mix: 1 for an ordinary convolution.
    pub groups: usize,
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

impl<T: Activation> Conv2dParameters<T> {
    /// Whether [`conv_2d_rows_s8`] may run with these rows, which have been walked to their end, a filter without
    /// weights, and slices of these lengths. It has no groups.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check_rows<R: WeightRows>(
        &self,
        filter: &Filter<'_>,
        rows: &R,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        ensure(self.groups == 1, KernelError::Geometry)?;
        self.check_images(input_elements, output_elements)?;
        let products = elements(&[self.vertical.filter, self.horizontal.filter, self.input_shape[3]])?;
        elements(&[products, self.output_shape[3]])?;
        check_rows(rows, filter, products, self.output_shape[3])
    }

    /// The part of the check on which loops without bounds of their own rely.
    // Once in a firmware: asked when a layer is planned, and again when it runs.
    #[inline(never)]
    pub(crate) fn check_sizes<B: Sum>(
        &self,
        filter: &Filter<'_, B>,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        self.check_images(input_elements, output_elements)?;
        let ([.., input_channels], [.., output_channels]) = (self.input_shape, self.output_shape);
        let depth = input_channels / self.groups;
        let products = elements(&[self.vertical.filter, self.horizontal.filter, depth])?;
        match self.groups {
            1 => filter.check_matrix(output_channels, products),
            _ => filter.check_lengths(elements(&[output_channels, products])?, output_channels),
        }
    }

    /// The part of it that is not about the filter.
    pub(crate) fn check_images(
        &self,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        let ([.., input_channels], [.., output_channels]) = (self.input_shape, self.output_shape);
        let divides =
            |channels: usize| channels >= 1 && self.groups >= 1 && channels.is_multiple_of(self.groups);
        ensure(divides(input_channels) && divides(output_channels), KernelError::Geometry)?;
        ensure(self.activation_min <= self.activation_max, KernelError::Range)?;
        let (axes, shapes) = ([&self.vertical, &self.horizontal], [&self.input_shape, &self.output_shape]);
        check_images(axes, shapes, [input_elements, output_elements])
    }
}

impl Conv2dParameters<i16> {
    /// Whether [`conv_2d_s16`] may run with this filter and slices of these lengths.
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

impl Conv2dParameters {
    /// Whether [`conv_2d_s8`] may run with this filter and slices of these lengths.
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

    /// Bytes of scratch that [`conv_2d_s8`] needs for a layout: for the canonical one, on any core.
    pub const fn scratch_bytes(&self, layout: Layout) -> usize {
        if self.groups != 1 {
            return 0;
        }
        let taps = self.vertical.filter.saturating_mul(self.horizontal.filter);
        let [vertical, horizontal] = [&self.vertical, &self.horizontal];
        let slides = !(vertical.stands() && horizontal.stands());
        let bytes = scratch::conv_2d_bytes(taps, self.input_shape[3], self.output_shape[3], slides);
        match layout {
            Layout::Canonical => bytes,
            Layout::Paired => bytes.saturating_add(scratch::pairs_bytes(self.output_shape[3])),
        }
    }

    /// Bytes of scratch that [`conv_2d_rows_s8`] makes good use of on any core: what the loops need, and a tile.
    pub const fn rows_scratch_bytes(&self) -> usize {
        let taps = self.vertical.filter.saturating_mul(self.horizontal.filter);
        let row = taps.saturating_mul(self.input_shape[3]);
        let tile = tile_rows(row, self.output_shape[3]).saturating_mul(row);
        self.scratch_bytes(Layout::Canonical).saturating_add(tile)
    }
}

/// Convolves an image with one filter an output channel.
///
/// # Shapes
/// Input `[N, H, W, C]`, weights `[O, KH, KW, C / groups]`, output `[N, OH, OW, O]`; the outputs of a group
/// read its share of the input's channels. Taps outside the image count as the zero point, that is, not
/// at all.
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
/// [`Conv2dParameters::scratch_bytes`], from a multiple of 4 on. With less, the reference runs, which
/// needs none.
///
/// # Errors
/// None after [`Conv2dParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::ConvPerChannel`.
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn conv_2d_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    // No backend has loops for groups; the reference has no scratch.
    match parameters.groups {
        1 => backend::conv_2d_s8(parameters, filter, input, output, scratch),
        _ => reference::conv_2d_s8(parameters, filter, input, output, scratch),
    }
}

/// [`conv_2d_s8`] with weights in another [`Layout`] than the canonical one: apart, so that a firmware carries only the
/// loops over the layouts that its model has.
///
/// # Shapes
/// As [`conv_2d_s8`], with a single group.
///
/// # Types and ranges
/// As [`conv_2d_s8`].
///
/// # Rounding
/// As [`conv_2d_s8`].
///
/// # Scratch
/// [`Conv2dParameters::scratch_bytes`], from a multiple of 4 on: without it nothing is computed.
///
/// # Errors
/// None after [`Conv2dParameters::check`], which refuses a layout that the backend does not read.
///
/// # Source
/// As [`conv_2d_s8`].
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn conv_2d_relaid_s8(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::conv_2d_relaid_s8(parameters, filter, input, output, scratch);
}

/// [`conv_2d_s8`] with weights that are not stored one by one: the same output as with all of them, which never
/// are in memory at once.
///
/// # Shapes
/// As [`conv_2d_s8`] without groups; `rows` has one row of `KH * KW * C` elements for each output channel, and
/// the filter has no weights.
///
/// # Types and ranges
/// As [`conv_2d_s8`].
///
/// # Rounding
/// As [`conv_2d_s8`].
///
/// # Scratch
/// [`Conv2dParameters::rows_scratch_bytes`], from a multiple of 4 on. With less, tiles have fewer rows; with less
/// than [`Conv2dParameters::scratch_bytes`] and a row, each row is decoded anew at every pixel.
///
/// # Errors
/// None after [`Conv2dParameters::check_rows`].
///
/// # Source
/// Han, Mao, Dally: Deep Compression, 2016, for pruned and clustered weights in codes; the blocks of four are those of
/// Narang, Undersander, Diamos: Block-Sparse Recurrent Neural Networks, 2017, one row high.
pub fn conv_2d_rows_s8<R: WeightRows>(
    parameters: &Conv2dParameters,
    filter: &Filter<'_>,
    rows: R,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::conv_2d_rows_s8(parameters, filter, rows, input, output, scratch);
}
