//! A row group: neighbouring operators that roll over a few rows at a time, so that what lies between
//! them exists only as rings of rows.
//!
//! Every operator adds the same number of rows on each of its turns. How often it has a turn follows from the strides
//! before it, when it starts from the rows that it waits for, and how long a ring has to be from the
//! rows that its readers still want. Nothing is computed twice.

use std::collections::BTreeMap;
use std::ops::Range;

use ocelli_core::Shape;
use ocelli_format::model::Model;
use ocelli_format::{InputRows, Operator};

/// Neighbouring positions of an order that roll together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Which positions.
    pub(super) positions: Range<usize>,
    /// How often they are walked.
    pub(super) trips: u16,
    /// First trip and period of each.
    pub(super) paces: Vec<Pace>,
    /// Rows that each adds on a turn.
    pub(super) rows: u8,
    /// Tensors that exist only as a ring.
    pub(super) rings: BTreeMap<usize, Ring>,
    /// The input that is streamed, one of the rings.
    pub(super) streamed: Option<usize>,
    /// A whole tensor that dies here, and one that may grow over it while it is read.
    pub(super) overlay: Option<[usize; 2]>,
}

/// When an operator has its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) first_trip: u16,
    pub(super) period: u8,
}

/// A tensor of which some rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ring {
    pub(super) rows: u16,
    pub(super) bytes: u64,
    /// Whether its rows are read on the trip on which they are made, so that other steps may use the place.
    pub(super) is_fleeting: bool,
}

/// Operators of the longest group: an inner step counts in a byte, and plans should be found in time.
pub(super) const LONGEST: usize = 40;

impl Group {
    /// The group of these positions of an order, of so many rows a turn, with the model's input streamed into it
    /// or not; `None` where one of its operators cannot compute single rows, or they do not keep pace.
    pub(super) fn new(
        model: &Model,
        order: &[usize],
        positions: Range<usize>,
        rows: u8,
        streams: bool,
    ) -> Option<Group> {
        let streamed = match (&model.inputs[..], streams) {
            (&[input], true) => Some(usize::from(input)),
            (_, false) => None,
            _ => return None,
        };
        let rolls = Rolls::new(model, order, positions.clone(), rows.into(), streamed)?;
        let trips = rolls.steps.iter().map(|step| step.trip_of(step.height - 1) + 1).max()?;
        // Rows of the input that nobody reads come all the same.
        let trips = trips.max(streamed.and_then(|input| image(model, input)).map_or(0, |[height, _]| height));
        let paces = rolls.steps.iter().map(|step| {
            Some(Pace { first_trip: step.first_trip.try_into().ok()?, period: step.period.try_into().ok()? })
        });
        let group = Group {
            positions,
            trips: trips.try_into().ok()?,
            paces: paces.collect::<Option<_>>()?,
            rows,
            rings: rolls.rings(model, order)?,
            streamed,
            overlay: rolls.overlay(model, order),
        };
        // A group without rings saves nothing.
        (!group.rings.is_empty()).then_some(group)
    }

    /// Turns of all operators together.
    pub(super) fn turns(&self, model: &Model, order: &[usize]) -> u64 {
        let height = |position: usize| {
            let output = usize::from(model.operators[order[position]].outputs[0]);
            image(model, output).map_or(0, |[height, _]| height.div_ceil(self.rows.into()) as u64)
        };
        self.positions.clone().map(height).sum()
    }
}

/// An operator of a group that is being made.
struct RollingStep {
    operator: Operator,
    inputs: Vec<usize>,
    output: usize,
    height: usize,
    /// Rows of a turn, as far as rows are left.
    rows: usize,
    period: usize,
    first_trip: usize,
}

impl RollingStep {
    /// The first row of each turn.
    fn turns(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.height).step_by(self.rows)
    }

    /// The trip on which it adds a row.
    fn trip_of(&self, row: usize) -> usize {
        self.first_trip + row / self.rows * self.period
    }

    /// Rows that are there after so many trips.
    fn rows_after(&self, trips: usize) -> usize {
        let turns = trips.saturating_sub(self.first_trip).div_ceil(self.period);
        turns.saturating_mul(self.rows).min(self.height)
    }

    /// The rows of its inputs that the turn needs that starts at a row.
    fn input_rows(&self, model: &Model, row: usize) -> Option<InputRows> {
        let axes = |tensor: usize| &model.tensors[tensor].shape;
        let end = (row + self.rows).min(self.height);
        self.operator.input_rows(axes(*self.inputs.first()?), axes(self.output), row..end)
    }
}

/// The steps of a group that is being made.
struct Rolls {
    steps: Vec<RollingStep>,
    positions: Range<usize>,
    streamed: Option<usize>,
}

