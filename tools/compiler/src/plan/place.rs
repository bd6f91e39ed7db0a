//! Offsets for buffers: the largest first, each as low as it fits, then a seeded search for better orders.

use super::ALIGNMENT_BYTES;
use super::lifetime::Buffer;

/// Offsets and the bytes that they span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) offsets: Vec<u64>,
    pub(super) arena_bytes: u64,
}

/// Orders tried before the search gives up; the number, not the time, so that plans are repeatable.
const ATTEMPTS: usize = 20_000;

/// Buffer-against-buffer comparisons that the search may spend.
const COMPARISONS: usize = 200_000_000;

/// Places buffers so that those which meet in time are disjoint.
pub(super) fn place(buffers: &[Buffer]) -> Placement {
    let bound = lower_bound(buffers);
    let is_tensor =
        |(buffer, offset): (&Buffer, &u64)| (!buffer.tensors.is_empty()).then(|| offset + buffer.bytes);
    let tensor_bytes = |placement: &Placement| {
        buffers.iter().zip(&placement.offsets).filter_map(is_tensor).max().unwrap_or(0)
    };
    let mut best_order: Vec<usize> = (0..buffers.len()).collect();
    best_order.sort_by_key(|&index| (std::cmp::Reverse(buffers[index].bytes), buffers[index].first, index));
    let mut best = place_in_order(buffers, &best_order);
    let by_time = by(buffers, |buffer| (buffer.first, std::cmp::Reverse(buffer.bytes)));
    let by_span = by(buffers, |buffer| {
        (
            std::cmp::Reverse(buffer.bytes.saturating_mul((buffer.last - buffer.first + 1) as u64)),
            std::cmp::Reverse(0),
        )
    });
    // Scratch last: it then stands on top of the tensors, or in the gaps that they leave.
    let mut scratch_last = best_order.clone();
    scratch_last.sort_by_key(|&index| buffers[index].tensors.is_empty());
    for order in [scratch_last, by_time, by_span] {
        let placement = place_in_order(buffers, &order);
        if (placement.arena_bytes, tensor_bytes(&placement)) < (best.arena_bytes, tensor_bytes(&best)) {
            (best, best_order) = (placement, order);
        }
    }
    let attempts = ATTEMPTS.min(COMPARISONS / buffers.len().pow(2).max(1));
    let mut random = XorShift(0x9E37_79B9);
    for _ in 0..attempts {
        if best.arena_bytes <= bound || buffers.len() < 2 {
            break;
        }
        let mut order = best_order.clone();
        for _ in 0..1 + random.below(3) {
            let (from, to) = (random.below(order.len()), random.below(order.len()));
            let moved = order.remove(from);
            order.insert(to, moved);
        }
        let placement = place_in_order(buffers, &order);
        // Equal plans are taken too: they lead off plateaus.
        if placement.arena_bytes <= best.arena_bytes {
            (best, best_order) = (placement, order);
        }
    }
    best
}

/// One past the last byte of any of `buffers`.
pub(super) fn top(buffers: &[Buffer], offsets: &[u64]) -> u64 {
    buffers.iter().zip(offsets).map(|(buffer, offset)| offset + buffer.bytes).max().unwrap_or(0)
}

/// The largest sum of buffers that are live together; all but one of them end at a multiple of the
/// alignment, and one that grows over another counts with it.
fn lower_bound(buffers: &[Buffer]) -> u64 {
    buffers.iter().map(|buffer| live_bytes(buffers, buffer.first)).max().unwrap_or(0)
}

/// The fewest bytes in which all buffers that are live at a step find room.
pub(super) fn live_bytes(buffers: &[Buffer], step: usize) -> u64 {
    let (mut sum, mut most_saved) = (0, 0);
    for (index, buffer) in buffers.iter().enumerate().filter(|(_, buffer)| buffer.is_live(step)) {
        let over = buffers.iter().find(|over| over.over == Some(index) && over.is_live(step));
        let under = buffer.over.map(|under| &buffers[under]).filter(|under| under.is_live(step));
        // Of two in one place, the larger counts, of two alike the upper.
        let is_covered = over.is_some_and(|over| over.bytes >= buffer.bytes)
            || under.is_some_and(|under| under.bytes > buffer.bytes);
        if !is_covered {
            let aligned = align(buffer.bytes);
            sum += aligned;
            most_saved = most_saved.max(aligned - buffer.bytes);
        }
    }
    sum - most_saved
}

