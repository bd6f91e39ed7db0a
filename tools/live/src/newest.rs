//! The queue between two stages: room for one item, and a newer one takes its place.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Room for the newest item.
#[derive(Debug)]
pub(crate) struct Newest<T> {
    slot: Mutex<Slot<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Slot<T> {
    item: Option<T>,
    is_closed: bool,
    dropped: u64,
}

/// What a wait for an item ended with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    Item(T),
    /// No item came in time.
    Nothing,
    /// The queue is closed and empty.
    Closed,
}

impl<T> Newest<T> {
    pub(crate) fn new() -> Newest<T> {
        let slot = Slot { item: None, is_closed: false, dropped: 0 };
        Newest { slot: Mutex::new(slot), changed: Condvar::new() }
    }

    /// Puts an item in. Gives back the one that nobody took, which counts as dropped, for its memory.
    pub(crate) fn put(&self, item: T) -> Option<T> {
        let mut slot = self.lock();
        let unread = slot.item.replace(item);
        slot.dropped += u64::from(unread.is_some());
        self.changed.notify_one();
        unread
    }

    /// Waits for an item; `None` when the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<T> {
        match self.take_within(None) {
            Taken::Item(item) => Some(item),
            Taken::Nothing | Taken::Closed => None,
        }
    }

    /// Waits for an item, so long at most where there is a limit.
    pub(crate) fn take_within(&self, limit: Option<Duration>) -> Taken<T> {
        let waiting = |slot: &mut Slot<T>| slot.item.is_none() && !slot.is_closed;
        let slot = self.lock();
        let mut slot = match limit {
            None => self.changed.wait_while(slot, waiting).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                let waited = self.changed.wait_timeout_while(slot, limit, waiting);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        match slot.item.take() {
            Some(item) => Taken::Item(item),
            None if slot.is_closed => Taken::Closed,
            None => Taken::Nothing,
        }
    }

    /// No more items will come: whoever waits is told.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Whether either side has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Items that made way for newer ones.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// A thread that panicked leaves an item or none: both are sound.
    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_wins_and_the_others_are_counted() {
        let queue = Newest::new();
        assert_eq!(queue.put(1), None);
        assert_eq!(queue.put(2), Some(1));
        assert_eq!(queue.put(3), Some(2));
        assert_eq!((queue.take(), queue.dropped()), (Some(3), 2));
    }

    #[test]
    fn closing_wakes_who_waits_after_the_last_item() {
        let queue = Newest::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.take());
            queue.put(5);
            assert_eq!(waiting.join().unwrap(), Some(5));
            let waiting = scope.spawn(|| queue.take());
            queue.close();
            assert_eq!(waiting.join().unwrap(), None);
        });
        queue.put(6);
        assert_eq!((queue.take(), queue.take()), (Some(6), None));
        assert_eq!(queue.take_within(Some(Duration::from_secs(60))), Taken::Closed);
    }

    #[test]
    fn a_wait_may_have_a_limit() {
        let queue = Newest::new();
        assert_eq!(queue.take_within(Some(Duration::ZERO)), Taken::Nothing);
        queue.put(7);
        assert_eq!(queue.take_within(Some(Duration::ZERO)), Taken::Item(7));
    }
}
