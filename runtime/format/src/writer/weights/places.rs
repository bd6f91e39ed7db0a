//! Forms that say where the weights are that are not 0.

use alloc::vec::Vec;

use super::pack;

/// Ones or twos of four, with their places in two bits.
pub(super) fn fours(values: &[i8], row: usize) -> Option<Vec<u8>> {
    let filled = |four: &[i8]| four.iter().filter(|&&value| value != 0).count();
    let fours = || values.chunks(row).flat_map(|row| row.chunks(4));
    let kept = fours().map(filled).max()?.max(1);
    if kept > 2 {
        return None;
    }
    let (mut weights, mut places) = (Vec::new(), Vec::new());
    for four in fours() {
        let at = |place: u8| four.get(usize::from(place)).copied().unwrap_or(0);
        // Those that are not 0, then others, in the order of their places.
        let mut chosen: Vec<u8> = (0..4).collect();
        chosen.sort_by_key(|&place| at(place) == 0);
        chosen.truncate(kept);
        chosen.sort_unstable();
        weights.extend(chosen.iter().map(|&place| at(place) as u8));
        places.extend(chosen);
    }
    let mut bytes = alloc::vec![kept as u8, 0, 0, 0];
    bytes.extend(weights);
    bytes.extend(pack(places.into_iter(), 2));
    Some(bytes)
}

/// Runs of four that are not all 0, in groups of four behind a word of steps, the odd ones first.
pub(super) fn blocks(values: &[i8], row: usize) -> Option<Vec<u8>> {
    let (mut counts, mut words) = (Vec::new(), Vec::new());
    for row in values.chunks(row) {
        let mut run = Vec::new();
        let mut last = 0;
        for (place, four) in
            row.chunks(4).enumerate().filter(|(_, four)| four.iter().any(|&value| value != 0))
        {
            while place - last > LONGEST_STEP {
                last += LONGEST_STEP;
                run.push((LONGEST_STEP as u8, [0; 4]));
            }
            let weights = core::array::from_fn(|index| four.get(index).copied().unwrap_or(0) as u8);
            run.push(((place - last) as u8, weights));
            last = place;
        }
        counts.push(run.len());
        let (odd, groups) = run.split_at(run.len() % 4);
        for group in [odd].into_iter().filter(|odd| !odd.is_empty()).chain(groups.chunks(4)) {
            let mut steps = [0; 4];
            let free = 4 - group.len();
            steps[free..].iter_mut().zip(group).for_each(|(slot, &(step, _))| *slot = step);
            words.push(steps);
            words.extend(group.iter().map(|&(_, weights)| weights));
        }
    }
    table(&counts, &words)
}

/// Weights that are not 0, each behind its step, two to a word.
pub(super) fn sparse(values: &[i8], row: usize) -> Option<Vec<u8>> {
    let (mut counts, mut words) = (Vec::new(), Vec::new());
    for row in values.chunks(row) {
        let mut pairs: Vec<[u8; 2]> = Vec::new();
        let mut last = 0;
        for (place, &value) in row.iter().enumerate().filter(|&(_, &value)| value != 0) {
            while place - last > LONGEST_STEP {
                last += LONGEST_STEP;
                pairs.push([LONGEST_STEP as u8, 0]);
            }
            pairs.push([(place - last) as u8, value as u8]);
            last = place;
        }
        counts.push(pairs.len().div_ceil(2));
        pairs.resize(pairs.len().next_multiple_of(2), [0; 2]);
        words.extend(pairs.as_chunks().0.iter().map(|&[[a, b], [c, d]]| [a, b, c, d]));
    }
    table(&counts, &words)
}

/// The longest step from one stored weight or run to the next.
const LONGEST_STEP: usize = 255;

/// Counts of each row, zeros up to a word, words.
fn table(counts: &[usize], words: &[[u8; 4]]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for &count in counts {
        bytes.extend(u16::try_from(count).ok()?.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(words.as_flattened());
    Some(bytes)
}
