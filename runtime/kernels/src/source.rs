//! Where an elementwise kernel finds an operand: in a slice of its own, or already in the output.
//!
//! Operands of a step are disjoint or wholly in place, the two shapes that safe Rust can express.

/// An operand of an elementwise kernel.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a, T = i8> {
    /// A slice apart from the output.
    Apart(&'a [T]),
    /// The output slice holds the operand and is overwritten.
    InPlace,
}

impl<T: Copy> Source<'_, T> {
    /// Puts the operand where the output will be.
    #[inline]
    pub(crate) fn bring(self, output: &mut [T]) {
        if let Source::Apart(input) = self {
            copy(input, output);
        }
    }
}

/// Copies what fits both.
#[inline]
pub(crate) fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    let length = from.len().min(to.len());
    to[..length].copy_from_slice(&from[..length]);
}
