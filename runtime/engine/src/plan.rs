//! A planned model: the only thing in the engine that an application holds.

use ocelli_core::Infer;
use ocelli_format::{
    ALIGNMENT, Artefact, OperatorId, OperatorStepView, RelaidView, RowGroupView, ScheduleView, StepView,
    Storage, TensorId, TensorView,
};

use crate::PlanError;
use crate::layer::Layer;
use crate::operators::Operators;
use crate::rolling::RowGroups;

/// A model that has been planned into an arena, so that running it cannot fail, allocate or panic.
///
/// It borrows artefact and arena; [`Plan::release`] gives the arena back for the next model.
#[derive(Debug)]
pub struct Plan<'a> {
    pub(crate) artefact: Artefact<'a>,
    pub(crate) schedule: ScheduleView<'a>,
    pub(crate) operators: Operators,
    pub(crate) arena: &'a mut [u8],
    /// Of the first step, the trip that is next: more than 0 while a streamed input comes in.
    trip: u32,
}

impl<'a> Plan<'a> {
    /// Plans a model: chooses the schedule for `profile` (or the portable one), checks that the
    /// arena and the linked operators serve it, and sets the states to zero.
    ///
    /// # Errors
    /// A [`PlanError`] that says what is missing, and how much.
    pub fn new(
        artefact: &Artefact<'a>,
        profile: &str,
        operators: Operators,
        arena: &'a mut [u8],
    ) -> Result<Plan<'a>, PlanError> {
        let schedule = artefact.schedule_for(profile).ok_or(PlanError::MissingSchedule)?;
        let remainder_bytes = (arena.as_ptr().addr() % ALIGNMENT) as u8;
        if remainder_bytes != 0 {
            return Err(PlanError::ArenaMisaligned { remainder_bytes });
        }
        if arena.len() < schedule.arena_bytes as usize {
            let available_bytes = arena.len() as u32;
            return Err(PlanError::ArenaTooSmall { needed_bytes: schedule.arena_bytes, available_bytes });
        }
        let mut plan = Plan { artefact: *artefact, schedule, operators, arena, trip: 0 };
        for (step, view) in (0..).zip(schedule.steps()) {
            match (view, operators.row_groups) {
                (StepView::Operator(view), _) => plan.check_operator(step, &view)?,
                (StepView::RowGroup(group), Some(row_groups)) => row_groups.check(&plan, step, &group)?,
                _ => return Err(PlanError::MissingRowGroups { step }),
            }
        }
        plan.reset();
        Ok(plan)
    }

    /// Gives the arena back.
    pub fn release(self) -> &'a mut [u8] {
        self.arena
    }

    /// The planned artefact.
    pub fn artefact(&self) -> &Artefact<'a> {
        &self.artefact
    }

    /// The schedule that it runs.
    pub fn schedule(&self) -> &ScheduleView<'a> {
        &self.schedule
    }

    /// Type, shape and quantization of input `index`, or `None` beyond the last.
    pub fn input_tensor(&self, index: usize) -> Option<TensorView<'a>> {
        self.artefact.inputs().get(index).map(|&tensor| self.artefact.tensor(tensor))
    }

    /// Type, shape and quantization of output `index`, or `None` beyond the last.
    pub fn output_tensor(&self, index: usize) -> Option<TensorView<'a>> {
        self.artefact.outputs().get(index).map(|&tensor| self.artefact.tensor(tensor))
    }

    /// Sets all states to zero, as before the first run, and forgets the rows of a streamed input.
    pub fn reset(&mut self) {
        self.trip = 0;
        for state in self.artefact.states() {
            let zero_point = self.artefact.tensor(state.tensor).zero_point();
            self.tensor_mut(state.tensor).unwrap_or_default().fill(zero_point);
        }
    }

    /// How many steps a run has.
    pub fn step_count(&self) -> u32 {
        self.schedule.step_count
    }

    /// The operator of a step, or `None` for a row group and beyond the last.
    pub fn step_operator(&self, step: u32) -> Option<OperatorId> {
        match self.schedule.step(step)? {
            StepView::Operator(view) => Some(view.operator),
            _ => None,
        }
    }

    /// Runs one step, for looking at tensors in between: all steps in order, then
    /// [`Plan::carry_states`], are [`Infer::infer`]. Does nothing beyond the last.
    pub fn run_step(&mut self, step: u32) {
        match &self.schedule.step(step) {
            Some(StepView::Operator(view)) => {
                layer(&self.artefact, &self.schedule, view).run(&self.operators, self.arena);
            }
            Some(StepView::RowGroup(group)) => {
                let trip = if step == 0 { core::mem::take(&mut self.trip) } else { 0 };
                if let Some(row_groups) = self.operators.row_groups {
                    row_groups.roll(self, group, trip, false);
                }
            }
            _ => {}
        }
    }

    /// Makes what the run computed for the states their value for the next one.
    pub fn carry_states(&mut self) {
        for state in self.artefact.states() {
            let length = self.artefact.tensor(state.next).bytes();
            let offset = |tensor| Some(self.schedule.placement(tensor)? as usize);
            if let (Some(from), Some(to)) = (offset(state.next), offset(state.tensor)) {
                // Byte by byte: the library's move of overlapping ranges would be the largest function
                // of a small firmware, most of which have no state at all.
                for index in 0..length {
                    let byte = self.arena.get(from + index).copied();
                    if let (Some(byte), Some(slot)) = (byte, self.arena.get_mut(to + index)) {
                        *slot = byte;
                    }
                }
            }
        }
    }

    /// The bytes of a tensor, computed or constant, as they are now; `None` for one without a place, and for a constant
    /// that is not stored dense.
    pub fn tensor(&self, tensor: TensorId) -> Option<&[i8]> {
        let view = self.artefact.tensor(tensor);
        if let Some(data) = view.data() {
            return (view.storage() == Storage::Dense).then(|| bytemuck::cast_slice(data));
        }
        let start = self.schedule.placement(tensor)? as usize;
        Some(bytemuck::cast_slice(self.arena.get(start..)?.get(..view.bytes())?))
    }

    fn tensor_mut(&mut self, tensor: TensorId) -> Option<&mut [i8]> {
        let start = self.schedule.placement(tensor)? as usize;
        let length = self.artefact.tensor(tensor).bytes();
        Some(bytemuck::cast_slice_mut(self.arena.get_mut(start..)?.get_mut(..length)?))
    }

    /// Whether this firmware can run an operator step.
    pub(crate) fn check_operator(&self, step: u32, view: &OperatorStepView<'_>) -> Result<(), PlanError> {
        let (layer, operator) = (layer(&self.artefact, &self.schedule, view), view.operator);
        if let Some(RelaidView { operand, layout, .. }) = layer.unknown_layout() {
            return Err(PlanError::LayoutUnsupported { step, operand, layout });
        }
        let kind = layer.view.kind;
        let kernel = layer.kernel(&self.operators).ok_or(match layer.form() {
            Storage::Dense => PlanError::MissingOperator { operator, kind },
            storage => PlanError::MissingStorage { operator, kind, storage },
        })?;
        (kernel.check)(&layer).map_err(|error| PlanError::Kernel { operator, error })
    }

    /// The row group that input `index` is streamed into.
    fn streaming_group(&self, index: usize) -> Option<(&'static RowGroups, RowGroupView<'a>)> {
        let row_groups = self.operators.row_groups?;
        Some((row_groups, row_groups.streaming_group(self, index)?))
    }
}

