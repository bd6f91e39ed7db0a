//! What a schedule needs of RAM, and what it could not do without.

use ocelli_format::model::Model;
use ocelli_format::{Artefact, OperatorId, ScheduleView, StepView};
use serde::Serialize;

use crate::plan;

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

/// What a schedule needs, and what it computes beyond the model.
pub(super) fn memory(artefact: &Artefact<'_>, schedule: &ScheduleView<'_>) -> Memory {
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
                    let height = output.nhwc().map_or(1, |[_, height, ..]| height);
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
