//! The postprocess stage of a detector: quantized scores and fields in, detections in the frame out.
//!
//! Scores are compared before anything is decoded, so that time goes to the few anchors that see
//! something. Candidates and detections have fixed room; what finds none is counted.

use heapless::Vec;
use ocelli_core::{Detection, Score};
use ocelli_format::{BoxHeadView, BoxesView, Suppression, TensorId};

use crate::{
    PostprocessError, Transform,
    anchor::AnchorRow,
    candidates::{Candidate, Candidates, entry, least_score},
    suppression::{Blend, gather},
};

/// What a detector found in one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Detections<const DETECTIONS: usize, const KEYPOINTS: usize> {
    /// Best score first; of equal scores the first anchor.
    pub found: Vec<Detection<KEYPOINTS>, DETECTIONS>,
    /// Anchors and classes above the threshold that lost their place to better ones.
    pub overflowed_candidates: u32,
    /// Objects beyond the capacity, the lowest scores.
    pub overflowed_detections: u32,
}

impl<const DETECTIONS: usize, const KEYPOINTS: usize> Detections<DETECTIONS, KEYPOINTS> {
    /// Room for detections, empty.
    pub const fn new() -> Self {
        Detections { found: Vec::new(), overflowed_candidates: 0, overflowed_detections: 0 }
    }
}

/// Which boxes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Thresholds {
    /// Least score.
    pub score: Score,
    /// Overlap above which two boxes are one object: intersection over union in `1 / 65536`.
    pub overlap: u16,
}

/// Decodes the outputs of one detector, with room for `CANDIDATES` anchors above the threshold, at
/// most 65,536.
///
/// A candidate is a class at an anchor whose probability, times that of there being an object where the
/// contract has one, reaches the contract's threshold. Boxes that come out empty or inside out are dropped.
#[derive(Clone, Debug)]
pub struct BoxPostprocessor<'a, const CANDIDATES: usize, const KEYPOINTS: usize> {
    contract: BoxesView<'a>,
    candidates: Candidates<CANDIDATES>,
}

impl<'a, const CANDIDATES: usize, const KEYPOINTS: usize> BoxPostprocessor<'a, CANDIDATES, KEYPOINTS> {
    /// For the outputs that `contract` describes.
    ///
    /// # Errors
    /// [`PostprocessError::Keypoints`].
    pub fn new(contract: BoxesView<'a>) -> Result<Self, PostprocessError> {
        const { assert!(CANDIDATES <= 65_536, "sums over candidates would not fit") };
        let needed = contract.keypoints.len();
        if needed > KEYPOINTS {
            return Err(PostprocessError::Keypoints { needed, available: KEYPOINTS });
        }
        Ok(BoxPostprocessor { contract, candidates: Candidates::new() })
    }

