//! The constants of one layer with weights, read in place from the artefact.

use crate::error::{Operand, ensure, expect};
use crate::{KernelError, Requantize};

/// Weights, bias and requantization of a convolution or a fully connected layer.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Symmetric int8 weights, in the layout that the kernel states.
    pub weights: &'a [i8],
    /// One bias an output channel in units of the accumulator, or none at all.
    pub bias: &'a [i32],
    /// [`Requantize::multiplier`] of each output channel, or a single one for all.
    pub multipliers: &'a [i32],
    /// [`Requantize::shift`] of each output channel, or a single one for all.
    pub shifts: &'a [i8],
}

impl Filter<'_> {
    /// The bias of an output channel; 0 where there is none.
    #[inline(always)]
    pub(crate) fn bias(&self, channel: usize) -> i32 {
        self.bias.get(channel).copied().unwrap_or(0)
    }

    /// The factor of an output channel.
    #[inline(always)]
    pub(crate) fn requantize(&self, channel: usize) -> Requantize {
        Requantize {
            multiplier: of_channel(self.multipliers, channel),
            shift: of_channel(self.shifts, channel),
        }
    }

    /// Whether the slices serve `channels` output channels of `weights` weights in all.
    pub(crate) fn check(&self, weights: usize, channels: usize) -> Result<(), KernelError> {
        expect(Operand::Weights, weights, self.weights.len())?;
        if !self.bias.is_empty() {
            expect(Operand::Bias, channels, self.bias.len())?;
        }
        if self.multipliers.len() != 1 {
            expect(Operand::Multipliers, channels, self.multipliers.len())?;
        }
        if self.shifts.len() != 1 {
            expect(Operand::Shifts, channels, self.shifts.len())?;
        }
        ensure(
            self.shifts.iter().all(|&shift| Requantize { multiplier: 0, shift }.is_valid()),
            KernelError::Range,
        )
    }
}

/// The element of a channel, or the only one.
#[inline(always)]
fn of_channel<T: Copy + Default>(values: &[T], channel: usize) -> T {
    let index = if values.len() == 1 { 0 } else { channel };
    values.get(index).copied().unwrap_or_default()
}
