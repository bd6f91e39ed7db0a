//! The postprocess stage of programs that run any artefact: it has every decoder and lets the contract choose.

use ocelli_core::Classification;
use ocelli_format::{Artefact, OutputContractView, TensorId};
use ocelli_vision::{
    Detections, Embedding, Mask, Numbers, Observation, Points, Thresholds, Transform, spots,
};

use crate::outcome::only_contract;
use crate::{
    Boxes, Embeddings, FindsBoxes, Landmarks, PipelineError, Postprocess, Readings, Segments, TopClasses,
};

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
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'o, const DETECTIONS: usize, const KEYPOINTS: usize> {
    /// Boxes, or spots as boxes.
    Detections(&'o Detections<DETECTIONS, KEYPOINTS>),
    /// Classes, best first.
    Classes(&'o [Classification]),
    /// Points of something that fills the model's input.
    Points(Points<'o>),
    /// What every cell of a grid shows.
    Mask(Mask<'o, 'o>),
    /// A vector that is near those of the same thing.
    Embedding(Embedding<'o>),
    /// Numbers that stand for themselves.
    Numbers(Numbers<'o, 'o>),
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
    Points(Landmarks<'a>),
    Mask(Segments<'a>),
    Embedding(Embeddings),
    Spots(Segments<'a>, Detections<DETECTIONS, KEYPOINTS>),
    Numbers(Readings<'a>),
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
            Some(OutputContractView::Points(_)) => Decoder::Points(Landmarks::plan(artefact)?),
            Some(OutputContractView::Mask(_)) => Decoder::Mask(Segments::plan(artefact)?),
            Some(OutputContractView::Embedding(_)) => Decoder::Embedding(Embeddings::plan(artefact)?),
            Some(OutputContractView::Spots(contract)) => {
                Decoder::Spots(Segments::of(artefact, contract), Detections::new())
            }
            Some(OutputContractView::Numbers(_)) => Decoder::Numbers(Readings::plan(artefact)?),
            Some(_) => return Err(PipelineError::OutcomeKind),
            None => Decoder::Tensors,
        };
        Ok(ByContract { decoder })
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Outcome<'o, DETECTIONS, KEYPOINTS> {
        match &mut self.decoder {
            Decoder::Boxes(boxes) => Outcome::Detections(boxes.answer(output, transform)),
            Decoder::Classes(classes) => Outcome::Classes(classes.answer(output, transform)),
            Decoder::Points(points) => Outcome::Points(points.answer(output, transform)),
            Decoder::Mask(segments) => Outcome::Mask(segments.answer(output, transform)),
            Decoder::Embedding(embeddings) => Outcome::Embedding(embeddings.answer(output, transform)),
            Decoder::Spots(segments, detections) => {
                spots(&segments.answer(output, transform), detections);
                Outcome::Detections(detections)
            }
            Decoder::Numbers(readings) => Outcome::Numbers(readings.answer(output, transform)),
            Decoder::Tensors => Outcome::Tensors,
        }
    }
}

impl<'a, const DETECTIONS: usize, const KEYPOINTS: usize, const CANDIDATES: usize, const CLASSES: usize>
    FindsBoxes<'a> for ByContract<'a, DETECTIONS, KEYPOINTS, CANDIDATES, CLASSES>
{
    fn thresholds(&self) -> Option<Thresholds> {
        match &self.decoder {
            Decoder::Boxes(boxes) => boxes.thresholds(),
            _ => None,
        }
    }

    fn set_thresholds(&mut self, thresholds: Thresholds) {
        if let Decoder::Boxes(boxes) = &mut self.decoder {
            boxes.set_thresholds(thresholds);
        }
    }

    fn boxes<'o>(outcome: &Outcome<'o, DETECTIONS, KEYPOINTS>) -> impl Iterator<Item = Observation> + Clone
    where
        Self: 'o,
    {
        let found = match outcome {
            Outcome::Detections(detections) => detections.found.as_slice(),
            _ => &[],
        };
        found.iter().map(Observation::from)
    }
}
