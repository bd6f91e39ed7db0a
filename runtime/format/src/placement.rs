//! Whether the places of a schedule serve its steps: all inside the arena, and apart where they have to be.

use crate::ALIGNMENT;
use crate::artefact::Artefact;
use crate::error::{ParseError, Section};
use crate::schedule::{OperatorStepView, RowGroupView, ScheduleView, StepView};
use crate::tensor::{TensorId, TensorView};

/// One schedule and what it is checked against.
#[derive(Clone, Copy)]
pub(crate) struct Placement<'c> {
    pub(crate) artefact: &'c Artefact<'c>,
    pub(crate) schedule: &'c ScheduleView<'c>,
    /// Which schedule of the file.
    pub(crate) index: u8,
}

impl Placement<'_> {
    /// Checks places and operator steps. Row groups are [`Placement::check_row_groups`]' concern:
    /// an engine that cannot run them refuses them anyway.
    pub(crate) fn check(&self) -> Result<(), ParseError> {
        for (tensor, view) in (0..).zip(self.artefact.tensors()) {
            let offset = self.schedule.placement(tensor);
            if offset.is_some_and(|offset| view.data.is_some() || !is_aligned(offset)) {
                return Err(self.misplaced(tensor));
            }
        }
        for tensor in self.artefact.ports().tensors() {
            self.place(tensor, &[])?;
        }
        for step in 0..self.schedule.step_count {
            if let StepView::Operator(view) = self.schedule.read_step(step)?
                && !self.check_operator(step, &view, &[])?
            {
                return Err(ParseError::Overlap { schedule: self.index, step });
            }
        }
        Ok(())
    }

    /// Checks what [`Placement::check`] leaves out.
    pub(crate) fn check_row_groups(&self) -> Result<(), ParseError> {
        for step in 0..self.schedule.step_count {
            if let StepView::RowGroup(group) = self.schedule.read_step(step)? {
                self.check_row_group(step, &group)?;
            }
        }
        Ok(())
    }

    fn check_row_group(&self, step: u32, group: &RowGroupView<'_>) -> Result<(), ParseError> {
        if !group.is_sound() {
            return Err(ParseError::Step { schedule: self.index, step });
        }
        for &[tensor, _] in group.rings {
            self.artefact.check_tensor(Section::Schedule, tensor)?;
            self.place(tensor, group.rings)?;
        }
        group.inner().try_for_each(|row| self.check_operator(step, &row.step, group.rings).map(drop))
    }

    /// Checks that everything that a step names is there; gives whether output and scratch are apart
    /// from all else but for an input that is wholly in place.
    fn check_operator(
        &self,
        step: u32,
        view: &OperatorStepView<'_>,
        rings: &[[u16; 2]],
    ) -> Result<bool, ParseError> {
        let operator = self.artefact.operator(view.operator);
        let constant = |operand: usize| {
            let tensor = operator.inputs.get(operand);
            tensor.is_some_and(|&tensor| self.artefact.tensor(tensor).data.is_some())
        };
        if usize::from(view.operator) >= self.artefact.operator_count() || !view.is_sound(constant) {
            return Err(ParseError::Step { schedule: self.index, step });
        }
        let [start, length] = view.scratch;
        let overlap = ParseError::Overlap { schedule: self.index, step };
        let end = start.checked_add(length).filter(|&end| end <= self.schedule.arena_bytes);
        let scratch = [start, end.filter(|_| is_aligned(start)).ok_or(overlap)?];
        let output = self.place(operator.output(), rings)?;
        let mut apart = !meet(scratch, output);
        for (operand, &tensor) in operator.inputs.iter().enumerate() {
            if !constant(operand) {
                let input = self.place(tensor, rings)?;
                let in_place = input == output && operator.kind.works_in_place(operand);
                apart &= (in_place || !meet(input, output)) && !meet(scratch, input);
            }
        }
        Ok(apart)
    }

    /// Start and end of a tensor in the arena.
    fn place(&self, tensor: TensorId, rings: &[[u16; 2]]) -> Result<[u32; 2], ParseError> {
        let view = self.artefact.tensor(tensor);
        let bytes = match rings.iter().find(|[ring, _]| *ring == tensor) {
            None => Some(view.bytes() as u32),
            Some(&[_, rows]) => ring_bytes(&view, rows),
        };
        let start = self.schedule.placement(tensor).filter(|_| view.data.is_none());
        let end = start.and_then(|start| start.checked_add(bytes?));
        match (start, end) {
            (Some(start), Some(end)) if end <= self.schedule.arena_bytes => Ok([start, end]),
            _ => Err(self.misplaced(tensor)),
        }
    }

    fn misplaced(&self, tensor: TensorId) -> ParseError {
        ParseError::Placement { schedule: self.index, tensor }
    }
}

/// Bytes of a ring of rows; `None` where the tensor has no such rows.
fn ring_bytes(tensor: &TensorView<'_>, rows: u16) -> Option<u32> {
    let [batches, height, width, channels] = tensor.shape.nhwc()?;
    let rows = usize::from(rows);
    let possible = batches == 1 && (1..=height).contains(&rows);
    possible.then(|| (rows * width * channels * tensor.element.bytes()) as u32)
}

/// Whether two ranges of the arena have a byte in common.
fn meet(left: [u32; 2], right: [u32; 2]) -> bool {
    left[0].max(right[0]) < left[1].min(right[1])
}

fn is_aligned(offset: u32) -> bool {
    offset.is_multiple_of(ALIGNMENT as u32)
}