impl Rolls {
    fn new(
        model: &Model,
        order: &[usize],
        positions: Range<usize>,
        rows: usize,
        streamed: Option<usize>,
    ) -> Option<Rolls> {
        let mut steps = Vec::new();
        for &operator in &order[positions.clone()] {
            let node = &model.operators[operator];
            let inputs = node.inputs.iter().copied().map(usize::from);
            let inputs: Vec<usize> = inputs.filter(|&tensor| model.tensors[tensor].data.is_none()).collect();
            let output = usize::from(*node.outputs.first()?);
            let height = image(model, output)?[0];
            let step = RollingStep {
                operator: node.operator,
                inputs,
                output,
                height,
                rows,
                period: 0,
                first_trip: 0,
            };
            let heights = step.inputs.iter().map(|&input| Some(image(model, input)?[0]));
            let heights = heights.collect::<Option<Vec<usize>>>()?;
            let shape = |tensor: u16| &model.tensors[usize::from(tensor)].shape;
            let repeats = node.operator.kind().has_two_inputs()
                && node.inputs.iter().any(|&input| shape(input) != &model.tensors[output].shape);
            let alike = heights.windows(2).all(|pair| pair[0] == pair[1]) && !repeats;
            step.turns().try_for_each(|row| step.input_rows(model, row).filter(|_| alike).map(|_| ()))?;
            steps.push(step);
        }
        let mut rolls = Rolls { steps, positions, streamed };
        rolls.set_periods()?;
        rolls.set_first_trips(model)?;
        Some(rolls)
    }

    /// Trips between two rows of each output: as much more than of the inputs as the stride says.
    fn set_periods(&mut self) -> Option<()> {
        // Divisible by every product of strides that is likely.
        const START: usize = 5040 << 10;
        let mut periods: BTreeMap<usize, usize> = BTreeMap::from([(self.steps.first()?.output, START)]);
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for step in &self.steps {
                let stride = stride(&step.operator);
                for &input in &step.inputs {
                    match (periods.get(&input).copied(), periods.get(&step.output).copied()) {
                        (Some(of_input), Some(of_output)) if of_input * stride != of_output => return None,
                        (Some(of_input), None) => {
                            periods.insert(step.output, of_input * stride);
                            is_settled = false;
                        }
                        (None, Some(of_output)) if of_output % stride == 0 => {
                            periods.insert(input, of_output / stride);
                            is_settled = false;
                        }
                        (None, Some(_)) => return None,
                        _ => {}
                    }
                }
            }
        }
        let outputs = self.steps.iter().map(|step| periods.get(&step.output).copied());
        let outputs = outputs.collect::<Option<Vec<usize>>>()?;
        let shortest = match self.streamed {
            Some(input) => *periods.get(&input)?,
            None => *outputs.iter().min()?,
        };
        for (step, period) in self.steps.iter_mut().zip(outputs) {
            // A streamed input has a row on each trip, so turns of several rows come less often.
            step.period = period / shortest * if self.streamed.is_some() { step.rows } else { 1 };
            if period % shortest != 0 || !(1..=usize::from(u8::MAX)).contains(&step.period) {
                return None;
            }
        }
        Some(())
    }

    /// Each operator starts as soon as no row of it will come before the rows that it needs.
    fn set_first_trips(&mut self, model: &Model) -> Option<()> {
        for index in 0..self.steps.len() {
            let (before, rest) = self.steps.split_at_mut(index);
            let step = &mut rest[0];
            for input in step.inputs.clone() {
                let maker = before.iter().find(|maker| maker.output == input);
                for row in step.turns() {
                    let rows = step.input_rows(model, row)?.rows;
                    let Some(last) = rows.end.checked_sub(1).filter(|_| !rows.is_empty()) else { continue };
                    let there = match maker {
                        Some(maker) => maker.trip_of(last),
                        None if self.streamed == Some(input) => last,
                        None => 0,
                    };
                    step.first_trip =
                        step.first_trip.max(there.saturating_sub(row / step.rows * step.period));
                }
            }
        }
        Some(())
    }

    /// The rings: of what is made and read only here, and of the streamed input.
    fn rings(&self, model: &Model, order: &[usize]) -> Option<BTreeMap<usize, Ring>> {
        let made = self.steps.iter().map(|step| step.output);
        let mut rings = BTreeMap::new();
        for tensor in made.chain(self.streamed) {
            let inside = !is_wanted_outside(model, order, &self.positions, tensor);
            if self.streamed == Some(tensor) && !inside {
                return None;
            }
            if inside {
                let [height, row_bytes] = image(model, tensor)?;
                let (rows, is_fleeting) = self.rows_kept(model, tensor)?;
                let rows = rows.clamp(1, height);
                let is_fleeting = is_fleeting && self.streamed != Some(tensor);
                let bytes = (rows * row_bytes) as u64;
                rings.insert(tensor, Ring { rows: rows.try_into().ok()?, bytes, is_fleeting });
            }
        }
        Some(rings)
    }

    /// The most rows between the newest of a tensor and the oldest that a reader wants; and whether all
    /// are read on the trip on which they are made, and none is kept.
    fn rows_kept(&self, model: &Model, tensor: usize) -> Option<(usize, bool)> {
        let maker = self.steps.iter().find(|step| step.output == tensor);
        let made = |trips: usize| maker.map_or(trips, |maker| maker.rows_after(trips));
        let height = image(model, tensor)?[0];
        let turn = maker.map_or(1, |maker| maker.rows);
        let (mut kept, mut is_fleeting) = (turn, true);
        for reader in self.steps.iter().filter(|step| step.inputs.contains(&tensor)) {
            for row in reader.turns() {
                let rows = reader.input_rows(model, row)?.rows;
                if !rows.is_empty() {
                    let trip = reader.trip_of(row);
                    kept = kept.max(made(trip + 1).min(height) - rows.start);
                    is_fleeting &= rows.start >= made(trip).min(height);
                }
            }
        }
        Some((kept, is_fleeting && kept == turn))
    }

    /// The largest whole tensor that is last read here, under the largest whole tensor that is made here
    /// and never catches up with what is still to be read of it.
    fn overlay(&self, model: &Model, order: &[usize]) -> Option<[usize; 2]> {
        let bytes = |tensor: &usize| image(model, *tensor).map(|[height, row_bytes]| height * row_bytes);
        let made = |tensor: usize| self.steps.iter().any(|step| step.output == tensor);
        let read = self.steps.iter().flat_map(|step| step.inputs.iter().copied());
        let dies = |tensor: &usize| {
            let is_whole = !made(*tensor) && self.streamed != Some(*tensor);
            is_whole && !is_wanted_outside(model, order, &(0..self.positions.end), *tensor)
        };
        let input = read.filter(dies).max_by_key(bytes)?;
        let outputs = self.steps.iter().filter(|step| {
            is_wanted_outside(model, order, &self.positions, step.output)
                && !step.inputs.contains(&input)
                && self.stays_behind(model, step, input).unwrap_or(false)
        });
        outputs.map(|step| step.output).max_by_key(bytes).map(|output| [input, output])
    }

    /// Whether a step that writes from the place of `input` on never reaches rows that are still to be read.
    fn stays_behind(&self, model: &Model, writer: &RollingStep, input: usize) -> Option<bool> {
        let (read_bytes, written_bytes) = (image(model, input)?[1], image(model, writer.output)?[1]);
        let place = |step: &RollingStep| self.steps.iter().position(|other| other.output == step.output);
        for reader in self.steps.iter().filter(|step| step.inputs.contains(&input)) {
            for row in reader.turns() {
                let rows = reader.input_rows(model, row)?.rows;
                let trip = reader.trip_of(row);
                // What has been written when the reader has its turn.
                let written = writer.rows_after(trip + usize::from(place(writer) < place(reader)));
                if !rows.is_empty() && written * written_bytes > rows.start * read_bytes {
                    return Some(false);
                }
            }
        }
        Some(true)
    }
}

