//! Products of two computed matrices, batch by batch.

use crate::error::{Operand, elements, ensure, expect};
use crate::finish::Finish;
use crate::runs::{runs, runs_mut};
use crate::{KernelError, Requantize};

/// What a batched matrix product computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMatmulParameters {
    /// Matrices of the first operand and of the output.
    pub batches: usize,
    /// Matrices of the second operand: as many, or one for all.
    pub right_batches: usize,
    /// Rows of the first matrix and of the output.
    pub rows: usize,
    /// Columns of the first matrix, rows of the second.
    pub depth: usize,
    /// Columns of the second matrix and of the output.
    pub columns: usize,
    /// Whether the second matrix is stored column by column.
    pub right_transposed: bool,
    /// Zero point of the first operand.
    pub left_zero_point: i8,
    /// Zero point of the second operand.
    pub right_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// `left_scale * right_scale / output_scale`.
    pub requantize: Requantize,
}

impl BatchMatmulParameters {
    /// More products than this could leave 31 bits.
    pub const MAX_DEPTH: usize = 1 << 15;

    /// Whether [`batch_matmul_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        left_elements: usize,
        right_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        ensure(self.depth < BatchMatmulParameters::MAX_DEPTH, KernelError::TooLarge)?;
        ensure(self.requantize.is_valid(), KernelError::Range)?;
        ensure(self.right_batches == 1 || self.right_batches == self.batches, KernelError::Geometry)?;
        let sizes = [self.batches, self.rows, self.depth, self.columns];
        ensure(!sizes.contains(&0), KernelError::Geometry)?;
        expect(Operand::Input, elements(&[self.batches, self.rows, self.depth])?, left_elements)?;
        let right = elements(&[self.right_batches, self.depth, self.columns])?;
        expect(Operand::SecondInput, right, right_elements)?;
        expect(Operand::Output, elements(&[self.batches, self.rows, self.columns])?, output_elements)
    }
}

/// Multiplies matrices.
///
/// # Shapes
/// Left `[batches, rows, depth]`, right `[right_batches, depth, columns]`, or `[right_batches, columns, depth]`
/// where it is transposed, output `[batches, rows, columns]`.
///
/// # Types and ranges
/// int8, each tensor with its own quantization; int32 sums.
///
/// # Rounding
/// Once an output, by [`Requantize::apply`].
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`BatchMatmulParameters::check`].
///
/// # Source
/// TFLite reference kernel `reference_ops::BatchMatMul`.
pub fn batch_matmul_s8(parameters: &BatchMatmulParameters, left: &[i8], right: &[i8], output: &mut [i8]) {
    let BatchMatmulParameters { rows, depth, columns, right_transposed, .. } = *parameters;
    let finish = Finish::unclamped(parameters.output_zero_point);
    let (left_zero, right_zero) =
        (i32::from(parameters.left_zero_point), i32::from(parameters.right_zero_point));
    let (next, step) = if right_transposed { (depth, 1) } else { (1, columns) };
    let matrices = runs(right, depth * columns).cycle();
    for ((left, right), output) in
        runs(left, rows * depth).zip(matrices).zip(runs_mut(output, rows * columns))
    {
        for (left, output) in runs(left, depth).zip(runs_mut(output, columns)) {
            for (column, output) in output.iter_mut().enumerate() {
                let right = right.iter().skip(column * next).step_by(step.max(1));
                let sum = left.iter().zip(right).fold(0i32, |sum, (&left, &right)| {
                    sum.wrapping_add((i32::from(left) - left_zero) * (i32::from(right) - right_zero))
                });
                *output = finish.apply(sum, parameters.requantize);
            }
        }
    }
}
