//! Why a planner must not run a kernel: the answer of every `check`.
//!
//! A kernel is checked once, when a model is planned, and then runs without a way to fail.

/// The slice that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Operand {
    /// The first or only input.
    Input,
    /// The second input.
    SecondInput,
    /// The output.
    Output,
    /// The weights.
    Weights,
    /// The bias.
    Bias,
    /// The multipliers of the requantization.
    Multipliers,
    /// The shifts of the requantization.
    Shifts,
    /// The scratch, without which a layout cannot be read.
    Scratch,
}

/// Why parameters do not describe a computation that may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum KernelError {
    /// A slice does not have the length that the parameters imply.
    Length {
        /// Which slice.
        operand: Operand,
        /// What the parameters imply.
        needed_elements: usize,
        /// What was given.
        available_elements: usize,
    },
    /// A tensor or an extent is larger than [`MAX_ELEMENTS`](crate::MAX_ELEMENTS).
    TooLarge,
    /// Input, filter and output do not fit together.
    Geometry,
    /// Weights are stored in codes that end too early, go on behind the last row or lead outside one.
    Codes,
    /// A bound, a shift or a size is outside the range that its documentation states.
    Range,
    /// The backend does not read the layout of the weights.
    Layout,
    /// Only some loops for the operator are linked, and none of them serves its shape, its factors and its scratch.
    Loops,
}

impl core::fmt::Display for KernelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            KernelError::Length { operand, needed_elements, available_elements } => {
                write!(f, "{operand:?} needs {needed_elements} elements and has {available_elements}")
            }
            KernelError::TooLarge => write!(f, "more than {} elements", crate::MAX_ELEMENTS),
            KernelError::Geometry => f.write_str("input, filter and output shapes do not fit together"),
            KernelError::Codes => f.write_str("the weights are stored in codes that do not fit its rows"),
            KernelError::Range => f.write_str("a parameter is outside its documented range"),
            KernelError::Layout => {
                write!(f, "the backend {} does not read its weights' layout", crate::backend())
            }
            KernelError::Loops => {
                f.write_str("the loops that are linked do not serve its shape, factors and scratch: name the whole operator in ops!")
            }
        }
    }
}

impl core::error::Error for KernelError {}

/// The product of sizes, or [`KernelError::TooLarge`] on any width of `usize`. A size of 0 does not excuse
/// the others, whose products a kernel may form.
// Once in a firmware, not once in every check.
#[inline(never)]
pub(crate) fn elements(sizes: &[usize]) -> Result<usize, KernelError> {
    let mut product = 1usize;
    for &size in sizes {
        product = product.checked_mul(size.max(1)).ok_or(KernelError::TooLarge)?;
    }
    ensure(product <= crate::MAX_ELEMENTS, KernelError::TooLarge)?;
    Ok(if sizes.contains(&0) { 0 } else { product })
}

/// Refuses a slice whose length is not the needed one.
#[inline(never)]
pub(crate) fn expect(operand: Operand, needed: usize, available: usize) -> Result<(), KernelError> {
    if needed == available {
        Ok(())
    } else {
        Err(KernelError::Length { operand, needed_elements: needed, available_elements: available })
    }
}

/// Refuses what does not hold.
pub(crate) fn ensure(holds: bool, error: KernelError) -> Result<(), KernelError> {
    if holds { Ok(()) } else { Err(error) }
}
