//! An artefact as a tract model, and that model ready to run, behind the trait that every executor has.

use std::sync::Arc;

use ocelli_core::Infer;
use ocelli_format::{AlignedBytes, Artefact, Element, TensorId};
use tract_core::internal::*;
use tract_core::plan::SimpleState;

use crate::TractError;
use crate::planned::Planned;
use crate::segment::Segment;

/// The artefact in `bytes` as a model of tract: a source for each input, one operator, its outputs. Inputs and outputs
/// are int8, in the artefact's order and shapes.
///
/// # Errors
/// Every [`TractError`]: what can fail fails here, not when the model runs.
pub fn typed_model(bytes: &[u8]) -> Result<TypedModel, TractError> {
    let file = Arc::new(AlignedBytes::copy_of(bytes));
    // Planned once to see that it can be.
    Planned::new(file.clone())?;
    let artefact = Artefact::parse(&file)?;
    let inputs =
        artefact.inputs().iter().map(|&id| crossing(&artefact, id)).collect::<Result<Vec<_>, _>>()?;
    let outputs =
        artefact.outputs().iter().map(|&id| crossing(&artefact, id)).collect::<Result<Vec<_>, _>>()?;
    let segment = Segment::new(file.clone(), outputs.into_iter().map(|(_, shape)| shape).collect());
    build(&inputs, segment).map_err(|error| TractError::Build(format!("{error:#}")))
}

fn build(inputs: &[(String, TVec<usize>)], segment: Segment) -> TractResult<TypedModel> {
    let mut model = TypedModel::default();
    let sources = inputs
        .iter()
        .map(|(name, shape)| model.add_source(name.clone(), i8::fact(shape)))
        .collect::<TractResult<TVec<_>>>()?;
    let outlets = model.wire_node("segment", segment, &sources)?;
    model.select_output_outlets(&outlets)?;
    Ok(model)
}

/// Name and shape of a tensor that comes from tract or goes there.
fn crossing(artefact: &Artefact<'_>, id: TensorId) -> Result<(String, TVec<usize>), TractError> {
    let (tensor, name) = (artefact.tensor(id), artefact.tensor_name(id).to_owned());
    match tensor.element() {
        Element::I8 => Ok((name, tensor.shape().axes().iter().map(|&axis| axis as usize).collect())),
        _ => Err(TractError::Element { name }),
    }
}

/// A model in tract that is ready to run.
pub struct Executor {
    state: SimpleState<TypedFact, Box<dyn TypedOp>>,
    /// Shape and values of each.
    inputs: Vec<(TVec<usize>, Vec<i8>)>,
    outputs: TVec<TValue>,
}

impl Executor {
    /// The artefact in `bytes`, through tract.
    ///
    /// # Errors
    /// Every [`TractError`].
    pub fn new(bytes: &[u8]) -> Result<Executor, TractError> {
        let model = typed_model(bytes)?;
        let spawn = || -> TractResult<Executor> {
            let shape = |&outlet: &OutletId| -> TractResult<TVec<usize>> {
                let shape = model.outlet_fact(outlet)?.shape.as_concrete();
                Ok(shape.context("an artefact's shapes are numbers")?.into())
            };
            let inputs = model.inputs.iter().map(shape).collect::<TractResult<Vec<_>>>()?;
            let outputs = model.outputs.iter().map(shape).collect::<TractResult<Vec<_>>>()?;
            let room = |shape: TVec<usize>| (shape.clone(), vec![0; shape.iter().product()]);
            let zeros = |shape: TVec<usize>| Ok(Tensor::zero::<i8>(&shape)?.into_tvalue());
            Ok(Executor {
                state: model.clone().into_runnable()?.spawn()?,
                inputs: inputs.into_iter().map(room).collect(),
                outputs: outputs.into_iter().map(zeros).collect::<TractResult<_>>()?,
            })
        };
        spawn().map_err(|error| TractError::Build(format!("{error:#}")))
    }
}

impl Infer for Executor {
    fn infer(&mut self) {
        let tensor =
            |(shape, values): &(TVec<usize>, Vec<i8>)| Ok(Tensor::from_shape(shape, values)?.into_tvalue());
        let inputs: TractResult<TVec<TValue>> = self.inputs.iter().map(tensor).collect();
        let outputs = inputs.and_then(|inputs| self.state.run(inputs));
        self.outputs = outputs.expect("the model was planned, and its inputs have its shapes");
    }

    fn input(&mut self, index: usize) -> Option<&mut [i8]> {
        Some(&mut self.inputs.get_mut(index)?.1)
    }

    fn output(&self, index: usize) -> Option<&[i8]> {
        self.outputs.get(index)?.try_as_plain_ram().ok()?.as_slice().ok()
    }
}