impl Infer for Plan<'_> {
    fn infer(&mut self) {
        for step in 0..self.schedule.step_count {
            self.run_step(step);
        }
        self.carry_states();
    }

    fn input(&mut self, index: usize) -> Option<&mut [i8]> {
        let tensor = *self.artefact.inputs().get(index)?;
        if self.streaming_group(index).is_some() { None } else { self.tensor_mut(tensor) }
    }

    fn input_row(&mut self, index: usize, row: usize, elements: usize) -> Option<&mut [i8]> {
        let Some((row_groups, group)) = self.streaming_group(index) else {
            let start = row.checked_mul(elements)?;
            return self.input(index)?.get_mut(start..)?.get_mut(..elements);
        };
        if row == 0 {
            self.trip = 0;
        }
        let place = row_groups.streamed_place(self, &group, self.trip)?;
        let is_next = row == self.trip as usize && elements == place.len();
        is_next.then(|| self.arena.get_mut(place).map(bytemuck::cast_slice_mut)).flatten()
    }

    fn input_row_filled(&mut self, index: usize) {
        if let Some((row_groups, group)) = self.streaming_group(index) {
            self.trip = row_groups.roll(self, &group, self.trip, true);
        }
    }

    fn fill_input(&mut self, index: usize, mut next: impl FnMut() -> i8) {
        if let Some(input) = self.input(index) {
            input.iter_mut().for_each(|value| *value = next());
            return;
        }
        if let Some(row_groups) = self.operators.row_groups {
            row_groups.fill(self, index, &mut next);
        }
    }

    fn output(&self, index: usize) -> Option<&[i8]> {
        let tensor = *self.artefact.outputs().get(index)?;
        self.tensor(tensor)
    }
}

fn layer<'a>(
    artefact: &'a Artefact<'a>,
    schedule: &'a ScheduleView<'a>,
    step: &'a OperatorStepView<'a>,
) -> Layer<'a> {
    Layer { artefact, schedule, view: artefact.operator(step.operator), step, rows: None }
}
