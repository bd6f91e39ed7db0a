//! An artefact as a tract model with an operator for each layer, so that everything between input and output can be
//! seen: what `ocelli diff` compares.
//!
//! Each layer is an artefact of its own, with its weights stored one by one and an arena of its own. That takes more
//! memory than one operator for all, and gives the same numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use ocelli_format::model::{Model, Node, OperatorStep, Schedule, Step, Tensor, TensorId};
use ocelli_format::{AlignedBytes, Artefact, Element, ScheduleView, write};
use tract_core::internal::{Tensor as TractTensor, *};
use tract_core::plan::SimplePlan;

use crate::TractError;
use crate::planned::Planned;
use crate::segment::Segment;

/// A model in tract that computes every tensor of an artefact.
pub struct Layers {
    plan: Arc<SimplePlan<TypedFact, Box<dyn TypedOp>>>,
    /// Axes of the inputs.
    inputs: Vec<TVec<usize>>,
    /// What the plan's results are, in its order.
    computed: Vec<TensorId>,
}

impl Layers {
    /// The artefact in `bytes`, layer by layer.
    ///
    /// # Errors
    /// Every [`TractError`]; [`TractError::Element`] also for what lies between layers.
    pub fn new(bytes: &[u8]) -> Result<Layers, TractError> {
        let bytes = AlignedBytes::copy_of(bytes);
        let model = Model::from_artefact(&Artefact::parse(&bytes)?);
        if !model.states.is_empty() {
            return Err(TractError::State);
        }
        let segments =
            model.operators.iter().map(|node| segment(&model, node)).collect::<Result<Vec<_>, _>>()?;
        build(&model, segments).map_err(|error| TractError::Build(format!("{error:#}")))
    }

    /// Every tensor that a layer computes, by its id, for inputs in the artefact's order.
    ///
    /// # Errors
    /// [`TractError::Build`] for inputs of other sizes than the artefact's.
    pub fn run(&self, inputs: &[Vec<i8>]) -> Result<BTreeMap<TensorId, Vec<i8>>, TractError> {
        let run = || -> TractResult<BTreeMap<TensorId, Vec<i8>>> {
            let tensor = |(shape, values): (&TVec<usize>, &Vec<i8>)| -> TractResult<TValue> {
                Ok(TractTensor::from_shape(shape, values)?.into_tvalue())
            };
            let inputs = self.inputs.iter().zip(inputs).map(tensor).collect::<TractResult<TVec<TValue>>>()?;
            let mut computed = BTreeMap::new();
            for (&id, value) in self.computed.iter().zip(self.plan.run(inputs)?) {
                computed.insert(id, value.try_as_plain_ram()?.as_slice::<i8>()?.to_vec());
            }
            Ok(computed)
        };
        run().map_err(|error| TractError::Build(format!("{error:#}")))
    }
}

/// Wires the layers, and asks for all results.
fn build(model: &Model, segments: Vec<Segment>) -> TractResult<Layers> {
    let mut typed = TypedModel::default();
    let (mut outlets, mut inputs, mut computed) = (BTreeMap::new(), Vec::new(), Vec::new());
    for &id in &model.inputs {
        let tensor = &model.tensors[usize::from(id)];
        let shape = axes(tensor);
        outlets.insert(id, typed.add_source(tensor.name.clone(), i8::fact(&shape))?);
        inputs.push(shape);
    }
    for (index, (node, segment)) in model.operators.iter().zip(segments).enumerate() {
        let operands = activations(model, node);
        let wires = operands.iter().map(|id| outlets[id]).collect::<TVec<OutletId>>();
        // Names of layers need not differ, and tract's have to.
        let results = typed.wire_node(format!("{index}.{}", node.name), segment, &wires)?;
        outlets.extend(node.outputs.iter().copied().zip(results));
        computed.extend(&node.outputs);
    }
    let results: Vec<OutletId> = computed.iter().map(|id| outlets[id]).collect();
    typed.select_output_outlets(&results)?;
    Ok(Layers { plan: typed.into_runnable()?, inputs, computed })
}

/// What a layer reads that is no constant, each once.
fn activations(model: &Model, node: &Node) -> Vec<TensorId> {
    let mut operands: Vec<TensorId> = Vec::new();
    for &id in &node.inputs {
        if model.tensors[usize::from(id)].data.is_none() && !operands.contains(&id) {
            operands.push(id);
        }
    }
    operands
}

/// A layer as an operator of tract: an artefact of that layer alone.
fn segment(model: &Model, node: &Node) -> Result<Segment, TractError> {
    let mut alone = Model { name: node.name.clone(), version: model.version.clone(), ..Model::default() };
    let mut places = BTreeMap::new();
    let mut place = |id: TensorId| -> Result<TensorId, TractError> {
        if let Some(&place) = places.get(&id) {
            return Ok(place);
        }
        let tensor = model.tensors[usize::from(id)].clone();
        if tensor.data.is_none() && tensor.element != Element::I8 {
            return Err(TractError::Element { name: tensor.name });
        }
        alone.tensors.push(tensor);
        let place = (alone.tensors.len() - 1) as TensorId;
        places.insert(id, place);
        Ok(place)
    };
    let inputs = node.inputs.iter().map(|&id| place(id)).collect::<Result<Vec<_>, _>>()?;
    let outputs = node.outputs.iter().map(|&id| place(id)).collect::<Result<Vec<_>, _>>()?;
    alone.inputs = activations(model, node).iter().map(|id| places[id]).collect();
    alone.outputs.clone_from(&outputs);
    alone.operators = vec![Node { inputs, outputs, ..node.clone() }];
    alone.schedules = vec![one_behind_the_other(&alone.tensors)];
    let shapes = alone.outputs.iter().map(|&id| axes(&alone.tensors[usize::from(id)])).collect();
    let bytes = write(&alone).map_err(|error| TractError::Build(format!("{}: {error}", node.name)))?;
    let file = Arc::new(AlignedBytes::copy_of(&bytes));
    // Planned once to see that it can be.
    Planned::new(file.clone())?;
    Ok(Segment::new(file, shapes))
}

/// The only operator's schedule, without scratch, which its kernel can do without.
fn one_behind_the_other(tensors: &[Tensor]) -> Schedule {
    let mut arena_bytes = 0;
    let mut place = |tensor: &Tensor| {
        let offset = arena_bytes;
        arena_bytes += (tensor.shape.iter().product::<u32>()).next_multiple_of(16);
        offset
    };
    let placements = tensors.iter().map(|tensor| tensor.data.is_none().then(|| place(tensor))).collect();
    let steps = vec![Step::Operator(OperatorStep { operator: 0, scratch: [0, 0], layouts: vec![] })];
    let profile = ScheduleView::PORTABLE.to_owned();
    Schedule { profile, arena_bytes, scratch_bytes: 0, placements, steps }
}

fn axes(tensor: &Tensor) -> TVec<usize> {
    tensor.shape.iter().map(|&axis| axis as usize).collect()
}
