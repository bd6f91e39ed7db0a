//! Reshape: the same bytes under another shape.

use crate::Source;

/// Copies a tensor, or leaves it where it is.
///
/// # Shapes
/// Input and output have the same number of elements; should they differ, the shorter counts.
///
/// # Types and ranges
/// Bytes; input and output share their quantization.
///
/// # Rounding
/// None.
///
/// # Scratch
/// None.
///
/// # Errors
/// None.
///
/// # Source
/// TFLite reference kernel `RESHAPE`.
pub fn reshape_s8(input: Source<'_>, output: &mut [i8]) {
    input.bring(output);
}
