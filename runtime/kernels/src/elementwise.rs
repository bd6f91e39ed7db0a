//! What the operators of two equal tensors share: their quantization and the loop.

use crate::error::{Operand, ensure, expect};
use crate::{KernelError, MAX_ELEMENTS, Source};

/// Combines two operands element by element. `combine` sees the operands in order, except where
/// only the second one is in place: then they are swapped, and `swapped` is `true`.
#[inline(always)]
pub(crate) fn combine<T: Copy>(
    left: Source<'_, T>,
    right: Source<'_, T>,
    output: &mut [T],
    mut combine: impl FnMut(bool, T, T) -> T,
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

/// Whether an operand and the output are equally long.
pub(crate) fn check_same(input: usize, output: usize) -> Result<(), KernelError> {
    ensure(output <= MAX_ELEMENTS, KernelError::TooLarge)?;
    expect(Operand::Input, output, input)
}

/// Whether two operands and the output are equally long.
pub(crate) fn check_equal(left: usize, right: usize, output: usize) -> Result<(), KernelError> {
    check_same(left, output)?;
    expect(Operand::SecondInput, output, right)
}
