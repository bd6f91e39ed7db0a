//! The values that a channel can take, as the two ends of a range.

/// Every value of a channel, at any position and for any input, lies between these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// The least.
    pub low: i8,
    /// The greatest.
    pub high: i8,
}

impl Range {
    /// Nothing is known.
    pub const WHOLE: Range = Range { low: i8::MIN, high: i8::MAX };

    /// A single value.
    pub const fn of(value: i8) -> Range {
        Range { low: value, high: value }
    }

    /// The value of a channel that has only one.
    pub fn constant(self) -> Option<i8> {
        (self.low == self.high).then_some(self.low)
    }

    /// Both ranges and what lies between them.
    pub fn hull(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The range of some values; of none, [`Range::WHOLE`].
    pub fn over(values: impl IntoIterator<Item = i8>) -> Range {
        values.into_iter().map(Range::of).reduce(Range::hull).unwrap_or(Range::WHOLE)
    }
}

/// The hull of every `period`-th range, for each of the `period` first.
pub(super) fn folded(ranges: &[Range], period: usize) -> Vec<Range> {
    let mut folded = ranges.get(..period).unwrap_or(&[]).to_vec();
    for (index, &range) in ranges.iter().enumerate() {
        let slot = &mut folded[index % period];
        *slot = slot.hull(range);
    }
    folded
}

/// The greatest common divisor: the period with which two axes of these extents meet again when the
/// same bytes are read under both.
pub(super) fn period(left: usize, right: usize) -> usize {
    if right == 0 { left } else { period(right, left % right) }
}
