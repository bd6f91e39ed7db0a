//! The constants of one layer with weights, read in place from the artefact.

use core::ops::Range;

use crate::backend::READS_PAIRED;
use crate::error::{Operand, elements, ensure, expect};
use crate::finish::BLOCK;
use crate::{KernelError, Layout, Requantize, Sum};

/// Weights, bias and requantization of a convolution or a fully connected layer.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a, B = i32> {
    /// Symmetric int8 weights.
    pub weights: &'a [i8],
    /// How they stand there.
    pub layout: Layout,
    /// One bias an output channel in units of the accumulator, or none at all.
    pub bias: &'a [B],
    /// [`Requantize::multiplier`] of each output channel, or, like the shift, a single one for all.
    pub multipliers: &'a [i32],
    /// [`Requantize::shift`] of each output channel, or a single one for all.
    pub shifts: &'a [i8],
}

impl Filter<'_> {
    /// The biases of `count` output channels from `first` on; 0 where there is none.
    #[inline(always)]
    pub(crate) fn biases<'s>(&self, first: usize, sums: &'s mut [i32; BLOCK], count: usize) -> &'s mut [i32] {
        let sums = &mut sums[..count.min(BLOCK)];
        match self.bias.get(first..).and_then(|bias| bias.get(..sums.len())) {
            Some(bias) => sums.copy_from_slice(bias),
            None => sums.fill(0),
        }
        sums
    }

    /// The constants of some channels, without weights.
    pub(crate) fn of_channels(&self, channels: Range<usize>) -> Filter<'_> {
        let of = |length: usize| if length == 1 { 0..1 } else { channels.clone() };
        Filter {
            weights: &[],
            layout: Layout::Canonical,
            bias: self.bias.get(channels.clone()).unwrap_or(&[]),
            multipliers: self.multipliers.get(of(self.multipliers.len())).unwrap_or(&[]),
            shifts: self.shifts.get(of(self.shifts.len())).unwrap_or(&[]),
        }
    }

    /// The largest magnitude of a sum of `products` products and a bias.
    #[inline(never)]
    pub(crate) fn reach(&self, products: usize) -> u32 {
        let bias = self.bias.iter().map(|bias| bias.unsigned_abs()).max().unwrap_or(0);
        (products as u32).saturating_mul(LARGEST_PRODUCT).saturating_add(bias)
    }

    /// Whether every channel takes the short way to int8 that the backend `armv7em` describes, with sums of `products`
    /// products.
    pub(crate) fn is_short(&self, products: usize) -> bool {
        let shifts = 1..=LARGEST_SHORT_SHIFT as i32;
        self.reach(products) < 1 << 30 && self.shifts.iter().all(|&shift| shifts.contains(&-i32::from(shift)))
    }
}

impl<B: Sum> Filter<'_, B> {
    /// The factor of an output channel.
    #[inline(never)]
    pub(crate) fn factor(&self, channel: usize) -> Requantize {
        let of = |length: usize| if length == 1 { 0 } else { channel };
        let multiplier = self.multipliers.get(of(self.multipliers.len())).copied().unwrap_or(0);
        let shift = self.shifts.get(of(self.shifts.len())).copied().unwrap_or(0);
        Requantize { multiplier, shift }
    }

    /// Whether the slices serve `channels` output channels of `weights` weights in all.
    pub(crate) fn check(&self, weights: usize, channels: usize) -> Result<(), KernelError> {
        self.check_lengths(weights, channels)?;
        self.check_factors()
    }

    /// Whether the slices are as long as `channels` output channels of `products` weights each need them, in a layout
    /// that this backend reads.
    pub(crate) fn check_matrix(&self, channels: usize, products: usize) -> Result<(), KernelError> {
        ensure(READS_PAIRED || self.layout == Layout::Canonical, KernelError::Layout)?;
        let weights = elements(&self.layout.matrix(channels, products))?;
        Filter { layout: Layout::Canonical, ..*self }.check_lengths(weights, channels)
    }

    /// Whether the slices are as long as `channels` output channels of `weights` weights in all need them.
    #[inline(never)]
    pub(crate) fn check_lengths(&self, weights: usize, channels: usize) -> Result<(), KernelError> {
        ensure(self.layout == Layout::Canonical, KernelError::Layout)?;
        expect(Operand::Weights, weights, self.weights.len())?;
        self.check_constants(channels)
    }

    /// The same for all but the weights.
    pub(crate) fn check_constants(&self, channels: usize) -> Result<(), KernelError> {
        if !self.bias.is_empty() {
            expect(Operand::Bias, channels, self.bias.len())?;
        }
        if [self.multipliers.len(), self.shifts.len()] != [1; 2] {
            expect(Operand::Multipliers, channels, self.multipliers.len())?;
            expect(Operand::Shifts, channels, self.shifts.len())?;
        }
        Ok(())
    }

    /// Whether every factor is valid.
    #[inline(never)]
    pub(crate) fn check_factors(&self) -> Result<(), KernelError> {
        // All are looked at, so that the compiler can look at many at once.
        let valid = |multiplier, shift| Requantize { multiplier, shift }.is_valid() && shift <= B::MAX_SHIFT;
        let multipliers = self.multipliers.iter().fold(true, |all, &multiplier| all & valid(multiplier, 0));
        let shifts = self.shifts.iter().fold(true, |all, &shift| all & valid(0, shift));
        ensure(multipliers & shifts, KernelError::Range)
    }
}

/// Right shifts from 1 to this one are short.
pub(crate) const LARGEST_SHORT_SHIFT: u32 = 22;

/// `(127 + 128) * 128`.
const LARGEST_PRODUCT: u32 = 255 * 128;
