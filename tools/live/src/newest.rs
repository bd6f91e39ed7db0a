//! The queue between two stages: room for one item, and a newer one takes its place.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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
        let waiting = |slot: &mut Slot<T>| slot.item.is_none() && !slot.is_closed;
        let slot = self.changed.wait_while(self.lock(), waiting);
        slot.unwrap_or_else(PoisonError::into_inner).item.take()
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
    }
}
