//! A list of the best that have been seen, with fixed room: for candidates and for classes.

use heapless::Vec;

/// Keeps `ranked` in order, best first. `precedes` tells whether its first argument stands before
/// its second; of those that neither precedes, the one that came first stands first. The answer is
/// `false` when there was no room: then the last one has made way, which may be `item` itself.
pub(crate) fn insert<T, const CAPACITY: usize>(
    ranked: &mut Vec<T, CAPACITY>,
    item: T,
    precedes: impl Fn(&T, &T) -> bool,
) -> bool {
    let has_room = match ranked.push(item) {
        Ok(()) => true,
        Err(item) => {
            match ranked.last_mut() {
                Some(last) if precedes(&item, last) => *last = item,
                _ => return false,
            }
            false
        }
    };
    let mut rest = ranked.as_mut_slice();
    while let [.., before, last] = rest {
        if !precedes(last, before) {
            break;
        }
        core::mem::swap(before, last);
        rest = rest.split_last_mut().map_or(&mut [], |(_, rest)| rest);
    }
    has_room
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_list_is_a_stable_sort_cut_short() {
        let mut random = Random::new(23);
        for count in 0..40 {
            let items: std::vec::Vec<(u32, u32)> = (0..count).map(|at| (random.below(6), at)).collect();
            let mut ranked: Vec<(u32, u32), 8> = Vec::new();
            let lost = items
                .iter()
                .filter(|&&item| !insert(&mut ranked, item, |first, second| first.0 > second.0))
                .count();
            let mut sorted = items.clone();
            sorted.sort_by_key(|item| core::cmp::Reverse(item.0));
            sorted.truncate(8);
            assert_eq!(ranked.as_slice(), sorted);
            assert_eq!(lost, items.len().saturating_sub(8));
        }
    }

    #[test]
    fn no_room_takes_nothing() {
        let mut ranked: Vec<u8, 0> = Vec::new();
        assert!(!insert(&mut ranked, 1, |first, second| first > second));
        assert!(ranked.is_empty());
    }
}
