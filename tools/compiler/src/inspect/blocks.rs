//! Which bytes of the arena are in use from which step to which: the memory plan as a picture wants it.

use ocelli_format::{Artefact, OperatorStepView, ScheduleView, StepView, TensorId};
use serde::Serialize;

/// Bytes of the arena over a span of steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Name of the tensor, or of the operator whose scratch it is.
    pub name: String,
    /// Whether only one step uses it.
    pub is_scratch: bool,
    /// First byte.
    pub offset: u32,
    /// How many.
    pub bytes: u32,
    /// First step that needs it.
    pub first: u32,
    /// Last step that needs it.
    pub last: u32,
    /// Rows that are kept, where only the newest exist.
    pub rows: Option<u16>,
}

/// One operator of a step, with its place and the rows kept of its results.
pub(super) struct Turn<'a> {
    pub(super) step: u32,
    pub(super) operator: OperatorStepView<'a>,
    pub(super) rings: &'a [[u16; 2]],
    /// Whether it takes turns with others.
    pub(super) is_in_group: bool,
}

/// Every operator in order of execution.
pub(super) fn turns<'a>(schedule: &ScheduleView<'a>) -> Vec<Turn<'a>> {
    let mut turns = Vec::new();
    for (step, view) in (0..).zip(schedule.steps()) {
        match view {
            StepView::Operator(operator) => {
                turns.push(Turn { step, operator, rings: &[], is_in_group: false });
            }
            StepView::RowGroup(group) => turns.extend(group.inner().map(|row| Turn {
                step,
                operator: row.step,
                rings: group.rings,
                is_in_group: true,
            })),
            _ => {}
        }
    }
    turns
}

/// Every tensor and every scratch of a schedule.
pub(super) fn blocks(artefact: &Artefact<'_>, schedule: &ScheduleView<'_>) -> Vec<Block> {
    let turns = turns(schedule);
    let last = schedule.step_count.saturating_sub(1);
    let mut spans: Vec<Option<[u32; 2]>> = vec![None; artefact.tensor_count()];
    let mut rows: Vec<Option<u16>> = vec![None; artefact.tensor_count()];
    let touch = |spans: &mut Vec<Option<[u32; 2]>>, tensor: TensorId, step: u32| {
        let span = spans[usize::from(tensor)].get_or_insert([step, step]);
        *span = [span[0].min(step), span[1].max(step)];
    };
    artefact.inputs().iter().for_each(|&tensor| touch(&mut spans, tensor, 0));
    artefact.outputs().iter().for_each(|&tensor| touch(&mut spans, tensor, last));
    for state in artefact.states() {
        for (tensor, step) in [(state.tensor, 0), (state.tensor, last), (state.next, last)] {
            touch(&mut spans, tensor, step);
        }
    }
    for turn in &turns {
        let view = artefact.operator(turn.operator.operator);
        view.inputs.iter().chain(view.outputs).for_each(|&tensor| touch(&mut spans, tensor, turn.step));
        turn.rings.iter().for_each(|&[tensor, kept]| rows[usize::from(tensor)] = Some(kept));
    }
    let mut blocks = Vec::new();
    for (tensor, span) in (0..).zip(spans) {
        let (Some(offset), Some([first, last])) = (schedule.placement(tensor), span) else { continue };
        let view = artefact.tensor(tensor);
        let kept = rows[usize::from(tensor)];
        let height = view.nhwc().map_or(1, |[_, height, _, _]| height).max(1);
        let bytes = match kept {
            Some(kept) => view.bytes() / height * usize::from(kept),
            None => view.bytes(),
        } as u32;
        let name = artefact.tensor_name(tensor).to_owned();
        blocks.push(Block { name, is_scratch: false, offset, bytes, first, last, rows: kept });
    }
    for turn in &turns {
        let [offset, bytes] = turn.operator.scratch;
        if bytes > 0 {
            let name = artefact.operator_name(turn.operator.operator).to_owned();
            let (first, last) = (turn.step, turn.step);
            blocks.push(Block { name, is_scratch: true, offset, bytes, first, last, rows: None });
        }
    }
    blocks
}
