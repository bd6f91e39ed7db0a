//! What the compiler does in floating point, as TFLite Micro does it; and the input sequence.

use ocelli_kernels::Requantize;

/// `factor` as a fixed-point number.
pub fn quantize_multiplier(factor: f64) -> Requantize {
    if factor == 0.0 {
        return Requantize { multiplier: 0, shift: 0 };
    }
    let (mut fraction, mut exponent) = (factor, 0i32);
    while fraction.abs() >= 1.0 {
        fraction /= 2.0;
        exponent += 1;
    }
    while fraction.abs() < 0.5 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let mut multiplier = (fraction * 2f64.powi(31)).round() as i64;
    if multiplier == 1 << 31 {
        multiplier /= 2;
        exponent += 1;
    }
    if exponent < -31 {
        return Requantize { multiplier: 0, shift: 0 };
    }
    Requantize { multiplier: multiplier as i32, shift: exponent as i8 }
}

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

    /// A number in `0..end`, from the high bits.
    pub fn below(&mut self, end: usize) -> usize {
        ((u64::from(self.next()) * end as u64) >> 32) as usize
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
