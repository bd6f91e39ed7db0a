//! The seeded stream of the tests, those beside this crate included.

pub(crate) struct Random(u32);

impl Random {
    pub(crate) fn new(seed: u32) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }

    #[allow(dead_code, reason = "tests without pictures have no sides")]
    /// A side from 1 to `most`, small ones as often as large ones.
    pub(crate) fn side(&mut self, most: u32) -> usize {
        let bound = if self.below(2) == 0 { most.min(9) } else { most };
        1 + self.below(bound) as usize
    }
}
