//! Which of several backends runs: found out when the first kernel does, and kept.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A choice among backends by their names, best first.
pub(super) struct Selection {
    names: &'static [&'static str],
    best: fn() -> usize,
    /// Index among the names, or [`UNKNOWN`].
    chosen: AtomicU8,
}

const UNKNOWN: u8 = u8::MAX;

impl Selection {
    /// Nothing chosen yet; `best` says which the processor can run, and so can it run those behind.
    pub(super) const fn new(names: &'static [&'static str], best: fn() -> usize) -> Selection {
        Selection { names, best, chosen: AtomicU8::new(UNKNOWN) }
    }

    /// What the processor can run, best first.
    pub(super) fn available(&self) -> &'static [&'static str] {
        self.names.get((self.best)()..).unwrap_or(&[])
    }

    /// The name of the chosen one.
    pub(super) fn name(&self) -> &'static str {
        self.names.get(self.index()).copied().unwrap_or("reference")
    }

    /// The index of the chosen one: the best, unless another was asked for.
    pub(super) fn index(&self) -> usize {
        match self.chosen.load(Relaxed) {
            UNKNOWN => {
                let best = (self.best)();
                self.chosen.store(best as u8, Relaxed);
                best
            }
            chosen => usize::from(chosen),
        }
    }

    /// Chooses by name; `false` for one that the processor cannot run.
    pub(super) fn choose(&self, name: &str) -> bool {
        let index =
            self.names.iter().position(|&other| other == name).filter(|&index| index >= (self.best)());
        if let Some(index) = index {
            self.chosen.store(index as u8, Relaxed);
        }
        index.is_some()
    }
}
