//! What a tracker adds to an answer: who each detection is, and who is expected though nothing is seen.

use ocelli::{Artefact, Detections, Score, Track};
use ocelli_live::{Colour, Mark, colour_of_class};
use serde_json::{Value, json};

use crate::answer::{class_name, pixels};
use crate::session::HostTracker;

/// Places of the detections that count, best first. While there is a tracker, those with low scores are among the
/// others, and count when they are somebody.
pub fn counting<const DETECTIONS: usize, const KEYPOINTS: usize>(
    detections: &Detections<DETECTIONS, KEYPOINTS>,
    tracker: Option<&HostTracker>,
) -> Vec<usize> {
    let counts = |index: &usize| match tracker {
        Some(tracker) => {
            let is_high = |score: Score| score >= tracker.options().high_score;
            is_high(detections.found[*index].score) || tracker.track_of(*index).is_some()
        }
        None => true,
    };
    (0..detections.found.len()).filter(counts).collect()
}

/// Who detection `index` is.
pub fn identity(tracker: Option<&HostTracker>, index: usize) -> Option<u32> {
    tracker?.track_of(index).map(Track::identity)
}

/// All tracks for machines, the oldest first.
pub fn tracks_json(artefact: &Artefact<'_>, tracker: &HostTracker) -> Value {
    let tracks = tracker.tracks().map(|track| {
        let bounds = track.bounds();
        json!({
            "track": track.identity(),
            "class": class_name(artefact, track.class_index()),
            "score": f64::from(track.score().0) / 65536.0,
            "seen_frames": track.seen_frames(),
            "missed_frames": track.missed_frames(),
            "left": pixels(bounds.left),
            "top": pixels(bounds.top),
            "right": pixels(bounds.right),
            "bottom": pixels(bounds.bottom),
        })
    });
    tracks.collect()
}

/// Tracks that are expected somewhere but not seen, for people.
pub fn hidden_lines(artefact: &Artefact<'_>, tracker: Option<&HostTracker>) -> Vec<String> {
    let line = |track: &Track| {
        let (name, bounds) = (named(artefact, track), track.bounds());
        let [left, top] = [bounds.left, bounds.top].map(pixels);
        format!("{name:<14}  hidden   expected at {left:.0}, {top:.0}")
    };
    hidden(tracker).map(line).collect()
}

/// The boxes where tracks are expected that are not seen.
pub fn hidden_marks(artefact: &Artefact<'_>, tracker: Option<&HostTracker>) -> Vec<Mark> {
    let marks = |track: &Track| {
        let (bounds, colour) = (track.bounds(), colour_of_track(track.identity()));
        let label = format!("{} hidden", named(artefact, track));
        [Mark::Outline(bounds, colour), Mark::Label(bounds, label, colour)]
    };
    hidden(tracker).flat_map(marks).collect()
}

/// Neighbouring identities differ.
pub fn colour_of_track(identity: u32) -> Colour {
    colour_of_class(identity as u16)
}

fn hidden(tracker: Option<&HostTracker>) -> impl Iterator<Item = &Track> {
    tracker.into_iter().flat_map(|tracker| tracker.tracks()).filter(|track| track.missed_frames() > 0)
}

fn named(artefact: &Artefact<'_>, track: &Track) -> String {
    format!("{} #{}", class_name(artefact, track.class_index()), track.identity())
}
