//! Row groups: several operators that roll over a few rows at a time, so that large tensors never
//! exist as a whole.
//!
//! Only firmware whose [`ops!`](crate::ops) names `RowGroups` carries this code. A turn of an inner step
//! is a layer whose image has just the rows at hand, so kernels know nothing of it. Rows that are
//! still wanted slide to the front of their ring, so every window is one run of memory.

use core::ops::Range;

use ocelli_core::Infer;
use ocelli_format::{Rolling, RowGroupView, Slide, StepView, TensorId, Turn};

use crate::PlanError;
use crate::layer::Layer;
use crate::plan::Plan;

/// The code that runs row groups, as a firmware links it.
#[derive(Debug)]
pub struct RowGroups {
    check: fn(&Plan<'_>, u32, &RowGroupView<'_>) -> Result<(), PlanError>,
    roll: fn(&mut Plan<'_>, &RowGroupView<'_>, u32, bool) -> u32,
    streaming_group: for<'a> fn(&Plan<'a>, usize) -> Option<RowGroupView<'a>>,
    streamed_place: fn(&Plan<'_>, &RowGroupView<'_>, u32) -> Option<Range<usize>>,
    fill: fn(&mut Plan<'_>, usize, &mut dyn FnMut() -> i8),
}

impl RowGroups {
    /// For [`ops!`](crate::ops).
    pub const LINKED: &'static RowGroups = &RowGroups { check, roll, streaming_group, streamed_place, fill };

    /// Whether a group can be run.
    pub(crate) fn check(
        &self,
        plan: &Plan<'_>,
        step: u32,
        group: &RowGroupView<'_>,
    ) -> Result<(), PlanError> {
        (self.check)(plan, step, group)
    }

    /// Runs the trips from one on; with `pause`, up to that before which another row of a streamed
    /// input comes. Gives the trip that is next.
    pub(crate) fn roll(&self, plan: &mut Plan<'_>, group: &RowGroupView<'_>, trip: u32, pause: bool) -> u32 {
        (self.roll)(plan, group, trip, pause)
    }

    /// The row group that input `index` is streamed into.
    pub(crate) fn streaming_group<'a>(&self, plan: &Plan<'a>, index: usize) -> Option<RowGroupView<'a>> {
        (self.streaming_group)(plan, index)
    }

    /// Fills all rows of a streamed input.
    pub(crate) fn fill(&self, plan: &mut Plan<'_>, index: usize, next: &mut dyn FnMut() -> i8) {
        (self.fill)(plan, index, next);
    }

    /// Where the row goes that comes before a trip.
    pub(crate) fn streamed_place(
        &self,
        plan: &Plan<'_>,
        group: &RowGroupView<'_>,
        trip: u32,
    ) -> Option<Range<usize>> {
        (self.streamed_place)(plan, group, trip)
    }
}

/// The rows of one turn, as a layer wants them. What only groups need is behind function pointers.
pub(crate) struct Rows<'a> {
    /// How many are read of each activation.
    pub(crate) input: usize,
    /// The first of them.
    pub(crate) first_input: usize,
    /// Imagined rows above them.
    pub(crate) padding: usize,
    /// How many are written.
    pub(crate) output: usize,
    pub(crate) output_place: fn(&Rows<'_>) -> Option<Range<usize>>,
    pub(crate) input_place: fn(&Rows<'_>, TensorId) -> Option<Range<usize>>,
    rolling: &'a Rolling<'a>,
    turn: Turn<'a>,
}

impl<'a> Rows<'a> {
    fn new(rolling: &'a Rolling<'a>, turn: Turn<'a>) -> Rows<'a> {
        Rows {
            input: turn.input.rows.len(),
            first_input: turn.input.rows.start,
            padding: turn.input.padding,
            output: turn.output.len(),
            output_place: |rows| rows.rolling.output_place(&rows.turn),
            input_place: |rows, tensor| rows.rolling.input_place(&rows.turn, tensor),
            rolling,
            turn,
        }
    }
}

fn check(plan: &Plan<'_>, step: u32, group: &RowGroupView<'_>) -> Result<(), PlanError> {
    for row in group.inner() {
        plan.check_operator(step, &row.step)?;
    }
    if plan.artefact.row_group_rolls(&plan.schedule, step, group) {
        Ok(())
    } else {
        Err(PlanError::RowGroup { step })
    }
}

fn roll(plan: &mut Plan<'_>, group: &RowGroupView<'_>, mut trip: u32, pause: bool) -> u32 {
    let rolling = Rolling::new(&plan.artefact, &plan.schedule, group);
    while trip < u32::from(group.trips) {
        for (index, row) in group.inner().enumerate() {
            if let Some(turn) = rolling.turn(trip, index, &row) {
                slide(plan.arena, rolling.slide(&turn));
                let (view, step) = (turn.operator, &row.step);
                let rows = Some(&Rows::new(&rolling, turn));
                let layer = Layer { artefact: &plan.artefact, schedule: &plan.schedule, view, step, rows };
                layer.run(&plan.operators, plan.arena);
            }
        }
        trip += 1;
        slide(plan.arena, rolling.streamed_slide(trip));
        if pause && rolling.streamed_place(trip).is_some() {
            break;
        }
    }
    trip
}

fn streaming_group<'a>(plan: &Plan<'a>, index: usize) -> Option<RowGroupView<'a>> {
    let tensor = *plan.artefact.inputs().get(index)?;
    match plan.schedule.step(0)? {
        StepView::RowGroup(group) if group.rings.iter().any(|[ring, _]| *ring == tensor) => Some(group),
        _ => None,
    }
}

fn fill(plan: &mut Plan<'_>, index: usize, next: &mut dyn FnMut() -> i8) {
    let shape = plan.input_tensor(index).and_then(|tensor| tensor.nhwc());
    let [_, height, width, channels] = shape.unwrap_or_default();
    for row in 0..height {
        if let Some(input) = plan.input_row(index, row, width * channels) {
            input.iter_mut().for_each(|value| *value = next());
            plan.input_row_filled(index);
        }
    }
}

fn streamed_place(plan: &Plan<'_>, group: &RowGroupView<'_>, trip: u32) -> Option<Range<usize>> {
    Rolling::new(&plan.artefact, &plan.schedule, group).streamed_place(trip)
}

/// Moves rows to the front of their ring, by words where they lie on words.
fn slide(arena: &mut [u8], slide: Option<Slide>) {
    let Some(Slide { from, to }) = slide else { return };
    let Some(ring) = arena.get_mut(to..from.end) else { return };
    let (distance, length) = (from.start - to, from.len());
    if distance % 4 == 0
        && let Ok(words) = bytemuck::try_cast_slice_mut::<u8, u32>(ring)
    {
        return forward(words, distance / 4, length / 4);
    }
    forward(ring, distance, length);
}

/// Copies `length` items from `distance` on to the front, the first first, several at a time.
fn forward<T: Copy>(items: &mut [T], distance: usize, length: usize) {
    let blocks = length / BLOCK;
    for to in (0..blocks * BLOCK).step_by(BLOCK) {
        let block = items.get(to + distance..).and_then(|rest| rest.first_chunk::<BLOCK>()).copied();
        let slot = items.get_mut(to..).and_then(|rest| rest.first_chunk_mut::<BLOCK>());
        if let (Some(block), Some(slot)) = (block, slot) {
            *slot = block;
        }
    }
    for to in blocks * BLOCK..length {
        let item = items.get(to + distance).copied();
        if let (Some(item), Some(slot)) = (item, items.get_mut(to)) {
            *slot = item;
        }
    }
}

/// Items that are copied at a time.
const BLOCK: usize = 4;
