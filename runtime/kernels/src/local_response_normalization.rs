//! Normalization of every number by the squares of its neighbours along the channels.

use crate::error::{Operand, ensure, expect};
use crate::finish::Finish;
use crate::power::{POWER_ENTRIES, Power};
use crate::runs::{runs, runs_mut};
use crate::{KernelError, MAX_ELEMENTS};

/// What a local response normalization computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalResponseNormalizationParameters {
    /// Extent of the innermost axis.
    pub channels: usize,
    /// Neighbours that count before a channel.
    pub before: usize,
    /// Neighbours that count behind it.
    pub after: usize,
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// By how much sums of squares are shifted left; at most [`LocalResponseNormalizationParameters::MAX_SHIFT`].
    pub shift: u8,
    /// What is added to the shifted sums; below `2^62`.
    pub offset: u64,
}

impl LocalResponseNormalizationParameters {
    /// The largest shift of a sum.
    pub const MAX_SHIFT: u8 = 24;

    /// Whether [`local_response_normalization_s8`] may run with slices of these lengths.
    ///
    /// # Errors
    /// A [`KernelError`] that says what does not fit.
    pub fn check(
        &self,
        table_entries: usize,
        input_elements: usize,
        output_elements: usize,
    ) -> Result<(), KernelError> {
        expect(Operand::Weights, POWER_ENTRIES, table_entries)?;
        ensure(self.shift <= Self::MAX_SHIFT && self.offset < 1 << 62, KernelError::Range)?;
        ensure(output_elements <= MAX_ELEMENTS, KernelError::TooLarge)?;
        let whole = self.channels >= 1 && output_elements.is_multiple_of(self.channels);
        ensure(whole && self.before.max(self.after) <= MAX_ELEMENTS, KernelError::Geometry)?;
        // A square has 16 bits, their sum as many more as there are channels.
        let sum_bits = 16 + usize::BITS - self.channels.leading_zeros();
        ensure(sum_bits + u32::from(self.shift) < 64, KernelError::Range)?;
        expect(Operand::Input, output_elements, input_elements)
    }
}

/// Multiplies every number with a power of the sum of squares around it.
///
/// # Shapes
/// Input and output are alike, `[..., channels]`.
///
/// # Types and ranges
/// int8, each side with its own quantization; sums of squares have 44 bits at most.
///
/// # Rounding
/// With `t = sum * 2^shift + offset`, the output is the number times `t`'s power from the table, rounded to
/// nearest, plus the zero point. The power has 16 good bits.
///
/// # Scratch
/// None.
///
/// # Errors
/// None after [`LocalResponseNormalizationParameters::check`].
///
/// # Source
/// A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification with Deep Convolutional Neural Networks,
/// section 3.3; ONNX operator `LRN`.
pub fn local_response_normalization_s8(
    parameters: &LocalResponseNormalizationParameters,
    table: &[i32],
    input: &[i8],
    output: &mut [i8],
) {
    let LocalResponseNormalizationParameters { channels, before, after, .. } = *parameters;
    let Some(power) = Power::new(table) else { return };
    let finish = Finish::unclamped(parameters.output_zero_point);
    let steps = |value: i8| i64::from(value) - i64::from(parameters.input_zero_point);
    let square = |value: Option<&i8>| value.map_or(0, |&value| steps(value) * steps(value));
    for (input, output) in runs(input, channels).zip(runs_mut(output, channels)) {
        // The sum rolls along the channels.
        let mut sum: i64 = input.iter().take(after).map(|value| square(Some(value))).sum();
        for (channel, (output, &value)) in output.iter_mut().zip(input).enumerate() {
            sum += square(input.get(channel + after));
            let t = ((sum as u64) << parameters.shift).saturating_add(parameters.offset);
            let scaled = power.of(t).times(steps(value), 0);
            *output = finish.clamp(scaled.clamp(-1024, 1024) as i32);
            sum -= square(channel.checked_sub(before).and_then(|gone| input.get(gone)));
        }
    }
}
