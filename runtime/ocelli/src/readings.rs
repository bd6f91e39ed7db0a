//! Postprocess stages that keep nothing: their answers read the model's outputs as they are asked.

use ocelli_format::{
    Artefact, CellsView, EmbeddingView, NumbersView, OutputContractView, PointsView, TensorId,
};
use ocelli_vision::{Detections, Embedding, Mask, Numbers, Points, Transform, spots};

use crate::outcome::only_contract;
use crate::{PipelineError, Postprocess};

/// Points of something that fills the model's input, in the frame.
#[derive(Clone, Copy, Debug)]
pub struct Landmarks<'a> {
    contract: PointsView<'a>,
}

/// What every cell of a grid shows.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    contract: CellsView<'a>,
    grid: [usize; 3],
}

/// At most `DETECTIONS` middles of things.
#[derive(Clone, Debug)]
pub struct Spots<'a, const DETECTIONS: usize> {
    segments: Segments<'a>,
    detections: Detections<DETECTIONS, 0>,
}

/// A vector that is near those of the same thing.
#[derive(Clone, Copy, Debug)]
pub struct Embeddings {
    contract: EmbeddingView,
    zero_point: i8,
}

/// Numbers that stand for themselves.
#[derive(Clone, Copy, Debug)]
pub struct Readings<'a> {
    contract: NumbersView<'a>,
}

/// Takes the only contract of an artefact if it is of this kind.
macro_rules! contract {
    ($artefact:expr, $kind:ident) => {
        match only_contract($artefact)? {
            Some(OutputContractView::$kind(contract)) => contract,
            Some(_) => return Err(PipelineError::OutcomeKind),
            None => return Err(PipelineError::OutputContracts { available: 0 }),
        }
    };
}

impl<'a> Postprocess<'a> for Landmarks<'a> {
    type Outcome<'o>
        = Points<'o>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        Ok(Landmarks { contract: contract!(artefact, Points) })
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Points<'o> {
        Points::new(&self.contract, output, transform)
    }
}

impl<'a> Segments<'a> {
    pub(crate) fn of(artefact: &Artefact<'a>, contract: CellsView<'a>) -> Segments<'a> {
        Segments { contract, grid: contract.grid(&artefact.tensor(contract.tensor)) }
    }
}

impl<'a> Postprocess<'a> for Segments<'a> {
    type Outcome<'o>
        = Mask<'a, 'o>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        let contract = contract!(artefact, Mask);
        Ok(Segments::of(artefact, contract))
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Mask<'a, 'o> {
        Mask::new(&self.contract, self.grid, output(self.contract.tensor).unwrap_or(&[]), transform)
    }
}

impl<'a, const DETECTIONS: usize> Postprocess<'a> for Spots<'a, DETECTIONS> {
    type Outcome<'o>
        = &'o Detections<DETECTIONS, 0>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        let contract = contract!(artefact, Spots);
        Ok(Spots { segments: Segments::of(artefact, contract), detections: Detections::new() })
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> &'o Detections<DETECTIONS, 0> {
        let Segments { contract, grid } = self.segments;
        let mask = Mask::new(&contract, grid, output(contract.tensor).unwrap_or(&[]), transform);
        spots(&mask, &mut self.detections);
        &self.detections
    }
}

impl<'a> Postprocess<'a> for Embeddings {
    type Outcome<'o>
        = Embedding<'o>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        let contract = contract!(artefact, Embedding);
        Ok(Embeddings { contract, zero_point: artefact.tensor(contract.tensor).zero_point() })
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        _transform: &Transform,
    ) -> Embedding<'o> {
        Embedding::new(output(self.contract.tensor).unwrap_or(&[]), self.zero_point)
    }
}

impl<'a> Postprocess<'a> for Readings<'a> {
    type Outcome<'o>
        = Numbers<'a, 'o>
    where
        Self: 'o;

    fn plan(artefact: &Artefact<'a>) -> Result<Self, PipelineError> {
        Ok(Readings { contract: contract!(artefact, Numbers) })
    }

    fn answer<'o>(
        &'o mut self,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        _transform: &Transform,
    ) -> Numbers<'a, 'o> {
        Numbers::new(&self.contract, output(self.contract.tensor).unwrap_or(&[]))
    }
}
