//! The postprocess stage as a pipeline needs it: made for an output contract once, then run on every
//! frame without failing.
//!
//! A firmware carries only the decoders that it names; [`ByContract`](crate::ByContract) carries all and lets
//! the artefact decide.

use heapless::Vec;
use ocelli_core::Classification;
use ocelli_format::{Artefact, ClassesView, OutputContractView, TensorId};
use ocelli_vision::{BoxPostprocessor, Detections, Observation, Thresholds, Transform, top_classes};

use crate::{FindsBoxes, PipelineError};

/// What turns a model's outputs into an answer.
pub trait Postprocess<'a>: Sized {
    /// The answer: what was decoded, or the outputs with what is needed to decode them as they are asked for.
    type Outcome<'o>
    where
        Self: 'o;

    /// Prepares for the output contract of `artefact`.
    ///
    /// # Errors
    /// [`PipelineError::OutputContracts`], [`PipelineError::OutcomeKind`], [`PipelineError::Postprocess`].
    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError>;

    /// Reads the outputs of one run, which `output` finds by tensor; `transform` is the way from the
    /// model's input back to the frame.
    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Self::Outcome<'o>;
}

/// Boxes with up to `KEYPOINTS` keypoints: at most `DETECTIONS` of them, from at most `CANDIDATES`
/// anchors above the threshold.
#[derive(Clone, Debug)]
pub struct Boxes<'a, const DETECTIONS: usize, const KEYPOINTS: usize, const CANDIDATES: usize> {
    postprocessor: BoxPostprocessor<'a, CANDIDATES, KEYPOINTS>,
    detections: Detections<DETECTIONS, KEYPOINTS>,
}

impl<'a, const DETECTIONS: usize, const KEYPOINTS: usize, const CANDIDATES: usize> Postprocess<'a>
    for Boxes<'a, DETECTIONS, KEYPOINTS, CANDIDATES>
{
    type Outcome<'o>
        = &'o Detections<DETECTIONS, KEYPOINTS>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        match only_contract(artefact)? {
            Some(OutputContractView::Boxes(contract)) => {
                let postprocessor = BoxPostprocessor::new(contract)?;
                Ok(Boxes { postprocessor, detections: Detections::new() })
            }
            Some(_) => Err(PipelineError::OutcomeKind),
            None => Err(PipelineError::OutputContracts { available: 0 }),
        }
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> &'o Detections<DETECTIONS, KEYPOINTS> {
        let decoded = self.postprocessor.run(output, transform, &mut self.detections);
        // `parse` has checked the contract against the artefact, and `new` the model.
        debug_assert!(decoded.is_ok(), "{decoded:?}");
        &self.detections
    }
}

impl<'a, const DETECTIONS: usize, const KEYPOINTS: usize, const CANDIDATES: usize> FindsBoxes<'a>
    for Boxes<'a, DETECTIONS, KEYPOINTS, CANDIDATES>
{
    fn thresholds(&self) -> Option<Thresholds> {
        Some(self.postprocessor.thresholds())
    }

    fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.postprocessor.set_thresholds(thresholds);
    }

    fn boxes<'o>(outcome: &&'o Detections<DETECTIONS, KEYPOINTS>) -> impl Iterator<Item = Observation> + Clone
    where
        Self: 'o,
    {
        outcome.found.iter().map(Observation::from)
    }
}

/// The `CLASSES` best classes of a classifier.
#[derive(Clone, Debug)]
pub struct TopClasses<'a, const CLASSES: usize> {
    contract: ClassesView<'a>,
    best: Vec<Classification, CLASSES>,
}

impl<'a, const CLASSES: usize> Postprocess<'a> for TopClasses<'a, CLASSES> {
    type Outcome<'o>
        = &'o [Classification]
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        match only_contract(artefact)? {
            Some(OutputContractView::Classes(contract)) => Ok(TopClasses { contract, best: Vec::new() }),
            Some(_) => Err(PipelineError::OutcomeKind),
            None => Err(PipelineError::OutputContracts { available: 0 }),
        }
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        _transform: &Transform,
    ) -> &'o [Classification] {
        self.best = top_classes(&self.contract, output(self.contract.tensor).unwrap_or(&[]));
        &self.best
    }
}

/// The output contract, `None` where there is none.
pub(crate) fn only_contract<'a>(
    artefact: &Artefact<'a>,
) -> Result<Option<OutputContractView<'a>>, PipelineError> {
    let mut contracts = artefact.output_contracts();
    match (contracts.next(), contracts.count()) {
        (contract, 0) => Ok(contract),
        (_, others) => Err(PipelineError::OutputContracts { available: 1 + others }),
    }
}