fn by<K: Ord>(buffers: &[Buffer], key: impl Fn(&Buffer) -> K) -> Vec<usize> {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&index| (key(&buffers[index]), index));
    order
}

fn place_in_order(buffers: &[Buffer], order: &[usize]) -> Placement {
    let mut offsets = vec![0; buffers.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(buffers.len());
    let mut arena_bytes = 0;
    for &index in order {
        if placed.contains(&index) {
            continue;
        }
        // Buffers that grow over one another have one place.
        let stack = stack(buffers, index);
        let mut offset = 0;
        let mut fits = false;
        while !fits {
            fits = true;
            // `placed` is sorted by offset: the first gap that is wide enough is the lowest.
            for &other in &placed {
                for &member in &stack {
                    let apart = offset + buffers[member].bytes <= offsets[other]
                        || offsets[other] + buffers[other].bytes <= offset
                        || !buffers[other].meets(&buffers[member]);
                    if !apart {
                        offset = align(offsets[other] + buffers[other].bytes);
                        fits = false;
                    }
                }
            }
        }
        for &member in &stack {
            offsets[member] = offset;
            let position = placed.partition_point(|&other| offsets[other] <= offset);
            placed.insert(position, member);
            arena_bytes = arena_bytes.max(offset + buffers[member].bytes);
        }
    }
    Placement { offsets, arena_bytes }
}

/// A buffer, those that it grows over and those that grow over it, the lowest first.
fn stack(buffers: &[Buffer], index: usize) -> Vec<usize> {
    let mut stack = vec![index];
    while let Some(under) = buffers[stack[0]].over {
        stack.insert(0, under);
    }
    while let Some(over) = (0..buffers.len()).find(|&over| buffers[over].over == stack.last().copied()) {
        stack.push(over);
    }
    stack
}

fn align(bytes: u64) -> u64 {
    bytes.div_ceil(u64::from(ALIGNMENT_BYTES)) * u64::from(ALIGNMENT_BYTES)
}

/// Marsaglia's xorshift32: enough to shuffle, the same everywhere.
struct XorShift(u32);

impl XorShift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random_buffers(random: &mut XorShift) -> Vec<Buffer> {
        (0..1 + random.below(24))
            .map(|_| {
                let first = random.below(12);
                let last = first + random.below(5);
                Buffer { tensors: Vec::new(), bytes: random.below(300) as u64, first, last, over: None }
            })
            .collect()
    }

    #[test]
    fn buffers_that_meet_never_overlap_and_the_bound_holds() {
        let mut random = XorShift(7);
        for _ in 0..200 {
            let buffers = random_buffers(&mut random);
            let placement = place(&buffers);
            for (index, first) in buffers.iter().enumerate() {
                assert_eq!(placement.offsets[index] % u64::from(ALIGNMENT_BYTES), 0);
                for (other, second) in buffers.iter().enumerate().skip(index + 1) {
                    let (a, b) = (placement.offsets[index], placement.offsets[other]);
                    let apart = a + first.bytes <= b || b + second.bytes <= a;
                    assert!(apart || !first.meets(second), "{first:?} at {a}, {second:?} at {b}");
                }
            }
            let bound = lower_bound(&buffers);
            assert!(placement.arena_bytes >= bound);
            assert!(placement.arena_bytes <= bound + bound / 50 + u64::from(ALIGNMENT_BYTES), "{buffers:?}");
            assert_eq!(placement.arena_bytes, top(&buffers, &placement.offsets));
        }
    }

    #[test]
    fn plans_are_repeatable() {
        let buffers = random_buffers(&mut XorShift(99));
        assert_eq!(place(&buffers), place(&buffers));
    }
}
