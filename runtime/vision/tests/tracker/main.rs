//! The tracker: identities that stay, room that ends, and the same bits as on a device.

mod scenario;

use ocelli_core::{BoundingBox, Score};
use ocelli_vision::{Observation, Tracker, TrackerOptions};

const HIGH: Score = Score(40_000);
const LOW: Score = Score(22_000);

fn options() -> TrackerOptions {
    TrackerOptions { forget_frames: 20, ..TrackerOptions::above(Score(32_768)) }
}

/// A box of 40 x 40 pixels.
fn at(x: i32, y: i32, score: Score) -> Observation {
    let [left, top] = [x * 256, y * 256];
    let bounds = BoundingBox { left, top, right: left + 40 * 256, bottom: top + 40 * 256 };
    Observation { class_index: 0, score, bounds }
}

fn identities<const TRACKS: usize>(tracker: &Tracker<TRACKS>) -> Vec<u32> {
    tracker.tracks().map(|track| track.identity()).collect()
}

#[test]
fn the_scenario_has_the_hash_that_devices_must_have() {
    let (hash, last) = scenario::run(|update| update());
    println!("hash {hash:#010x}, {last} identities for {} frames", scenario::FRAMES);
    assert_eq!(hash, scenario::HASH);
    assert!((9..20).contains(&last), "{last} identities for nine boxes");
}

#[test]
fn three_frames_make_an_identity_and_one_does_not() {
    let mut tracker = Tracker::<4>::new(options());
    for x in [0, 4] {
        tracker.update([at(x, 0, HIGH)].into_iter());
        assert_eq!(identities(&tracker), []);
    }
    tracker.update([at(8, 0, HIGH), at(300, 300, HIGH)].into_iter());
    assert_eq!(identities(&tracker), [1]);
    assert_eq!(tracker.track_of(0).map(|track| track.identity()), Some(1));
    assert!(tracker.track_of(1).is_none(), "what was seen once is nobody yet");
}

#[test]
fn boxes_that_cross_keep_their_identities() {
    let mut tracker = Tracker::<4>::new(options());
    for frame in 0..60 {
        let (right, left) = (at(4 * frame, 0, HIGH), at(240 - 4 * frame, 10, HIGH));
        // They are given in the order of their places, as a detector might.
        let seen = if frame < 30 { [right, left] } else { [left, right] };
        tracker.update(seen.into_iter());
    }
    let right = tracker.tracks().max_by_key(|track| track.bounds().left).unwrap();
    assert_eq!(right.identity(), 1, "the one that began on the left is on the right");
    assert_eq!(identities(&tracker), [1, 2]);
}

#[test]
fn what_is_hidden_is_told_for_a_while_and_known_again_later() {
    let mut tracker = Tracker::<4>::new(options());
    (0..20).for_each(|frame| tracker.update([at(3 * frame, 0, HIGH)].into_iter()));
    let nothing = || std::iter::empty();
    for _ in 0..10 {
        tracker.update(nothing());
        assert_eq!(identities(&tracker), [1]);
    }
    tracker.update(nothing());
    assert_eq!(identities(&tracker), [], "eleven frames are too many to tell where it is");
    tracker.update([at(3 * 31, 0, HIGH)].into_iter());
    assert_eq!(identities(&tracker), [1]);
    (0..21).for_each(|_| tracker.update(nothing()));
    (0..3).for_each(|_| tracker.update([at(93, 0, HIGH)].into_iter()));
    assert_eq!(identities(&tracker), [2], "twenty frames are forgotten");
}

#[test]
fn low_scores_keep_a_track_alive_and_begin_none() {
    let mut tracker = Tracker::<4>::new(options());
    (0..5).for_each(|_| tracker.update([at(0, 0, LOW)].into_iter()));
    (0..3).for_each(|_| tracker.update([at(100, 0, HIGH)].into_iter()));
    assert_eq!(identities(&tracker), [1]);
    tracker.update([at(100, 0, LOW), at(100, 0, Score(9))].into_iter());
    let track = tracker.track_of(0).unwrap();
    assert_eq!((track.missed_frames(), track.score(), track.seen_frames()), (0, LOW, 4));
}

#[test]
fn classes_stay_apart() {
    let mut tracker = Tracker::<4>::new(options());
    let other = Observation { class_index: 7, ..at(0, 0, HIGH) };
    (0..3).for_each(|_| tracker.update([at(0, 0, HIGH)].into_iter()));
    (0..3).for_each(|_| tracker.update([other].into_iter()));
    let classes: Vec<_> = tracker.tracks().map(|track| (track.identity(), track.class_index())).collect();
    assert_eq!(classes, [(1, 0), (2, 7)]);
}

#[test]
fn room_that_ends_is_counted_and_too_many_detections_are_left_out() {
    let mut tracker = Tracker::<2>::new(options());
    let crowd = (0..300).map(|index| at(50 * index, 0, HIGH));
    tracker.update(crowd.clone());
    assert_eq!(tracker.overflowed(), 254, "256 are looked at, and two have room");
    tracker.update(crowd.clone());
    tracker.update(crowd);
    assert_eq!(identities(&tracker), [1, 2]);
    let mut none = Tracker::<0>::new(options());
    none.update([at(0, 0, HIGH)].into_iter());
    assert_eq!((none.tracks().count(), none.overflowed()), (0, 1));
}
