//! What the operators of two equal tensors share: their quantization and the loop.

use crate::error::{Operand, ensure, expect};
use crate::{KernelError, MAX_ELEMENTS, Source};

/// Combines two operands element by element. `combine` sees the operands in order, except where
/// only the second one is in place: then they are swapped, and `swapped` is `true`.
#[inline(always)]
pub(crate) fn combine(
    left: Source<'_>,
    right: Source<'_>,
    output: &mut [i8],
    mut combine: impl FnMut(bool, i8, i8) -> i8,
) {
    let (swapped, other) = match (left, right) {
        (Source::Apart(left), Source::InPlace) => (true, left),
        (left, Source::Apart(right)) => {
            left.bring(output);
            (false, right)
        }
        (Source::InPlace, Source::InPlace) => {
            for value in output {
                *value = combine(false, *value, *value);
            }
            return;
        }
    };
    for (value, &other) in output.iter_mut().zip(other) {
        *value = combine(swapped, *value, other);
    }
}

/// Whether two operands and the output are equally long.
pub(crate) fn check_equal(left: usize, right: usize, output: usize) -> Result<(), KernelError> {
    ensure(output <= MAX_ELEMENTS, KernelError::TooLarge)?;
    expect(Operand::Input, output, left)?;
    expect(Operand::SecondInput, output, right)
}
