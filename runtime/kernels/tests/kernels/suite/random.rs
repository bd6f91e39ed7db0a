//! Random numbers, sizes and parameters.

use alloc::vec::Vec;

use ocelli_kernels::*;

/// Numbers of a xorshift32 stream.
pub struct Random(pub u32);

impl Random {
    /// The next state.
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// `count` low bytes, shifted right by `shift`.
    pub fn bytes(&mut self, count: usize, shift: u32) -> Vec<i8> {
        (0..count).map(|_| self.next() as u8 as i8 >> shift).collect()
    }

    /// Random elements everywhere.
    pub fn fill(&mut self, elements: &mut [i8]) {
        for element in elements {
            *element = self.next() as u8 as i8;
        }
    }

    /// A number in `0..end`, from the high bits.
    pub fn below(&mut self, end: usize) -> usize {
        ((u64::from(self.next()) * end as u64) >> 32) as usize
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

impl Random {
    /// A small size.
    pub fn size(&mut self) -> usize {
        self.one_of(&[1, 1, 2, 3, 4, 5, 7, 8])
    }

    /// A zero point, often at an end.
    pub fn zero_point(&mut self) -> i8 {
        let any = self.next() as i8;
        self.one_of(&[i8::MIN, i8::MIN + 1, -1, 0, 3, i8::MAX, any])
    }

    /// Smallest and largest output.
    pub fn activation(&mut self) -> (i8, i8) {
        let (a, b) = (self.next() as i8, self.next() as i8);
        self.one_of(&[(i8::MIN, i8::MAX), (i8::MIN, i8::MAX), (a.min(b), a.max(b)), (0, i8::MAX)])
    }

    /// A factor of about `2^exponent`, rarely of either end or 0.
    pub fn factor(&mut self, exponent: i32) -> Requantize {
        let shift = (exponent + self.below(5) as i32 - 2).clamp(MIN_SHIFT.into(), MAX_SHIFT.into()) as i8;
        let any = (1 << 30) + (self.next() >> 2) as i32;
        Requantize { multiplier: self.one_of(&[any, any, any, any, 1 << 30, i32::MAX, 0]), shift }
    }

    /// An axis and an output size for an input size.
    pub fn axis(&mut self, input: usize, dilated: bool) -> (Axis, usize) {
        let filter = self.one_of(&[1, 2, 3, 3, 5]);
        let stride = self.one_of(&[1, 1, 2, 3]);
        let dilation = if dilated { self.one_of(&[1, 1, 2, 3]) } else { 1 };
        let reach = (filter - 1) * dilation + 1;
        if input < reach || self.below(2) == 0 {
            let output = input.div_ceil(stride);
            let padding = ((output - 1) * stride + reach).saturating_sub(input) / 2;
            return (Axis { filter, stride, dilation, padding }, output);
        }
        (Axis { filter, stride, dilation, padding: 0 }, (input - reach) / stride + 1)
    }
}
