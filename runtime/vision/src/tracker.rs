//! The tracker: identities for the objects of a video, at the end of the postprocess stage.
//!
//! Each track expects its box where a Kalman filter says, and takes the detection that
//! overlaps that place most. Detections with a high score choose first and may begin tracks; those
//! with a low score, which are often objects behind others, only keep alive what was seen lately
//! (ByteTrack: Zhang et al., "Multi-Object Tracking by Associating Every Detection Box",
//! ECCV 2022). Room is fixed, all arithmetic is in integers, and nothing here can fail.

mod association;

mod motion;

use core::num::NonZeroU32;

use heapless::Vec;
use ocelli_core::{BoundingBox, Detection, Score};

use association::{Pass, Taken};
use motion::Motion;

/// What a tracker needs to know of a detection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Observation {
    /// Tracks keep to one class.
    pub class_index: u16,
    /// Decides in which pass it is matched.
    pub score: Score,
    /// Where it is.
    pub bounds: BoundingBox,
}

impl<const KEYPOINTS: usize> From<&Detection<KEYPOINTS>> for Observation {
    fn from(detection: &Detection<KEYPOINTS>) -> Observation {
        let Detection { class_index, score, bounds, .. } = *detection;
        Observation { class_index, score, bounds }
    }
}

/// How a tracker decides. Overlaps are intersections over union in `1 / 65536`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TrackerOptions {
    /// Detections from this score on choose first and may begin a track.
    pub high_score: Score,
    /// Detections below this score are not looked at.
    pub low_score: Score,
    /// Least overlap of a detection of high score with the place where a confirmed track is expected.
    pub high_overlap: u16,
    /// The same for a track that is not confirmed yet.
    pub new_overlap: u16,
    /// The same for a detection of low score.
    pub low_overlap: u16,
    /// Frames in a row in which something must be seen until it gets an identity.
    pub confirm_frames: u16,
    /// Frames for which a track that is not seen is still told, where it is expected.
    pub coast_frames: u16,
    /// Frames after which a track that is not seen is forgotten.
    pub forget_frames: u16,
}

impl TrackerOptions {
    /// For detections that count from `threshold` on: half of it is a low score.
    pub const fn above(threshold: Score) -> TrackerOptions {
        TrackerOptions {
            high_score: threshold,
            low_score: Score(threshold.0 / 2),
            high_overlap: 16_384,
            new_overlap: 19_661,
            low_overlap: 32_768,
            confirm_frames: 3,
            coast_frames: 10,
            forget_frames: 120,
        }
    }
}

/// One object over frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Track {
    /// None until it is confirmed.
    identity: Option<NonZeroU32>,
    class_index: u16,
    score: Score,
    motion: Motion,
    seen_frames: u32,
    missed_frames: u16,
    /// Which detection of the last frame it took.
    detection: Option<u8>,
}

impl Track {
    fn begin(observation: &Observation, detection: u8) -> Track {
        Track {
            identity: None,
            class_index: observation.class_index,
            score: observation.score,
            motion: Motion::begin(&observation.bounds),
            seen_frames: 1,
            missed_frames: 0,
            detection: Some(detection),
        }
    }

    fn see(&mut self, observation: &Observation, detection: u8) {
        self.motion.correct(&observation.bounds);
        self.score = observation.score;
        self.seen_frames = self.seen_frames.saturating_add(1);
        self.missed_frames = 0;
        self.detection = Some(detection);
    }

    /// Its number: 1 for the first confirmed track, never given again. 0 while it is not confirmed.
    pub fn identity(&self) -> u32 {
        self.identity.map_or(0, NonZeroU32::get)
    }

    /// Index into the labels of the output contract.
    pub fn class_index(&self) -> u16 {
        self.class_index
    }

    /// The score of the last detection it took.
    pub fn score(&self) -> Score {
        self.score
    }

    /// Where it is, or where it is expected while it is not seen.
    pub fn bounds(&self) -> BoundingBox {
        self.motion.bounds()
    }

    /// Frames in which it was seen.
    pub fn seen_frames(&self) -> u32 {
        self.seen_frames
    }

