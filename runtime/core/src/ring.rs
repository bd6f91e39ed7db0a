//! The state machine of a ring of frame buffers: which slot is free, being filled, ready, or held by a reader.
//!
//! Capture and the stages after it run at their own pace, an interrupt (or another core) beside the main loop, and
//! meet here. The machine is pure: it moves no pixels, and whoever shares it makes each transition one critical section.
//! `tests/ring.rs` walks through every interleaving of two such sides.

use crate::{CaptureCounts, CaptureError};

/// Which frame a reader gets, and which is lost when readers are slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Grabbing {
    /// The newest: older ones make room, and count as dropped.
    Latest,
    /// The oldest: while all slots wait, new ones are not begun, and count as dropped.
    Oldest,
}

/// Which frame it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameStamp {
    /// Counts every frame that the sensor began, lost ones too, and wraps.
    pub number: u32,
    /// When it began, by the board's clock.
    pub time_us: u64,
}

/// What a slot is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Free,
    Filling(FrameStamp),
    Ready(FrameStamp),
    Held(FrameStamp),
}

/// The state of a ring of `SLOTS` buffers, two or more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ring<const SLOTS: usize> {
    slots: [Slot; SLOTS],
    grabbing: Grabbing,
    next_number: u32,
    counts: CaptureCounts,
    /// The last failure that no reader has heard of.
    failure: Option<CaptureError>,
}

impl<const SLOTS: usize> Ring<SLOTS> {
    /// A ring of free slots.
    pub const fn new(grabbing: Grabbing) -> Self {
        const { assert!(SLOTS >= 2, "one slot is filled while another is read") };
        let counts = CaptureCounts {
            delivered: 0,
            dropped: 0,
            bus: 0,
            not_detected: 0,
            unsupported_format: 0,
            overrun: 0,
            truncated: 0,
            timeout: 0,
        };
        Ring { slots: [Slot::Free; SLOTS], grabbing, next_number: 0, counts, failure: None }
    }

    /// A frame begins: the slot to fill, or `None` when it is dropped. One is filled at a time.
    pub fn begin(&mut self, time_us: u64) -> Option<usize> {
        let stamp = FrameStamp { number: self.next_number, time_us };
        self.next_number = self.next_number.wrapping_add(1);
        let slot = self.room();
        match slot {
            Some(slot) => self.slots[slot] = Slot::Filling(stamp),
            None => self.drop_one(),
        }
        slot
    }

    /// The frame in `slot` is in memory.
    pub fn complete(&mut self, slot: usize) {
        let Some(&Slot::Filling(stamp)) = self.slots.get(slot) else { return };
        if self.grabbing == Grabbing::Latest
            && let Some(older) = self.oldest_ready()
        {
            self.slots[older] = Slot::Free;
            self.drop_one();
        }
        self.slots[slot] = Slot::Ready(stamp);
    }

    /// The frame in `slot` is lost.
    pub fn fail(&mut self, slot: usize, cause: CaptureError) {
        let Some(filling @ Slot::Filling(_)) = self.slots.get_mut(slot) else { return };
        *filling = Slot::Free;
        self.report(cause);
    }

    /// Something went wrong outside any frame; the reader hears of it.
    pub fn report(&mut self, cause: CaptureError) {
        self.counts.add(cause);
        self.failure = Some(cause);
    }

    /// The slot of the next frame for the reader, `None` while there is none. A failure since the last
    /// call comes first; of several the last.
    ///
    /// # Errors
    /// That failure.
    pub fn take(&mut self) -> Result<Option<(usize, FrameStamp)>, CaptureError> {
        if let Some(cause) = self.failure.take() {
            return Err(cause);
        }
        let Some(slot) = self.oldest_ready() else { return Ok(None) };
        let Slot::Ready(stamp) = self.slots[slot] else { return Ok(None) };
        self.slots[slot] = Slot::Held(stamp);
        self.counts.delivered = self.counts.delivered.wrapping_add(1);
        Ok(Some((slot, stamp)))
    }

    /// The reader is done with `slot`.
    pub fn give_back(&mut self, slot: usize) {
        if let Some(held @ Slot::Held(_)) = self.slots.get_mut(slot) {
            *held = Slot::Free;
        }
    }

    /// What became of the frames so far.
    pub fn counts(&self) -> CaptureCounts {
        self.counts
    }

    /// Frames that began so far, modulo 2^32.
    pub fn begun(&self) -> u32 {
        self.next_number
    }

    /// Complete frames that nobody has read.
    pub fn ready(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot, Slot::Ready(_))).count()
    }

    /// A slot for a new frame: a free one, or the oldest that waits where the newest counts.
    fn room(&mut self) -> Option<usize> {
        if self.slots.iter().any(|slot| matches!(slot, Slot::Filling(_))) {
            return None;
        }
        if let Some(free) = self.slots.iter().position(|slot| *slot == Slot::Free) {
            return Some(free);
        }
        let oldest = (self.grabbing == Grabbing::Latest).then(|| self.oldest_ready()).flatten()?;
        self.drop_one();
        Some(oldest)
    }

    fn oldest_ready(&self) -> Option<usize> {
        let age = |slot: &Slot| match slot {
            Slot::Ready(stamp) => Some(self.next_number.wrapping_sub(stamp.number)),
            _ => None,
        };
        let ages = self.slots.iter().enumerate().filter_map(|(index, slot)| Some((age(slot)?, index)));
        ages.max().map(|(_, index)| index)
    }

    fn drop_one(&mut self) {
        self.counts.dropped = self.counts.dropped.wrapping_add(1);
    }
}
