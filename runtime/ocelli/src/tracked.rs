//! The postprocess stage of videos: any stage that finds boxes, and a tracker behind it that gives each its
//! identity.
//!
//! A tracker makes use of boxes that do not count by themselves, so the stage in front of it looks for those
//! too: from half of its threshold on.

use ocelli_format::{Artefact, TensorId};
use ocelli_vision::{Observation, Thresholds, Tracker, TrackerOptions, Transform};

use crate::{PipelineError, Postprocess};

/// A postprocess stage that finds boxes, and may be told at run time which count.
pub trait FindsBoxes<'a>: Postprocess<'a> {
    /// Which boxes count; `None` where the answer is no boxes.
    fn thresholds(&self) -> Option<Thresholds>;

    /// Changes which boxes count, from the next frame on.
    fn set_thresholds(&mut self, thresholds: Thresholds);

    /// The boxes of an answer, in its order.
    fn boxes<'o>(outcome: &Self::Outcome<'o>) -> impl Iterator<Item = Observation> + Clone
    where
        Self: 'o;
}

/// What `P` finds, followed over frames by a tracker with room for `TRACKS` objects.
#[derive(Clone, Debug)]
pub struct Tracked<P, const TRACKS: usize> {
    finder: P,
    /// As the application wants them; the finder's own go lower.
    thresholds: Option<Thresholds>,
    tracker: Option<Tracker<TRACKS>>,
}

/// An answer of [`Tracked`].
#[derive(Clone, Copy, Debug)]
pub struct TrackedOutcome<'o, O, const TRACKS: usize> {
    /// What was found in this frame. Boxes with low scores are among them while there is a tracker.
    pub outcome: O,
    /// Who was found; `None` while nothing is tracked, or where the answer is no boxes.
    pub tracker: Option<&'o Tracker<TRACKS>>,
}

impl<'a, P: FindsBoxes<'a>, const TRACKS: usize> Tracked<P, TRACKS> {
    /// Which boxes count.
    pub fn thresholds(&self) -> Option<Thresholds> {
        self.thresholds
    }

    /// Changes which boxes count, from the next frame on. Tracks stay.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        if self.thresholds.is_none() {
            return;
        }
        self.thresholds = Some(thresholds);
        let options = TrackerOptions::above(thresholds.score);
        match &mut self.tracker {
            Some(tracker) => {
                tracker.set_options(options);
                self.finder.set_thresholds(Thresholds { score: options.low_score, ..thresholds });
            }
            None => self.finder.set_thresholds(thresholds),
        }
    }

    /// Begins or ends tracking, from the next frame on.
    pub fn set_tracking(&mut self, is_tracking: bool) {
        let Some(thresholds) = self.thresholds else { return };
        if is_tracking != self.tracker.is_some() {
            self.tracker = is_tracking.then(|| Tracker::new(TrackerOptions::above(thresholds.score)));
            self.set_thresholds(thresholds);
        }
    }
}

impl<'a, P: FindsBoxes<'a>, const TRACKS: usize> Postprocess<'a> for Tracked<P, TRACKS> {
    type Outcome<'o>
        = TrackedOutcome<'o, P::Outcome<'o>, TRACKS>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        let finder = P::plan(artefact)?;
        let mut tracked = Tracked { thresholds: finder.thresholds(), finder, tracker: None };
        tracked.set_tracking(true);
        Ok(tracked)
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Self::Outcome<'o> {
        let outcome = self.finder.answer(output, transform);
        if let Some(tracker) = &mut self.tracker {
            tracker.update(P::boxes(&outcome));
        }
        TrackedOutcome { outcome, tracker: self.tracker.as_ref() }
    }
}
