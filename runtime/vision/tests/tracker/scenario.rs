//! A crowd of boxes for the tracker, in integers: the same file runs in the tests of this crate and in firmware.

use ocelli_core::{BoundingBox, Score};
use ocelli_vision::{Observation, Tracker, TrackerOptions};

/// Frames of the scenario.
pub const FRAMES: u32 = 300;

/// The hash of [`run`], on every machine.
pub const HASH: u32 = 0x1bbd_71c4;

const BOXES: u32 = 9;

/// Follows boxes that cross, vanish, tremble and come in two classes; gives a hash over every track of every
/// frame, and the last identity.
pub fn run(mut each_frame: impl FnMut(&mut dyn FnMut())) -> (u32, u32) {
    let mut tracker = Tracker::<12>::new(TrackerOptions::above(Score(30_000)));
    let (mut random, mut hash, mut last) = (Random(0x51ce_0b0e), 0x811c_9dc5, 0);
    for frame in 0..FRAMES {
        let mut seen = [Observation::default(); 16];
        let mut count = 0;
        let mut add = |observation| {
            if let Some(place) = seen.get_mut(count) {
                *place = observation;
                count += 1;
            }
        };
        for index in 0..BOXES {
            if random.below(10) > 0 {
                add(moving(index, frame, &mut random));
            }
        }
        if random.below(8) == 0 {
            let (left, top) = (random.below(140_000) as i32, random.below(90_000) as i32);
            let bounds = BoundingBox { left, top, right: left + 20_000, bottom: top + 15_000 };
            add(Observation { class_index: 0, score: Score(45_000), bounds });
        }
        each_frame(&mut || tracker.update(seen.iter().take(count).copied()));
        for track in tracker.tracks() {
            last = last.max(track.identity());
            let BoundingBox { left, top, right, bottom } = track.bounds();
            let facts = [
                frame,
                track.identity(),
                track.class_index().into(),
                track.missed_frames().into(),
                left as u32,
                top as u32,
                right as u32,
                bottom as u32,
            ];
            for fact in facts {
                hash = (hash ^ fact).wrapping_mul(0x0100_0193);
            }
        }
    }
    (hash, last)
}

/// Box `index`, of its own size and speed, folded at the edges.
fn moving(index: u32, frame: u32, random: &mut Random) -> Observation {
    let side = 16_000 + 2_500 * index as i32;
    let fold = |way: u32, room: u32| {
        let at = way % (2 * room);
        at.min(2 * room - at) as i32
    };
    let mut tremble = || random.below(600) as i32 - 300;
    let left = fold(frame * (311 + 97 * index) + 21_000 * index, 160_000 - side as u32) + tremble();
    let top = fold(frame * (157 + 53 * (index % 4)) + 9_000 * index, 120_000 - side as u32) + tremble();
    let bounds = BoundingBox { left, top, right: left + side + tremble(), bottom: top + side + tremble() };
    // Every third is dim now and then.
    let score = if index.is_multiple_of(3) && (frame / 8).is_multiple_of(3) { 20_000 } else { 50_000 };
    Observation { class_index: (index / 6) as u16, score: Score(score), bounds }
}

struct Random(u32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) % bound
    }
}
