//! The postprocess stage as a pipeline needs it: made for an output contract once, then run on every
//! frame without failing.
//!
//! A firmware that names [`Boxes`] or [`TopClasses`] carries only that decoder; [`ByContract`] carries
//! both and lets the artefact decide.

use heapless::Vec;
use ocelli_core::Classification;
use ocelli_format::{Artefact, ClassesView, OutputContractView, TensorId};
use ocelli_vision::{BoxPostprocessor, Detections, PostprocessError, Transform, top_classes};

use crate::PipelineError;

/// What turns a model's outputs into an answer.
pub trait Postprocess<'a>: Sized {
    /// The answer, kept until the next frame.
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
    ///
    /// # Errors
    /// [`PostprocessError::Output`] for outputs of another artefact than was planned for.
    fn decode<'o>(
        &mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Result<(), PostprocessError>;

    /// The answer of the last run; an empty one before the first.
    fn outcome(&self) -> Self::Outcome<'_>;
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

    fn decode<'o>(
        &mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Result<(), PostprocessError> {
        self.postprocessor.run(output, transform, &mut self.detections)
    }

    fn outcome(&self) -> &Detections<DETECTIONS, KEYPOINTS> {
        &self.detections
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

    fn decode<'o>(
        &mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        _transform: &Transform,
    ) -> Result<(), PostprocessError> {
        self.best = top_classes(&self.contract, output(self.contract.tensor).unwrap_or(&[]));
        Ok(())
    }

    fn outcome(&self) -> &[Classification] {
        &self.best
    }
}

/// Whatever the output contract is about: for programs that run any artefact.
#[derive(Clone, Debug)]
pub struct ByContract<
    'a,
    const DETECTIONS: usize,
    const KEYPOINTS: usize,
    const CANDIDATES: usize,
    const CLASSES: usize,
> {
    decoder: Decoder<'a, DETECTIONS, KEYPOINTS, CANDIDATES, CLASSES>,
}

/// An answer of [`ByContract`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'o, const DETECTIONS: usize, const KEYPOINTS: usize> {
    /// Boxes.
    Detections(&'o Detections<DETECTIONS, KEYPOINTS>),
    /// Classes, best first.
    Classes(&'o [Classification]),
    /// The artefact says nothing about its outputs: read the tensors.
    Tensors,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "without a heap the room is taken anyway")]
enum Decoder<
    'a,
    const DETECTIONS: usize,
    const KEYPOINTS: usize,
    const CANDIDATES: usize,
    const CLASSES: usize,
> {
    Boxes(Boxes<'a, DETECTIONS, KEYPOINTS, CANDIDATES>),
    Classes(TopClasses<'a, CLASSES>),
    Tensors,
}

impl<'a, const DETECTIONS: usize, const KEYPOINTS: usize, const CANDIDATES: usize, const CLASSES: usize>
    Postprocess<'a> for ByContract<'a, DETECTIONS, KEYPOINTS, CANDIDATES, CLASSES>
{
    type Outcome<'o>
        = Outcome<'o, DETECTIONS, KEYPOINTS>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        let decoder = match only_contract(artefact)? {
            Some(OutputContractView::Boxes(_)) => Decoder::Boxes(Boxes::plan(artefact)?),
            Some(OutputContractView::Classes(_)) => Decoder::Classes(TopClasses::plan(artefact)?),
            Some(_) => return Err(PipelineError::OutcomeKind),
            None => Decoder::Tensors,
        };
        Ok(ByContract { decoder })
    }

    fn decode<'o>(
        &mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Result<(), PostprocessError> {
        match &mut self.decoder {
            Decoder::Boxes(boxes) => boxes.decode(output, transform),
            Decoder::Classes(classes) => classes.decode(output, transform),
            Decoder::Tensors => Ok(()),
        }
    }

    fn outcome(&self) -> Outcome<'_, DETECTIONS, KEYPOINTS> {
        match &self.decoder {
            Decoder::Boxes(boxes) => Outcome::Detections(boxes.outcome()),
            Decoder::Classes(classes) => Outcome::Classes(classes.outcome()),
            Decoder::Tensors => Outcome::Tensors,
        }
    }
}

/// The output contract, `None` where there is none.
fn only_contract<'a>(artefact: &Artefact<'a>) -> Result<Option<OutputContractView<'a>>, PipelineError> {
    let mut contracts = artefact.output_contracts();
    match (contracts.next(), contracts.count()) {
        (contract, 0) => Ok(contract),
        (_, others) => Err(PipelineError::OutputContracts { available: 1 + others }),
    }
}
