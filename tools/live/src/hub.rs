//! Where the page's emitter leaves the newest picture and answer, and browsers find them, and what has been counted:
//! the one thing that the threads of the stages, of the emitters and of the server share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::metrics::Totals;
use crate::settings::Settings;

/// Shared by stages and server.
#[derive(Debug)]
pub struct Hub {
    state: Mutex<State>,
    changed: Condvar,
    watchers: AtomicUsize,
}

#[derive(Debug)]
struct State {
    newest: Option<Arc<[u8]>>,
    version: u64,
    settings: Option<Settings>,
    totals: Totals,
    is_closed: bool,
}

/// A browser that watches; it counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher<'h> {
    hub: &'h Hub,
    seen: u64,
}

impl Hub {
    /// A hub for a model whose boxes count by `settings`, or for one that has none.
    pub fn new(settings: Option<Settings>) -> Hub {
        let state = State { newest: None, version: 0, settings, totals: Totals::default(), is_closed: false };
        Hub { state: Mutex::new(state), changed: Condvar::new(), watchers: AtomicUsize::new(0) }
    }

    /// What browsers want to see now.
    pub fn settings(&self) -> Option<Settings> {
        self.lock().settings
    }

    /// Changes what counts. Nothing happens where there is nothing to set.
    pub fn set_settings(&self, settings: Settings) {
        let mut state = self.lock();
        if state.settings.is_some() {
            state.settings = Some(settings);
        }
    }

    /// What has happened so far.
    pub fn totals(&self) -> Totals {
        let mut totals = self.lock().totals.clone();
        totals.watchers = self.watchers.load(Ordering::Relaxed);
        totals
    }

    /// Ends the stages after what they are doing, and every stream.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Sleeps until the hub is closed.
    pub(crate) fn until_closed(&self) {
        let closed = self.changed.wait_while(self.lock(), |state| !state.is_closed);
        drop(closed.unwrap_or_else(PoisonError::into_inner));
    }

    /// Sleeps, unless the hub is closed meanwhile.
    pub(crate) fn wait_closed(&self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut state = self.lock();
        while !state.is_closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Adds to the totals, and gives what is asked of them.
    pub(crate) fn count<R>(&self, add: impl FnOnce(&mut Totals) -> R) -> R {
        add(&mut self.lock().totals)
    }

    /// Whether any browser would see a picture.
    pub(crate) fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// Gives browsers a picture and what is told of it, as one record: two lengths of four bytes,
    /// little-endian, then JSON and JPEG.
    pub(crate) fn publish(&self, told: &Value, jpeg: &[u8]) {
        let json = told.to_string();
        let lengths = [json.len() as u32, jpeg.len() as u32].map(u32::to_le_bytes);
        let record = [lengths.as_flattened(), json.as_bytes(), jpeg].concat();
        let mut state = self.lock();
        state.newest = Some(record.into());
        state.version += 1;
        self.changed.notify_all();
    }

    pub(crate) fn watch(&self) -> Watcher<'_> {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        Watcher { hub: self, seen: 0 }
    }

    /// A thread that panicked has not left the state halfway: every change is one assignment or a count.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher<'_> {
    /// Waits for a record that is newer than the last; `None` when the hub is closed.
    pub(crate) fn next(&mut self) -> Option<Arc<[u8]>> {
        let waiting = |state: &mut State| state.version == self.seen && !state.is_closed;
        let state = self.hub.changed.wait_while(self.hub.lock(), waiting);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return None;
        }
        self.seen = state.version;
        state.newest.clone()
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        self.hub.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}