/// Rows, and bytes of a row, of an image of batch 1.
fn image(model: &Model, tensor: usize) -> Option<[usize; 2]> {
    let tensor = &model.tensors[tensor];
    let [batches, height, width, channels] = Shape::new(&tensor.shape)?.nhwc()?;
    let bytes = tensor.element.bytes();
    (batches == 1 && height <= usize::from(u16::MAX)).then_some([height, width * channels * bytes])
}

/// Rows of input from one row of output to the next.
fn stride(operator: &Operator) -> usize {
    match operator {
        Operator::Conv2d { window, .. }
        | Operator::DepthwiseConv2d { window, .. }
        | Operator::AveragePool2d { window, .. }
        | Operator::MaxPool2d { window, .. }
        | Operator::WideConv2d { window, .. }
        | Operator::WideDepthwiseConv2d { window, .. }
        | Operator::WideAveragePool2d { window, .. }
        | Operator::WideMaxPool2d { window, .. } => usize::from(window.stride[0]),
        _ => 1,
    }
}

/// Whether a tensor is read by operators at other positions than these, or is an output or a state.
fn is_wanted_outside(model: &Model, order: &[usize], positions: &Range<usize>, tensor: usize) -> bool {
    let states = model.states.iter().flat_map(|state| [state.tensor, state.next]);
    let is_port = model.outputs.iter().copied().chain(states).any(|port| usize::from(port) == tensor);
    let reads = |&operator: &usize| {
        model.operators[operator].inputs.iter().any(|&input| usize::from(input) == tensor)
    };
    is_port || order[..positions.start].iter().chain(&order[positions.end..]).any(reads)
}
