//! Weights, biases and factors of a layer with a filter.

use alloc::vec::Vec;

use super::operands::{Guarded, ZONE};
use super::random::Random;
use ocelli_kernels::*;

/// Weights, bias and factors of a filter.
pub struct Constants {
    /// In the canonical order.
    pub weights: Guarded<i8>,
    bias: Vec<i32>,
    multipliers: Vec<i32>,
    shifts: Vec<i8>,
}

impl Constants {
    /// Of `weights` in all, `products` for each output.
    pub fn random(random: &mut Random, weights: usize, products: usize, channels: usize) -> Constants {
        if random.below(8) == 0 {
            return Constants::at_ties(random, weights, channels);
        }
        // Small weights and biases with factors of about a half show the rounding of every sum.
        let tiny = random.below(4) == 0;
        let usual = -7 - (products.ilog2() as i32) / 2;
        let exponent = if tiny {
            random.one_of(&[-1, -2, -4])
        } else {
            usual + random.one_of(&[0, 0, 0, 4, -6, 9, -16])
        };
        let factors = if random.below(4) == 0 { 1 } else { channels };
        let factors: Vec<_> = (0..factors).map(|_| random.factor(exponent)).collect();
        let biases = if random.below(4) == 0 { 0 } else { channels };
        // Sums about 2^30 and beyond, where no factor shifts them further to the left.
        let large = factors.iter().all(|factor| factor.shift <= 0) && random.below(8) == 0;
        let small = if tiny { 1 << 6 } else { 1 << 13 };
        let bound = if large { random.one_of(&[1 << 30, 9 << 27, 15 << 27]) } else { small };
        let mut constants = Constants {
            weights: Guarded::read_only(weights, random.below(ZONE), 0x55),
            bias: (0..biases)
                .map(|_| ((i64::from(random.next() as i32) * random.one_of(&[small, bound])) >> 31) as i32)
                .collect(),
            multipliers: factors.iter().map(|factor| factor.multiplier).collect(),
            shifts: factors.iter().map(|factor| factor.shift).collect(),
        };
        random.fill(constants.weights.all());
        if tiny {
            constants.weights.all().iter_mut().for_each(|weight| *weight >>= 6);
        }
        constants
    }

    /// With weights of 0, so that sums are biases: at the ties of both roundings and beside them, below `2^bits`, by factors of
    /// a half and every further shift to the right.
    fn at_ties(random: &mut Random, weights: usize, channels: usize) -> Constants {
        let bits = random.one_of(&[8, 22, 30, 31, 31]);
        let factors = if random.below(4) == 0 { 1 } else { channels };
        let rights: Vec<u32> = (0..factors).map(|_| random.below(bits) as u32).collect();
        let mut bias = |channel: usize| {
            let right = rights[channel.min(factors - 1)];
            let most = 1i64 << (bits as u32 - right - 1).min(8);
            let odd = 2 * (random.below(2 * most as usize) as i64 - most) + 1;
            let tie = (odd << right) + random.one_of(&[-1, 0, 1]);
            tie.clamp(i32::MIN.into(), i32::MAX.into()) as i32
        };
        let bias = (0..channels).map(&mut bias).collect();
        let mut weights = Guarded::read_only(weights, random.below(ZONE), 0x55);
        weights.all().fill(0);
        let shifts = rights.iter().map(|&right| -(right as i8)).collect();
        Constants { weights, bias, multipliers: alloc::vec![1 << 30; factors], shifts }
    }

    /// The weights of `channels` times `products` in [`Layout::Paired`], if they and the biases can stand in it.
    pub fn paired(
        &mut self,
        random: &mut Random,
        [channels, products]: [usize; 2],
        input_zero_point: i8,
    ) -> Option<Guarded<i8>> {
        let zero_point = i32::from(input_zero_point);
        let largest = (127 - zero_point).max(128 + zero_point);
        let weights = self.weights.all();
        let weight = |channel: usize, product: usize| {
            let exists = channel < channels && product < products;
            if exists { i32::from(weights[channel * products + product]) } else { 0 }
        };
        let mut halfwords = Vec::new();
        for channel in (0..channels).step_by(2) {
            let sum: i64 = (0..products).map(|k| i64::from(weight(channel + 1, k).abs() * largest)).sum();
            let bias = self.bias.get(channel + 1).copied().unwrap_or(0);
            if sum + i64::from(bias.unsigned_abs()) >= 1 << 23 {
                return None;
            }
            for first in (0..products).step_by(4) {
                for product in [first, first + 2, first + 1, first + 3] {
                    halfwords.push(weight(channel + 1, product) * 256 + weight(channel, product));
                }
            }
        }
        let mut relaid = Guarded::new(2 * halfwords.len(), random.one_of(&[0, 4, 8, 12]), 0x55);
        for (bytes, halfword) in relaid.all().chunks_exact_mut(2).zip(halfwords) {
            let halfword = i16::try_from(halfword).ok()?;
            bytes.copy_from_slice(&halfword.to_le_bytes().map(|byte| byte as i8));
        }
        Some(relaid)
    }

    /// As a kernel takes them.
    pub fn filter(&mut self) -> Filter<'_> {
        Filter {
            weights: self.weights.all(),
            layout: Layout::Canonical,
            bias: &self.bias,
            multipliers: &self.multipliers,
            shifts: &self.shifts,
        }
    }
}
