//! Fully connected layer: describes the operator and chooses its backend.

pub(crate) mod reference;
pub(crate) mod rows;
mod wide;

pub use wide::fully_connected_s16;

use crate::arch::scratch;
use crate::error::{Operand, elements, ensure, expect};
use crate::rows::{WeightRows, check_rows};
use crate::{Activation, Filter, KernelError, Sum, backend};

/// What a fully connected layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullyConnectedParameters<T = i8> {
    /// How many vectors there are.
    pub batches: usize,
    /// Elements of an input vector.
    pub input_depth: usize,
    /// Elements of an output vector.
    pub output_depth: usize,
    /// Zero point of the input.
    pub input_zero_point: T,
    /// Zero point of the output.
    pub output_zero_point: T,
    /// Smallest output, from the fused activation.
    pub activation_min: T,
    /// Largest output, from the fused activation.
    pub activation_max: T,
}

impl<T: Activation> FullyConnectedParameters<T> {
    /// Whether [`fully_connected_rows_s8`] may run with these rows, which have been walked to their end, a filter
    /// without weights, and slices of these lengths.
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
        self.check_vectors(input_elements, output_elements)?;
        elements(&[self.output_depth, self.input_depth])?;
        check_rows(rows, filter, self.input_depth, self.output_depth)
    }

    /// The part of the check on which loops without bounds of their own rely.
    pub(crate) fn check_sizes<B: Sum>(
        &self,
        filter: &Filter<'_, B>,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        self.check_vectors(input_elements, output_elements)?;
        elements(&[self.output_depth, self.input_depth])?;
        filter.check_matrix(self.output_depth, self.input_depth)
    }

    /// The part of it that is not about the filter.
    fn check_vectors(&self, input_elements: usize, output_elements: usize) -> Result<(), KernelError> {
        ensure(self.input_depth >= 1, KernelError::Geometry)?;
        ensure(self.activation_min <= self.activation_max, KernelError::Range)?;
        expect(Operand::Input, elements(&[self.batches, self.input_depth])?, input_elements)?;
        expect(Operand::Output, elements(&[self.batches, self.output_depth])?, output_elements)
    }
}

impl FullyConnectedParameters<i16> {
    /// Whether [`fully_connected_s16`] may run with this filter and slices of these lengths.
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

impl FullyConnectedParameters {
    /// Whether [`fully_connected_s8`] may run with this filter and slices of these lengths.
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

    /// Bytes of scratch that [`fully_connected_s8`] needs on any core.
    pub const fn scratch_bytes(&self) -> usize {
        scratch::fully_connected_bytes(self.input_depth)
    }
}

/// Multiplies vectors with a matrix.
///
/// # Shapes
/// Input `[batches, I]`, weights `[O, I]`, output `[batches, O]`.
///
/// # Types and ranges
/// int8 activations, symmetric int8 weights, int32 bias and accumulator. The compiler excludes
/// overflow of the accumulator; should it happen, it wraps.
///
/// # Rounding
/// Once an output, by [`Requantize::apply`](crate::Requantize::apply) with the output's factor
/// `input_scale * weight_scale / output_scale`; then the zero point is added and the activation
/// clamps. For this operator the reference takes the product of the two scales in single precision.
///
/// # Scratch
/// [`FullyConnectedParameters::scratch_bytes`], from a multiple of 4 on. With less, the reference runs,
/// which needs none.
///
/// # Errors
/// None after [`FullyConnectedParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_integer_ops::FullyConnected`.
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn fully_connected_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::fully_connected_s8(parameters, filter, input, output, scratch);
}

/// [`fully_connected_s8`] with weights in another [`Layout`](crate::Layout) than the canonical one: apart, so that a
/// firmware carries only the loops over the layouts that its model has.
///
/// # Shapes
/// As [`fully_connected_s8`].
///
/// # Types and ranges
/// As [`fully_connected_s8`].
///
/// # Rounding
/// As [`fully_connected_s8`].
///
/// # Scratch
/// [`FullyConnectedParameters::scratch_bytes`], from a multiple of 4 on: without it nothing is computed.
///
/// # Errors
/// None after [`FullyConnectedParameters::check`], which refuses a layout that the backend does not read.
///
/// # Source
/// As [`fully_connected_s8`].
// Apart from its caller, whose stack it does not need while it finds the parameters.
#[inline(never)]
pub fn fully_connected_relaid_s8(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::fully_connected_relaid_s8(parameters, filter, input, output, scratch);
}

/// [`fully_connected_s8`] with weights that are not stored one by one: the same output as with all of them.
///
/// # Shapes
/// Input `[batches, I]`, output `[batches, O]`; `rows` has one row of `I` elements for each output, and the
/// filter has no weights.
///
/// # Types and ranges
/// As [`fully_connected_s8`].
///
/// # Rounding
/// As [`fully_connected_s8`].
///
/// # Scratch
/// [`FullyConnectedParameters::scratch_bytes`] for [`Blocks`](crate::Blocks), none for other rows. With less, rows
/// are used as they are told.
///
/// # Errors
/// None after [`FullyConnectedParameters::check_rows`].
///
/// # Source
/// As [`conv_2d_rows_s8`](crate::conv_2d_rows_s8).
pub fn fully_connected_rows_s8<R: WeightRows>(
    parameters: &FullyConnectedParameters,
    filter: &Filter<'_>,
    rows: R,
    input: &[i8],
    output: &mut [i8],
    scratch: &mut [u8],
) {
    backend::fully_connected_rows_s8(parameters, filter, rows, input, output, scratch);
}