    /// Which boxes count: as the contract has it, or as was set since.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds { score: Score(self.contract.score_threshold), overlap: self.contract.iou_threshold }
    }

    /// Changes which boxes count, from the next run on.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.contract.score_threshold = thresholds.score.0;
        self.contract.iou_threshold = thresholds.overlap;
    }

    /// Reads the model's outputs, which `output` finds by tensor, and fills `detections`, whose
    /// coordinates `transform` maps to the frame.
    ///
    /// # Errors
    /// [`PostprocessError::Output`], for outputs that do not belong to the contract.
    pub fn run<'o, const DETECTIONS: usize>(
        &mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
        detections: &mut Detections<DETECTIONS, KEYPOINTS>,
    ) -> Result<(), PostprocessError> {
        detections.found.clear();
        detections.overflowed_detections = 0;
        self.candidates.clear();
        for (index, head) in self.contract.heads().enumerate() {
            self.scan_head(index as u8, &head, &output)?;
        }
        detections.overflowed_candidates = self.candidates.overflowed();
        self.suppress(&output, transform, detections);
        Ok(())
    }

    /// Collects the candidates of a head.
    #[inline(never)]
    fn scan_head<'o>(
        &mut self,
        index: u8,
        head: &BoxHeadView<'a>,
        output: &impl Fn(TensorId) -> Option<&'o [i8]>,
    ) -> Result<(), PostprocessError> {
        let contract = &self.contract;
        let anchors = head.anchor_count();
        let part = |tensor: TensorId, first: u32, columns: usize| {
            let values = output(tensor).unwrap_or(&[]);
            let needed_elements = (first as usize).saturating_add(anchors).saturating_mul(columns);
            let rows = values.get(..needed_elements).and_then(|values| {
                let first = (first as usize).saturating_mul(columns);
                values.get(first..)
            });
            let available_elements = values.len();
            rows.ok_or(PostprocessError::Output { tensor, needed_elements, available_elements })
        };
        let columns = contract.score_columns();
        let scores = part(head.scores, head.first_score, columns)?;
        part(head.boxes, head.first_box, contract.box_columns())?;
        let objects = match head.objectness {
            Some(objectness) => Some((part(objectness.tensor, objectness.first, 1)?, objectness.table)),
            None => None,
        };
        let threshold = contract.score_threshold;
        let Some(least) = least_score(head.score_table, threshold) else { return Ok(()) };
        // A product is no larger than either of its factors.
        let Some(least_object) = objects.map_or(Some(i8::MIN), |(_, table)| least_score(table, threshold))
        else {
            return Ok(());
        };
        let background = usize::from(contract.has_background);
        for (anchor, row) in scores.chunks_exact(columns.max(1)).enumerate().take(anchors) {
            let object = objects.and_then(|(values, table)| Some((*values.get(anchor)?, table)));
            if object.is_some_and(|(value, _)| value < least_object) {
                continue;
            }
            for (column, &value) in row.iter().enumerate().skip(background) {
                if value < least {
                    continue;
                }
                let score = entry(head.score_table, value);
                let score = object.map_or(score, |(value, table)| product(score, entry(table, value)));
                if score >= threshold {
                    self.candidates.insert(Candidate {
                        score,
                        class_index: (column - background) as u16,
                        head: index,
                        anchor: anchor as u32,
                        ..Candidate::default()
                    });
                }
            }
        }
        Ok(())
    }

    /// Decodes the candidates and makes objects of them.
    fn suppress<'o, const DETECTIONS: usize>(
        &mut self,
        output: &impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
        detections: &mut Detections<DETECTIONS, KEYPOINTS>,
    ) {
        let contract = self.contract;
        let row = |candidate: &Candidate| {
            let head = contract.heads().nth(usize::from(candidate.head))?;
            AnchorRow::new(&contract, head, output(head.boxes)?, candidate.anchor)
        };
        let candidates = self.candidates.best();
        for candidate in candidates.iter_mut() {
            candidate.bounds = row(candidate).map(|row| row.bounds()).unwrap_or_default();
            candidate.is_taken = candidate.bounds.area() == 0;
        }
        let mut rest = candidates;
        while let Some((best, after)) = rest.split_first_mut() {
            if !best.is_taken {
                let mut blend = Blend::<KEYPOINTS>::new();
                let mut add = |candidate: &Candidate| {
                    if let Some(row) = row(candidate) {
                        blend.add(candidate.score, candidate.bounds, |index| row.keypoint(index));
                    }
                };
                add(best);
                gather(best, after, contract.iou_threshold, |other| {
                    if contract.suppression == Suppression::Weighted {
                        add(other);
                    }
                });
                let mut detection = Detection {
                    class_index: best.class_index,
                    score: Score(best.score),
                    bounds: transform.box_to_frame(blend.bounds()),
                    keypoints: Vec::new(),
                };
                for index in 0..contract.keypoints.len().min(KEYPOINTS) {
                    // The loop ends at the capacity.
                    let _ = detection.keypoints.push(transform.to_frame(blend.keypoint(index)));
                }
                if detections.found.push(detection).is_err() {
                    detections.overflowed_detections = detections.overflowed_detections.saturating_add(1);
                }
            }
            rest = after;
        }
    }
}

/// Of two probabilities in `1 / 65536`, rounded to nearest.
fn product(left: u16, right: u16) -> u16 {
    ((u32::from(left) * u32::from(right) + (1 << 15)) >> 16) as u16
}
