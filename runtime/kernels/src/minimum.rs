//! The smaller one of two tensors, element by element.

use crate::Source;
use crate::elementwise::combine;

/// Keeps the smaller value of both tensors.
///
/// # Shapes
/// Both operands and the output have the same number of elements. Either operand, or both, may be
/// in place.
///
/// # Types and ranges
/// int8; all three tensors share one quantization.
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
/// TFLite reference kernel `reference_ops::MaximumMinimumBroadcastSlow`.
pub fn minimum_s8(left: Source<'_>, right: Source<'_>, output: &mut [i8]) {
    combine(left, right, output, |_, left, right| left.min(right));
}
