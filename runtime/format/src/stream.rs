//! The pseudo-random bytes that self-tests and golden outputs are made of.

/// xorshift32: `x ^= x << 13; x ^= x >> 17; x ^= x << 5`. Each state gives one int8, its low byte
/// shifted right arithmetically.
/// ```
/// let bytes: Vec<i8> = ocelli_format::SeedStream::new(1, 0).take(3).collect();
/// assert_eq!(bytes, [0x21, 0x01, -59]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SeedStream {
    state: u32,
    shift: u32,
}

impl SeedStream {
    /// The stream that starts from `seed`, which is not 0; `shift` counts modulo 8.
    pub const fn new(seed: u32, shift: u8) -> SeedStream {
        SeedStream { state: seed, shift: shift as u32 & 7 }
    }
}

impl Iterator for SeedStream {
    type Item = i8;

    fn next(&mut self) -> Option<i8> {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        Some((self.state as u8 as i8) >> self.shift)
    }
}
