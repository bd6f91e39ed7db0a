//! What is in an artefact, in numbers: from its bytes alone, without the model that it came from.

use ocelli_format::model::Model;
use ocelli_format::{Artefact, OperatorId, ScheduleView, StepView};
use serde::Serialize;

use crate::plan;

/// An artefact in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Bytes of all constants: weights, biases, factors and tables.
    pub weight_bytes: u64,
    /// Bytes of the file.
    pub artefact_bytes: u64,
    /// Bytes of arena of the portable schedule, or of the first where there is no portable one.
    pub arena_bytes: u32,
    /// What these bytes are.
    pub memory: Memory,
    /// Kinds of operators that a firmware has to link.
    pub operators: Vec<String>,
    /// In order of execution.
    pub layers: Vec<Layer>,
}

/// What an arena holds, and what it could not do without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Bytes that whole tensors need in any order of execution, each operator running once.
    pub floor_bytes: u64,
    /// Whether no order needs less; otherwise the floor is the lowest that was found.
    pub is_floor_exact: bool,
    /// Bytes of arena that tensors and rings of rows take.
    pub tensor_bytes: u32,
    /// Bytes of arena that only scratch takes.
    pub scratch_bytes: u32,
    /// Steps of several operators that roll over a few rows at a time.
    pub row_groups: usize,
    /// Whether the input comes row by row.
    pub streams_input: bool,
    /// Multiply-accumulates of the schedule beyond those of the model.
    pub extra_macs: u64,
}

/// An operator of an artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Name in the source model.
    pub name: String,
    /// Kind of operator.
    pub operator: String,
    /// Axes of its first operand.
    pub input_shape: Vec<u32>,
    /// Axes of its result.
    pub output_shape: Vec<u32>,
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Bytes of its constants.
    pub weight_bytes: u64,
}

/// Counts what is in an artefact; `artefact_bytes` is the length of its file.
pub fn inspect(artefact: &Artefact<'_>, artefact_bytes: usize) -> Inspection {
    let schedule = artefact.schedule_for(ScheduleView::PORTABLE).or_else(|| artefact.schedules().next());
    let mut operators: Vec<String> =
        artefact.operators().map(|view| view.operator().kind().to_string()).collect();
    operators.sort();
    operators.dedup();
    let layers: Vec<Layer> = artefact
        .operators()
        .enumerate()
        .map(|(id, view)| {
            let constants = view.inputs.iter().filter_map(|&input| artefact.tensor(input).data);
            let shape = |tensor| artefact.tensor(tensor).shape.axes().to_vec();
            Layer {
                name: artefact.operator_name(id as u16).into(),
                operator: view.operator().kind().to_string(),
                input_shape: view.inputs.iter().next().map_or(Vec::new(), |&input| shape(input)),
                output_shape: shape(view.output()),
                macs: artefact.multiply_accumulates(id as u16),
                weight_bytes: constants.map(|data| data.len() as u64).sum(),
            }
        })
        .collect();
    Inspection {
        macs: layers.iter().map(|layer| layer.macs).sum(),
        weight_bytes: artefact.tensors().filter_map(|tensor| tensor.data).map(|data| data.len() as u64).sum(),
        artefact_bytes: artefact_bytes as u64,
        arena_bytes: schedule.map_or(0, |schedule| schedule.arena_bytes),
        memory: schedule.map_or_else(Memory::default, |schedule| memory(artefact, &schedule)),
        operators,
        layers,
    }
}

/// What a schedule needs, and what it computes beyond the model.
fn memory(artefact: &Artefact<'_>, schedule: &ScheduleView<'_>) -> Memory {
    // An artefact is in a valid order, so its floor is never missing.
    let floor = plan::floor(&Model::from_artefact(artefact)).ok();
    let macs = |operator: OperatorId| artefact.multiply_accumulates(operator);
    let (mut computed, mut row_groups, mut streams_input) = (0, 0, false);
    for step in schedule.steps() {
        match step {
            StepView::Operator(step) => computed += macs(step.operator),
            StepView::RowGroup(group) => {
                row_groups += 1;
                streams_input |= group.rings.iter().any(|[ring, _]| artefact.input_index(*ring).is_some());
                for row in group.inner() {
                    let output = artefact.tensor(artefact.operator(row.step.operator).output());
                    let height = output.shape.nhwc().map_or(1, |[_, height, ..]| height);
                    let rows = row.rows_after(u32::from(group.trips), height) as u64;
                    computed += macs(row.step.operator) / height as u64 * rows;
                }
            }
            _ => {}
        }
    }
    let model: u64 = (0..artefact.operator_count() as OperatorId).map(macs).sum();
    Memory {
        floor_bytes: floor.map_or(0, |floor| floor.bytes),
        is_floor_exact: floor.is_some_and(|floor| floor.is_least),
        tensor_bytes: schedule.arena_bytes - schedule.scratch_bytes,
        scratch_bytes: schedule.scratch_bytes,
        row_groups,
        streams_input,
        extra_macs: computed.saturating_sub(model),
    }
}