    /// Frames since it was last seen: 0 when it is in the last frame.
    pub fn missed_frames(&self) -> u16 {
        self.missed_frames
    }
}

/// Follows up to `TRACKS` objects.
#[derive(Clone, Debug)]
pub struct Tracker<const TRACKS: usize> {
    options: TrackerOptions,
    tracks: Vec<Track, TRACKS>,
    last_identity: u32,
    overflowed: u32,
}

impl<const TRACKS: usize> Tracker<TRACKS> {
    /// Detections beyond these, in one frame, are not followed.
    pub const MAX_DETECTIONS: usize = 256;

    /// A tracker that has seen nothing.
    pub const fn new(options: TrackerOptions) -> Self {
        Tracker { options, tracks: Vec::new(), last_identity: 0, overflowed: 0 }
    }

    /// How it decides.
    pub fn options(&self) -> &TrackerOptions {
        &self.options
    }

    /// From the next frame on, decides otherwise; tracks stay.
    pub fn set_options(&mut self, options: TrackerOptions) {
        self.options = options;
    }

    /// Takes the detections of the next frame.
    pub fn update(&mut self, detections: impl Iterator<Item = Observation> + Clone) {
        let detections = detections.take(Self::MAX_DETECTIONS);
        let options = self.options;
        for track in &mut self.tracks {
            track.motion.predict(track.missed_frames == 0);
            track.detection = None;
        }
        let is_high = |seen: &Observation| seen.score >= options.high_score;
        let is_low = |seen: &Observation| !is_high(seen) && seen.score >= options.low_score;
        let mut taken = Taken::default();
        let confirmed = Pass {
            tracks: &|track| track.identity.is_some(),
            detections: &is_high,
            overlap: options.high_overlap,
        };
        let dimly_seen = Pass {
            tracks: &|track| track.identity.is_some() && track.missed_frames <= options.coast_frames,
            detections: &is_low,
            overlap: options.low_overlap,
        };
        let new = Pass {
            tracks: &|track| track.identity.is_none(),
            detections: &is_high,
            overlap: options.new_overlap,
        };
        for pass in [confirmed, dimly_seen, new] {
            pass.associate(&mut self.tracks, detections.clone(), &mut taken);
        }
        self.settle();
        for (index, observation) in detections.enumerate() {
            if is_high(&observation) && !taken.has(index) {
                let begun = self.tracks.push(Track::begin(&observation, index as u8));
                self.overflowed = self.overflowed.saturating_add(u32::from(begun.is_err()));
            }
        }
        // With one frame to confirm, what has begun is confirmed.
        self.confirm();
    }

    /// Tracks that are worth telling: confirmed, and seen lately. The oldest first.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> + Clone {
        let coast_frames = self.options.coast_frames;
        self.tracks
            .iter()
            .filter(move |track| track.identity.is_some() && track.missed_frames <= coast_frames)
    }

    /// The confirmed track that took detection `index` of the last frame.
    pub fn track_of(&self, index: usize) -> Option<&Track> {
        self.tracks().find(|track| track.detection.is_some_and(|detection| usize::from(detection) == index))
    }

    /// Objects that found no room so far.
    pub fn overflowed(&self) -> u32 {
        self.overflowed
    }

    /// Ages the tracks that took nothing, and drops those that are lost.
    fn settle(&mut self) {
        let forget_frames = self.options.forget_frames;
        self.tracks.retain_mut(|track| {
            if track.detection.is_none() {
                track.missed_frames = track.missed_frames.saturating_add(1);
            }
            match track.identity {
                Some(_) => track.missed_frames <= forget_frames,
                None => track.missed_frames == 0,
            }
        });
    }

    /// Gives an identity to every track that has been seen often enough.
    fn confirm(&mut self) {
        for track in &mut self.tracks {
            if track.identity.is_none() && track.seen_frames >= u32::from(self.options.confirm_frames) {
                self.last_identity = self.last_identity.saturating_add(1);
                track.identity = NonZeroU32::new(self.last_identity);
            }
        }
    }
}
