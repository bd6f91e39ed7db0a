//! The ring of frame buffers under every interleaving of an interrupt that fills and a reader that reads.
//!
//! Each side is a little program whose steps happen in one piece: a transition of the ring (a critical section, which on
//! two cores takes a hardware lock) or one half of a frame's pixels, which no lock protects. The search visits
//! every state that any order of these steps can reach, for as many frames as it is told.

use std::collections::HashSet;

use ocelli_core::{CaptureError, Grabbing, Ring};

/// What the interrupt does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Writer {
    Begin,
    WriteHalf { slot: usize, half: usize },
    End { slot: usize },
}

/// What the reader does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Reader {
    Take,
    ReadHalf { slot: usize, number: u32, half: usize },
    GiveBack { slot: usize },
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State<const SLOTS: usize> {
    ring: Ring<SLOTS>,
    writer: Writer,
    reader: Reader,
    /// Both halves of every buffer hold the number of the frame that wrote them.
    pixels: [[Option<u32>; 2]; SLOTS],
    /// The frame that the interrupt is at.
    number: u32,
    /// The newest complete frame.
    complete: Option<u32>,
    delivered: Vec<u32>,
    failed: u32,
}

impl<const SLOTS: usize> State<SLOTS> {
    fn new(grabbing: Grabbing) -> Self {
        State {
            ring: Ring::new(grabbing),
            writer: Writer::Begin,
            reader: Reader::Take,
            pixels: [[None; 2]; SLOTS],
            number: 0,
            complete: None,
            delivered: Vec::new(),
            failed: 0,
        }
    }

    /// The states after one step of the interrupt; a frame may end well or badly.
    fn write(&self, frames: u32) -> Vec<Self> {
        let mut next = self.clone();
        match self.writer {
            Writer::Begin if self.ring.begun() == frames => return Vec::new(),
            Writer::Begin => {
                next.number = self.ring.begun();
                if let Some(slot) = next.ring.begin(u64::from(next.number) * 1000) {
                    next.writer = Writer::WriteHalf { slot, half: 0 };
                }
            }
            Writer::WriteHalf { slot, half } => {
                next.pixels[slot][half] = Some(self.number);
                next.writer =
                    if half == 0 { Writer::WriteHalf { slot, half: 1 } } else { Writer::End { slot } };
            }
            Writer::End { slot } => {
                next.writer = Writer::Begin;
                let mut lost = next.clone();
                lost.ring.fail(slot, CaptureError::Bus);
                lost.failed += 1;
                next.ring.complete(slot);
                next.complete = Some(self.number);
                return vec![next, lost];
            }
        }
        vec![next]
    }

    /// The state after one step of the reader, which checks all that it sees.
    fn read(&self, grabbing: Grabbing) -> Self {
        let mut next = self.clone();
        match self.reader {
            Reader::Take => match next.ring.take() {
                Err(cause) => assert_eq!(cause, CaptureError::Bus),
                Ok(None) => assert_eq!(self.ring.ready(), 0),
                Ok(Some((slot, stamp))) => {
                    assert_eq!(stamp.time_us, u64::from(stamp.number) * 1000);
                    assert!(self.delivered.last().is_none_or(|&last| last < stamp.number), "order");
                    if grabbing == Grabbing::Latest {
                        assert_eq!(Some(stamp.number), self.complete, "not the newest");
                    }
                    next.delivered.push(stamp.number);
                    next.reader = Reader::ReadHalf { slot, number: stamp.number, half: 0 };
                }
            },
            Reader::ReadHalf { slot, number, half } => {
                assert_eq!(self.pixels[slot][half], Some(number), "torn");
                next.reader = match half {
                    0 => Reader::ReadHalf { slot, number, half: 1 },
                    _ => Reader::GiveBack { slot },
                };
            }
            Reader::GiveBack { slot } => {
                next.ring.give_back(slot);
                next.reader = Reader::Take;
            }
        }
        next
    }

    /// What holds in every state.
    fn check(&self, grabbing: Grabbing) {
        let counts = self.ring.counts();
        let (filling, ready) = (u32::from(self.writer != Writer::Begin), self.ring.ready() as u32);
        assert_eq!(counts.failed(), self.failed);
        assert_eq!(counts.delivered, self.delivered.len() as u32);
        let known = counts.delivered + counts.dropped + counts.failed() + ready + filling;
        assert_eq!(self.ring.begun(), known, "a frame is lost or counted twice");
        if grabbing == Grabbing::Latest {
            assert!(ready <= 1);
        }
        assert!(ready as usize <= SLOTS);
    }
}

/// Visits every reachable state; returns how many there are.
fn explore<const SLOTS: usize>(grabbing: Grabbing, frames: u32) -> usize {
    let mut seen = HashSet::new();
    let mut open = vec![State::<SLOTS>::new(grabbing)];
    let mut most_dropped = 0;
    while let Some(state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        state.check(grabbing);
        most_dropped = most_dropped.max(state.ring.counts().dropped);
        open.extend(state.write(frames));
        open.push(state.read(grabbing));
    }
    assert!(most_dropped > 0, "no order of steps drops a frame");
    seen.len()
}

#[test]
fn no_interleaving_tears_loses_or_reorders_a_frame() {
    for grabbing in [Grabbing::Latest, Grabbing::Oldest] {
        let states = [explore::<2>(grabbing, 6), explore::<3>(grabbing, 6), explore::<4>(grabbing, 5)];
        println!("{grabbing:?}: {} states of rings of 2, 3, 4 slots", states.iter().sum::<usize>());
    }
}

#[test]
fn latest_gives_the_newest_and_counts_what_it_skipped() {
    let mut ring = Ring::<3>::new(Grabbing::Latest);
    for time in 0..5 {
        let slot = ring.begin(time).unwrap();
        ring.complete(slot);
    }
    let (slot, stamp) = ring.take().unwrap().unwrap();
    assert_eq!((stamp.number, stamp.time_us, ring.counts().dropped), (4, 4, 4));
    assert_eq!(ring.take(), Ok(None), "older frames are gone");
    ring.give_back(slot);
}

#[test]
fn oldest_gives_them_in_order_and_counts_what_found_no_room() {
    let mut ring = Ring::<2>::new(Grabbing::Oldest);
    for time in 0..5 {
        if let Some(slot) = ring.begin(time) {
            ring.complete(slot);
        }
    }
    let numbers: Vec<u32> =
        std::iter::from_fn(|| ring.take().unwrap()).map(|(_, stamp)| stamp.number).collect();
    assert_eq!((numbers, ring.counts().dropped), (vec![0, 1], 3));
    assert_eq!(ring.begin(9), None, "both are on loan");
    ring.give_back(0);
    assert_eq!(ring.begin(10), Some(0));
}

#[test]
fn failures_are_told_once() {
    let mut ring = Ring::<2>::new(Grabbing::Latest);
    let cause = CaptureError::Truncated { needed_bytes: 8, received_bytes: 7 };
    let slot = ring.begin(0).unwrap();
    assert_eq!((ring.begin(1), ring.counts().dropped), (None, 1), "one is filled at a time");
    ring.fail(slot, cause);
    ring.fail(slot, cause);
    ring.complete(slot);
    ring.give_back(slot);
    assert_eq!(ring.counts().truncated, 1, "only a slot that is filled can fail");
    assert_eq!((ring.take(), ring.take()), (Err(cause), Ok(None)));
}
