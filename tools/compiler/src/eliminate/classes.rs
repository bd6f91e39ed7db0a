//! Disjoint sets of channels, each of which stays or goes as one.

use super::Marks;

/// Disjoint sets of channels.
pub(super) struct Classes {
    /// Where each tensor's channels start.
    starts: Vec<usize>,
    counts: Vec<usize>,
    /// For each channel another one of its class, or itself: its root.
    parents: Vec<usize>,
    /// Whether the class stays, at its root.
    kept: Vec<bool>,
}

impl Classes {
    pub(super) fn new(marks: &Marks) -> Classes {
        let counts: Vec<usize> = marks.iter().map(Vec::len).collect();
        let starts = counts.iter().scan(0, |next, &count| {
            *next += count;
            Some(*next - count)
        });
        let starts = starts.collect();
        let all = counts.iter().sum();
        Classes { starts, counts, parents: (0..all).collect(), kept: vec![false; all] }
    }

    fn root(&mut self, tensor: usize, channel: usize) -> usize {
        let mut at = self.starts[tensor] + channel;
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    pub(super) fn link(&mut self, left: usize, left_channel: usize, right: usize, right_channel: usize) {
        let (left, right) = (self.root(left, left_channel), self.root(right, right_channel));
        self.parents[left] = right;
        self.kept[right] |= self.kept[left];
    }

    /// Links every `period`-th channel of a tensor.
    pub(super) fn repeat(&mut self, tensor: usize, period: usize) {
        (period..self.counts[tensor])
            .for_each(|channel| self.link(tensor, channel, tensor, channel % period));
    }

    pub(super) fn keep(&mut self, tensor: usize, channel: usize) {
        if channel < self.counts[tensor] {
            let root = self.root(tensor, channel);
            self.kept[root] = true;
        }
    }

    pub(super) fn keep_all(&mut self, tensor: usize) {
        (0..self.counts[tensor]).for_each(|channel| self.keep(tensor, channel));
    }

    fn is_kept(&mut self, tensor: usize, channel: usize) -> bool {
        let root = self.root(tensor, channel);
        self.kept[root]
    }

    /// Keeps the first channel of a tensor that has lost all.
    pub(super) fn keep_one(&mut self, tensor: usize) {
        if !self.any_kept(tensor) {
            self.keep(tensor, 0);
        }
    }

    pub(super) fn any_kept(&mut self, tensor: usize) -> bool {
        (0..self.counts[tensor]).any(|channel| self.is_kept(tensor, channel))
    }

    pub(super) fn marks(&mut self) -> Marks {
        let counts = self.counts.clone();
        let of = |(tensor, count)| (0..count).map(|channel| self.is_kept(tensor, channel)).collect();
        counts.into_iter().enumerate().map(of).collect()
    }
}
