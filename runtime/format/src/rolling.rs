//! Row groups at work: what every inner step does on every trip, and where rows stand meanwhile.
//!
//! All of it follows from the trip's number, so a run keeps no state but that. The reader walks a
//! group once to see that no step wants rows that are not there; the engine walks it to run it.

use core::ops::Range;

use crate::artefact::Artefact;
use crate::fault::{Fault, ensure};
use crate::graph::OperatorView;
use crate::rows::InputRows;
use crate::schedule::{RowGroupView, RowStepView, ScheduleView};
use crate::tensor::TensorId;

/// A row group and what it rolls over.
#[derive(Clone, Copy)]
pub struct Rolling<'a> {
    artefact: &'a Artefact<'a>,
    schedule: &'a ScheduleView<'a>,
    /// The group.
    pub group: &'a RowGroupView<'a>,
}

/// What an inner step does on a trip.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// The operator.
    pub operator: OperatorView<'a>,
    /// Rows that it adds to its output.
    pub output: Range<usize>,
    /// Rows that it reads of every activation.
    pub input: InputRows,
    /// Which inner step it is, and on which trip.
    at: (usize, u32),
}

/// A move of rows to the front of their ring, to make room behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slide {
    /// Bytes of the arena that are kept.
    pub from: Range<usize>,
    /// Where they go: not after where they are.
    pub to: usize,
}

/// Idle trips that may follow one another: no more than steps of the longest period leave between their turns.
const MOST_IDLE_TRIPS: u32 = 255;

