//! Which track takes which detection: the pair that overlaps most first, then the next.
//!
//! A pair may join at once when neither of both has a better one, so no list of pairs is kept: rounds
//! over tracks and detections end when none joins. The best pair of all is always such a pair, so
//! there are at most as many rounds as tracks, and hardly ever more than two.

use ocelli_core::BoundingBox;

use super::{Observation, Track, motion::overlap};

/// Which detections have been taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken([u32; 8]);

impl Taken {
    /// Whether detection `index` has been taken. There is none beyond the 256th.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.0.get(index / 32).is_none_or(|word| word >> (index % 32) & 1 != 0)
    }

    fn take(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 32) {
            *word |= 1 << (index % 32);
        }
    }
}

/// Who may take what.
pub(crate) struct Pass<'p> {
    /// Tracks that take part.
    pub(crate) tracks: &'p dyn Fn(&Track) -> bool,
    /// Detections that take part.
    pub(crate) detections: &'p dyn Fn(&Observation) -> bool,
    /// Least overlap of a pair, in `1 / 65536`.
    pub(crate) overlap: u16,
}

impl Pass<'_> {
    /// Joins tracks that have none yet with detections that are free.
    pub(crate) fn associate(
        &self,
        tracks: &mut [Track],
        detections: impl Iterator<Item = Observation> + Clone,
        taken: &mut Taken,
    ) {
        loop {
            let mut is_settled = true;
            for index in 0..tracks.len() {
                let Some(track) = tracks.get(index).filter(|track| self.takes_part(track)) else { continue };
                let (bounds, class_index) = (track.bounds(), track.class_index());
                let Some((detection, seen, best)) =
                    self.best_detection(&bounds, class_index, detections.clone(), taken)
                else {
                    continue;
                };
                if self.has_better(tracks, index, &seen, best) {
                    continue;
                }
                if let Some(track) = tracks.get_mut(index) {
                    track.see(&seen, detection as u8);
                    taken.take(detection);
                    is_settled = false;
                }
            }
            if is_settled {
                return;
            }
        }
    }

    fn takes_part(&self, track: &Track) -> bool {
        track.detection.is_none() && (self.tracks)(track)
    }

    /// The free detection that overlaps most, the first of equal ones.
    fn best_detection(
        &self,
        bounds: &BoundingBox,
        class_index: u16,
        detections: impl Iterator<Item = Observation>,
        taken: &Taken,
    ) -> Option<(usize, Observation, u16)> {
        let mut best: Option<(usize, Observation, u16)> = None;
        for (index, seen) in detections.enumerate() {
            if seen.class_index != class_index || taken.has(index) || !(self.detections)(&seen) {
                continue;
            }
            let overlap = overlap(bounds, &seen.bounds);
            if overlap >= self.overlap.max(1) && best.is_none_or(|(_, _, best)| overlap > best) {
                best = Some((index, seen, overlap));
            }
        }
        best
    }

    /// Whether another track, or an earlier one as much, overlaps a detection more than track `index` does.
    fn has_better(&self, tracks: &[Track], index: usize, seen: &Observation, best: u16) -> bool {
        tracks.iter().enumerate().any(|(other, track)| {
            if other == index || track.class_index() != seen.class_index || !self.takes_part(track) {
                return false;
            }
            let overlap = overlap(&track.bounds(), &seen.bounds);
            overlap > best || overlap == best && other < index
        })
    }
}
