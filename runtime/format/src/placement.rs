//! Whether the places of a schedule serve its steps: all inside the arena, and apart where they have to be.

use crate::ALIGNMENT;
use crate::artefact::Artefact;
use crate::error::Section;
use crate::fault::{Fault, Report, ensure};
use crate::rolling::Rolling;
use crate::schedule::{OperatorStepView, RowGroupView, ScheduleView, StepView};
use crate::storage::Storage;
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
    /// Checks places and operator steps. Row groups are [`Placement::check_row_group`]'s concern: an
    /// engine that cannot run them refuses them anyway.
    pub(crate) fn check(&self, report: &mut Report) -> Result<(), Fault> {
        for (view, tensor) in self.artefact.tensors().zip(0..) {
            let offset = self.schedule.placement(tensor);
            (report.index, report.part) = (tensor, self.index);
            let possible = offset.is_none_or(|offset| !view.is_constant() && is_aligned(offset));
            ensure(possible, Fault::Placement)?;
        }
        // What is streamed into the first step exists as a ring.
        let rings = match self.schedule.step(0) {
            Some(StepView::RowGroup(group)) => group.rings,
            _ => &[],
        };
        let ports = self.artefact.ports();
        for &tensor in ports.inputs {
            self.place(tensor, rings, report)?;
        }
        for &tensor in ports.outputs.iter().chain(ports.states.as_flattened()) {
            self.place(tensor, &[], report)?;
        }
        for step in 0..self.schedule.step_count {
            if let StepView::Operator(view) = self.schedule.read_step(step, report)? {
                let apart = self.check_operator(step, &view, &[], report)?;
                ensure(apart, Fault::Overlap)?;
            }
        }
        Ok(())
    }

    /// Checks the row groups, which [`Placement::check`] leaves out.
    pub(crate) fn check_row_groups(&self, report: &mut Report) -> Result<(), Fault> {
        for step in 0..self.schedule.step_count {
            if let StepView::RowGroup(group) = self.schedule.read_step(step, report)? {
                self.check_row_group(step, &group, report)?;
            }
        }
        Ok(())
    }

    /// Checks one row group: its places, as for operator steps, its streamed input, and that it rolls.
    pub(crate) fn check_row_group(
        &self,
        step: u32,
        group: &RowGroupView<'_>,
        report: &mut Report,
    ) -> Result<(), Fault> {
        (report.part, report.numbers) = (self.index, [step, 0]);
        ensure(group.is_sound(), Fault::Step)?;
        let ports = self.artefact.ports();
        for &[tensor, _] in group.rings {
            self.artefact.check_tensor(Section::Schedule, tensor, report)?;
            self.place(tensor, group.rings, report)?;
            (report.part, report.numbers) = (self.index, [step, 0]);
            let is_port = ports.tensors().any(|port| port == tensor);
            let is_streamed = step == 0 && *ports.inputs == [tensor];
            ensure(!is_port || is_streamed, Fault::Step)?;
        }
        for row in group.inner() {
            let apart = self.check_operator(step, &row.step, group.rings, report)?;
            ensure(apart, Fault::Overlap)?;
        }
        (report.part, report.numbers) = (self.index, [step, 0]);
        Rolling::new(self.artefact, self.schedule, group).check()
    }

    /// Checks that everything that a step names is there; gives whether output and scratch are apart
    /// from all else but for an input that is wholly in place.
    fn check_operator(
        &self,
        step: u32,
        view: &OperatorStepView<'_>,
        rings: &[[u16; 2]],
        report: &mut Report,
    ) -> Result<bool, Fault> {
        let operator = self.artefact.operator(view.operator);
        let constant = |operand: usize| {
            let tensor = operator.inputs.get(operand);
            tensor.is_some_and(|&tensor| self.artefact.tensor(tensor).is_constant())
        };
        let known = usize::from(view.operator) < self.artefact.operator_count();
        (report.part, report.numbers) = (self.index, [step, 0]);
        ensure(known && view.is_sound(constant), Fault::Step)?;
        // A constant that stands only in layouts has to have one here.
        let missing = |(operand, &tensor): (usize, &TensorId)| {
            self.artefact.tensor(tensor).storage() == Storage::Relaid && view.layout_of(operand).is_none()
        };
        ensure(!operator.inputs.iter().enumerate().any(missing), Fault::Step)?;
        let [start, length] = view.scratch;
        let end = start.checked_add(length).ok_or(Fault::Overlap)?;
        ensure(end <= self.schedule.arena_bytes && is_aligned(start), Fault::Overlap)?;
        let scratch = [start, end];
        let output = self.place(operator.output(), rings, report)?;
        let mut apart = !meet(scratch, output);
        for (operand, &tensor) in operator.inputs.iter().enumerate() {
            if !constant(operand) {
                let input = self.place(tensor, rings, report)?;
                let in_place = input == output && operator.kind.works_in_place(operand);
                apart &= (in_place || !meet(input, output)) && !meet(scratch, input);
            }
        }
        Ok(apart)
    }

    /// Start and end of a tensor in the arena.
    #[inline(never)]
    fn place(&self, tensor: TensorId, rings: &[[u16; 2]], report: &mut Report) -> Result<[u32; 2], Fault> {
        (report.index, report.part) = (tensor, self.index);
        let view = self.artefact.tensor(tensor);
        let bytes = match rings.iter().find(|[ring, _]| *ring == tensor) {
            None => view.bytes() as u32,
            Some(&[_, rows]) => ring_bytes(&view, rows).ok_or(Fault::Placement)?,
        };
        let start = self.schedule.placement(tensor).ok_or(Fault::Placement)?;
        let end = start.checked_add(bytes).ok_or(Fault::Placement)?;
        ensure(end <= self.schedule.arena_bytes && !view.is_constant(), Fault::Placement)?;
        Ok([start, end])
    }
}

/// Bytes of a ring of rows; `None` where the tensor has no such rows.
fn ring_bytes(tensor: &TensorView<'_>, rows: u16) -> Option<u32> {
    let [batches, height, width, channels] = tensor.nhwc()?;
    let rows = usize::from(rows);
    let possible = batches == 1 && (1..=height).contains(&rows);
    possible.then(|| (rows * width * channels * tensor.element().bytes()) as u32)
}

/// Whether two ranges of the arena have a byte in common.
fn meet(left: [u32; 2], right: [u32; 2]) -> bool {
    left[0].max(right[0]) < left[1].min(right[1])
}

fn is_aligned(offset: u32) -> bool {
    offset.is_multiple_of(ALIGNMENT as u32)
}