impl<'a> Rolling<'a> {
    /// A group of a schedule of an artefact.
    pub fn new(
        artefact: &'a Artefact<'a>,
        schedule: &'a ScheduleView<'a>,
        group: &'a RowGroupView<'a>,
    ) -> Rolling<'a> {
        Rolling { artefact, schedule, group }
    }

    /// What inner step `index` does on a trip; `None` where it rests, or cannot add rows.
    pub fn turn(&self, trip: u32, index: usize, step: &RowStepView<'a>) -> Option<Turn<'a>> {
        if !step.has_turn(trip) {
            return None;
        }
        let operator = self.artefact.operator(step.step.operator);
        let output = self.artefact.tensor(operator.output());
        let height = output.nhwc()?[1];
        let rows = step.rows_after(trip, height)..step.rows_after(trip + 1, height);
        if rows.is_empty() {
            return None;
        }
        let attributed = operator.operator();
        let of = |tensor: TensorId| {
            attributed.input_rows(self.artefact.tensor(tensor).axes(), output.axes(), rows.clone())
        };
        let input = of(operator.input(0))?;
        if operator.kind.has_two_inputs() {
            of(operator.input(1))?;
        }
        Some(Turn { operator, output: rows, input, at: (index, trip) })
    }

    /// Where in the arena the rows of a turn's output go, once there is room for them.
    pub fn output_place(&self, turn: &Turn<'a>) -> Option<Range<usize>> {
        self.place(turn.operator.output(), &turn.output, turn.output.end)
    }

    /// Where in the arena the rows that a turn reads of an activation stand; `None` where they do not.
    pub fn input_place(&self, turn: &Turn<'a>, tensor: TensorId) -> Option<Range<usize>> {
        let (index, trip) = turn.at;
        self.place(tensor, &turn.input.rows, self.rows_made(tensor, trip, index))
    }

    /// What has to move before a turn adds its rows.
    pub fn slide(&self, turn: &Turn<'a>) -> Option<Slide> {
        self.slide_rows(turn.operator.output(), &turn.output)
    }

    /// Which input is streamed into the group: a row before each trip, until all are there.
    pub fn streamed(&self) -> Option<TensorId> {
        let is_input = |&&[tensor, _]: &&[u16; 2]| self.artefact.input_index(tensor).is_some();
        self.group.rings.iter().find(is_input).map(|&[tensor, _]| tensor)
    }

    /// Where the row of a streamed input goes that comes before a trip; `None` when all are there.
    pub fn streamed_place(&self, trip: u32) -> Option<Range<usize>> {
        let (tensor, row) = (self.streamed()?, trip as usize);
        self.place(tensor, &(row..row + 1), row + 1)
    }

    /// What has to move before the row of a streamed input that comes before a trip.
    pub fn streamed_slide(&self, trip: u32) -> Option<Slide> {
        let (tensor, row) = (self.streamed()?, trip as usize);
        self.slide_rows(tensor, &(row..row + 1))
    }

    /// Walks all trips: every step finds the rows that it needs and room for those that it adds, there are
    /// not too many idle trips, and at the end all rows are there.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let mut idle_trips = 0;
        for trip in 0..u32::from(self.group.trips) {
            idle_trips = if self.streamed_place(trip).is_some() { 0 } else { idle_trips + 1 };
            for (index, step) in self.group.inner().enumerate() {
                let operator = self.artefact.operator(step.step.operator);
                let height = self.height(operator.output()).ok_or(Fault::Step)?;
                if step.rows_after(trip, height) < step.rows_after(trip + 1, height) {
                    idle_trips = 0;
                    let turn = self.turn(trip, index, &step).ok_or(Fault::Step)?;
                    ensure(self.output_place(&turn).is_some(), Fault::Step)?;
                    for &tensor in operator.inputs {
                        let there = self.is_constant(tensor) || self.input_place(&turn, tensor).is_some();
                        ensure(there, Fault::Step)?;
                    }
                }
            }
            ensure(idle_trips < MOST_IDLE_TRIPS, Fault::Step)?;
        }
        let trips = u32::from(self.group.trips);
        let is_whole = |step: RowStepView<'_>| {
            let output = self.artefact.operator(step.step.operator).output();
            self.height(output).is_some_and(|height| step.rows_after(trips, height) == height)
        };
        ensure(self.group.inner().all(is_whole) && self.streamed_place(trips).is_none(), Fault::Step)
    }

    fn is_constant(&self, tensor: TensorId) -> bool {
        self.artefact.tensor(tensor).is_constant()
    }

    fn height(&self, tensor: TensorId) -> Option<usize> {
        self.artefact.tensor(tensor).nhwc().map(|[_, height, ..]| height)
    }

    /// How many rows of a tensor have been made when inner step `index` has its turn, had it so many.
    fn rows_made(&self, tensor: TensorId, trip: u32, index: usize) -> usize {
        let makes = |position: usize| {
            let step = self.group.inner_step(position)?;
            let by_then = trip + u32::from(position < index);
            let is_maker = self.artefact.operator(step.step.operator).output() == tensor;
            is_maker.then(|| step.rows_after(by_then, usize::MAX))
        };
        // As a rule the maker stands right before.
        let positions = (0..index).rev().chain(index..self.group.inner().len());
        let made = positions.filter_map(makes).next();
        made.unwrap_or_else(|| match self.rows_kept(tensor) {
            None => usize::MAX,
            Some(_) if self.streamed() == Some(tensor) => trip as usize + 1,
            Some(_) => 0,
        })
    }

    /// How many rows a tensor's place holds, if it is a ring.
    fn rows_kept(&self, tensor: TensorId) -> Option<usize> {
        let ring = self.group.rings.iter().find(|[ring, _]| *ring == tensor)?;
        Some(usize::from(ring[1]))
    }

    /// The bytes of rows in the arena when `made` rows have been made, or all that there are.
    fn place(&self, tensor: TensorId, rows: &Range<usize>, made: usize) -> Option<Range<usize>> {
        let (start, row_bytes, height) = self.origin(tensor)?;
        if rows.is_empty() {
            return Some(start..start);
        }
        let made = made.min(height);
        let oldest = made.saturating_sub(self.rows_kept(tensor).unwrap_or(height));
        let first = rows.start.checked_sub(oldest)?;
        let possible = rows.end <= made;
        possible.then(|| start + first * row_bytes..start + (first + rows.len()) * row_bytes)
    }

    fn slide_rows(&self, tensor: TensorId, rows: &Range<usize>) -> Option<Slide> {
        let kept = self.rows_kept(tensor)?;
        let (start, row_bytes, height) = self.origin(tensor)?;
        let (before, after) = (rows.start.saturating_sub(kept), rows.end.saturating_sub(kept));
        let left =
            rows.start.checked_sub(after).filter(|&left| left > 0 && before < after && rows.end <= height)?;
        let first = start + (after - before) * row_bytes;
        Some(Slide { from: first..first + left * row_bytes, to: start })
    }

    /// First byte in the arena, bytes of a row, rows.
    fn origin(&self, tensor: TensorId) -> Option<(usize, usize, usize)> {
        let view = self.artefact.tensor(tensor);
        let [_, height, width, channels] = view.nhwc()?;
        let start = self.schedule.placement(tensor)? as usize;
        Some((start, width * channels * view.element().bytes(), height))
    }
}
