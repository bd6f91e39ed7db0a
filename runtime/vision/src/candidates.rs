//! The boxes that are worth decoding, best first, in the postprocess stage.
//!
//! Scores are compared as the int8 values that the model gave, so that most anchors cost one
//! comparison. Room is fixed: when it is full the lowest scores make way, and are counted.

use heapless::Vec;
use ocelli_core::BoundingBox;

use crate::ranking;

/// One class at one anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// In `1 / 65536`.
    pub score: u16,
    pub class_index: u16,
    pub head: u8,
    /// Within the head.
    pub anchor: u32,
    /// In `1 / 65536` of the input's width and height.
    pub bounds: BoundingBox,
    /// Whether a better one has taken it in, or it is no box at all.
    pub is_taken: bool,
}

impl Candidate {
    /// Better scores first; of equal ones the first anchor, then the first class.
    fn precedes(&self, other: &Candidate) -> bool {
        (other.score, self.head, self.anchor, self.class_index)
            < (self.score, other.head, other.anchor, other.class_index)
    }
}

/// Candidates, best first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates<const CAPACITY: usize> {
    best: Vec<Candidate, CAPACITY>,
    overflowed: u32,
}

impl<const CAPACITY: usize> Candidates<CAPACITY> {
    pub(crate) const fn new() -> Self {
        Candidates { best: Vec::new(), overflowed: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.best.clear();
        self.overflowed = 0;
    }

    /// Those that found no room, or lost it to better ones.
    pub(crate) fn overflowed(&self) -> u32 {
        self.overflowed
    }

    pub(crate) fn best(&mut self) -> &mut [Candidate] {
        &mut self.best
    }

    #[inline(never)]
    pub(crate) fn insert(&mut self, candidate: Candidate) {
        if !ranking::insert(&mut self.best, candidate, Candidate::precedes) {
            self.overflowed = self.overflowed.saturating_add(1);
        }
    }
}

/// The least int8 score whose probability reaches `threshold`, or `None` when none does.
pub(crate) fn least_score(table: &[u16; 256], threshold: u16) -> Option<i8> {
    let index = table.iter().position(|&probability| probability >= threshold)?;
    Some((index as i32 - 128) as i8)
}

/// The entry of an int8 value -128 to 127.
#[inline]
pub(crate) fn entry<T: Copy + Default>(table: &[T; 256], value: i8) -> T {
    table.get((i32::from(value) + 128) as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_threshold_is_the_first_entry_that_reaches_it() {
        let table: [u16; 256] = core::array::from_fn(|index| index as u16 * 256);
        assert_eq!(least_score(&table, 0), Some(-128));
        assert_eq!(least_score(&table, 32_768), Some(0));
        assert_eq!(least_score(&table, 32_769), Some(1));
        assert_eq!(least_score(&table, 65_280), Some(127));
        assert_eq!(least_score(&table, 65_281), None);
        assert_eq!((entry(&table, -128), entry(&table, 127)), (0, 65_280));
    }

    #[test]
    fn the_best_stay_in_order_and_the_rest_is_counted() {
        let mut random = Random::new(41);
        for count in [0, 1, 7, 8, 9, 100] {
            let mut candidates = Candidates::<8>::new();
            let mut all = std::vec::Vec::new();
            for anchor in 0..count {
                // Few different scores, so that ties are common.
                let score = random.below(6) as u16;
                let candidate = Candidate {
                    score,
                    head: (anchor % 2) as u8,
                    anchor: anchor / 2,
                    class_index: random.below(2) as u16,
                    ..Candidate::default()
                };
                candidates.insert(candidate);
                all.push(candidate);
            }
            all.sort_by_key(|c| (u16::MAX - c.score, c.head, c.anchor, c.class_index));
            all.truncate(8);
            assert_eq!(candidates.best(), all);
            assert_eq!(candidates.overflowed(), count.saturating_sub(8));
        }
    }

    #[test]
    fn no_room_at_all_counts_everything() {
        let mut candidates = Candidates::<0>::new();
        candidates.insert(Candidate::default());
        assert_eq!((candidates.best().len(), candidates.overflowed()), (0, 1));
    }
}
