//! Schedules: the order of steps and the place of every tensor, for one target profile.

use crate::artefact::Artefact;
use crate::bytes::Cursor;
use crate::error::{ParseError, Section};
use crate::graph::OperatorView;
use crate::tensor::{OperatorId, TensorId, TensorView};

/// An order of steps and a place for every tensor.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleView<'a> {
    /// `portable`, `cortex-m4`, `cortex-m55`, ...
    pub profile: &'a str,
    /// Bytes of arena for tensors, states and scratch together.
    pub arena_bytes: u32,
    /// Of these, bytes that only scratch needs.
    pub scratch_bytes: u32,
    /// How many steps there are.
    pub step_count: u32,
    placements: &'a [u32],
    section: &'a [u8],
}

/// One step of a schedule.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StepView<'a> {
    /// One operator over whole tensors.
    Operator(OperatorStepView<'a>),
    /// Several operators over rolling rows.
    RowGroup(RowGroupView<'a>),
}

/// An operator with what its kernel needs on this target.
#[derive(Clone, Copy, Debug)]
pub struct OperatorStepView<'a> {
    /// Which.
    pub operator: OperatorId,
    /// Offset and length of scratch in the arena; length 0 for none.
    pub scratch: [u32; 2],
    layouts: &'a [[u32; 3]],
    section: &'a [u8],
}

/// A constant operand in a layout of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelaidView<'a> {
    /// Index among the operator's inputs.
    pub operand: u8,
    /// Kernel-defined layout, never 0.
    pub layout: u8,
    /// Bytes in that layout, on a multiple of 16.
    pub data: &'a [u8],
}

/// Several operators over rolling rows.
#[derive(Clone, Copy, Debug)]
pub struct RowGroupView<'a> {
    /// How often the inner steps are walked.
    pub trips: u16,
    /// Tensors inside the group that exist only as a ring of rows: tensor, and rows kept.
    pub rings: &'a [[u16; 2]],
    inner: &'a [[u32; 5]],
    section: &'a [u8],
}

/// An operator of a row group.
#[derive(Clone, Copy, Debug)]
pub struct RowStepView<'a> {
    /// Which, and its scratch.
    pub step: OperatorStepView<'a>,
    /// Trip on which it starts.
    pub first_trip: u16,
    /// Output rows it adds on each trip, as far as rows are left.
    pub rows: u16,
}

impl<'a> ScheduleView<'a> {
    /// The profile that every target can run.
    pub const PORTABLE: &'static str = "portable";

    /// Offset in the arena of a tensor, a multiple of 16; `None` for constants.
    pub fn placement(&self, tensor: TensorId) -> Option<u32> {
        self.placements.get(usize::from(tensor)).copied().filter(|&offset| offset != NOWHERE)
    }

    /// Step `index`, or `None` beyond the last.
    pub fn step(&self, index: u32) -> Option<StepView<'a>> {
        let steps = HEADER_BYTES + size_of_val(self.placements);
        let at = steps.checked_add((index as usize).checked_mul(STEP_BYTES)?)?;
        let record = *self.cursor(at).table().ok().filter(|_| index < self.step_count)?;
        self.read_step(record).ok()
    }

    /// All steps in order of execution.
    pub fn steps(&self) -> impl Iterator<Item = StepView<'a>> + use<'a> {
        let schedule = *self;
        (0..self.step_count).map_while(move |index| schedule.step(index))
    }

    /// Reads everything but the steps.
    pub(crate) fn read(section: &'a [u8], tensors: usize) -> Result<ScheduleView<'a>, ParseError> {
        let mut cursor = Cursor::new(Section::Schedule, section);
        let [arena_bytes, scratch_bytes, step_count, zero]: [u32; 4] = *cursor.table()?;
        cursor.ensure(zero == 0 && scratch_bytes <= arena_bytes)?;
        let placements = cursor.slice(tensors)?;
        cursor.take((step_count as usize).saturating_mul(STEP_BYTES))?;
        let profile = cursor.texts()?;
        cursor.ensure(profile.len() == 1)?;
        let profile = profile.get(0).unwrap_or_default();
        Ok(ScheduleView { profile, arena_bytes, scratch_bytes, step_count, placements, section })
    }

    fn cursor(&self, at: usize) -> Cursor<'a> {
        Cursor::new(Section::Schedule, self.section).at(at)
    }

    fn read_step(&self, record: [u32; 4]) -> Result<StepView<'a>, ParseError> {
        let [head, _, _, body] = record;
        if head & 0xFF == 0 {
            return Ok(StepView::Operator(self.read_operator_step(record)?));
        }
        let mut cursor = self.cursor(body as usize);
        let (rings, trips) = (head >> 8 & 0xFF, (head >> 16) as u16);
        let inner = cursor.slice(record[1] as usize)?;
        let rings = cursor.slice(rings as usize)?;
        Ok(StepView::RowGroup(RowGroupView { trips, rings, inner, section: self.section }))
    }

    fn read_operator_step(&self, record: [u32; 4]) -> Result<OperatorStepView<'a>, ParseError> {
        let [head, offset, length, body] = record;
        let layouts = self.cursor(body as usize).slice((head >> 8 & 0xFF) as usize)?;
        let (operator, section) = ((head >> 16) as u16, self.section);
        Ok(OperatorStepView { operator, scratch: [offset, length], layouts, section })
    }
}

impl<'a> OperatorStepView<'a> {
    /// The constants that are laid out anew.
    pub fn layouts(&self) -> impl ExactSizeIterator<Item = RelaidView<'a>> + use<'a> {
        let section = self.section;
        self.layouts.iter().map(move |&record| read_layout(section, record).unwrap_or(RelaidView::NONE))
    }

    /// Input `operand` in a layout of its own, if it has one.
    pub fn layout_of(&self, operand: usize) -> Option<RelaidView<'a>> {
        self.layouts().find(|relaid| usize::from(relaid.operand) == operand)
    }
}

impl RelaidView<'_> {
    const NONE: RelaidView<'static> = RelaidView { operand: u8::MAX, layout: 0, data: &[] };
}

impl<'a> RowGroupView<'a> {
    /// The operators, walked in order on every trip.
    pub fn inner(&self) -> impl ExactSizeIterator<Item = RowStepView<'a>> + use<'a> {
        let section = self.section;
        self.inner.iter().map(move |&[head, offset, length, body, pace]| {
            let mut layouts = Cursor::new(Section::Schedule, section).at(body as usize);
            let layouts = layouts.slice((head >> 8 & 0xFF) as usize).unwrap_or(&[]);
            let operator = (head >> 16) as u16;
            let step = OperatorStepView { operator, scratch: [offset, length], layouts, section };
            RowStepView { step, first_trip: pace as u16, rows: (pace >> 16) as u16 }
        })
    }
}

/// Checks schedule `index` of the file against the graph.
pub(crate) fn check(
    artefact: &Artefact<'_>,
    index: u8,
    schedule: &ScheduleView<'_>,
) -> Result<(), ParseError> {
    let place = |tensor: TensorId, rows: Option<u16>| -> Result<[u64; 2], ParseError> {
        let error = ParseError::Placement { schedule: index, tensor };
        let offset = schedule.placement(tensor).ok_or(error)?;
        let view = artefact.tensor(tensor);
        let bytes = match rows {
            None => view.bytes(),
            Some(rows) => ring_bytes(&view, rows).ok_or(error)?,
        };
        let end = u64::from(offset) + bytes as u64;
        if end <= u64::from(schedule.arena_bytes) { Ok([u64::from(offset), end]) } else { Err(error) }
    };
    for (tensor, view) in artefact.tensors().enumerate() {
        let tensor = tensor as TensorId;
        let offset = schedule.placement(tensor);
        if offset.is_some_and(|offset| view.data.is_some() || !offset.is_multiple_of(16)) {
            return Err(ParseError::Placement { schedule: index, tensor });
        }
    }
    let states = artefact.states().flat_map(|state| [state.tensor, state.next]);
    for tensor in artefact.inputs().iter().chain(artefact.outputs()).copied().chain(states) {
        place(tensor, None)?;
    }
    let check_step = |step: u32, view: &OperatorStepView<'_>, rings: &[[u16; 2]], whole: bool| {
        let operator = artefact.operator(view.operator);
        let known = usize::from(view.operator) < artefact.operator_count();
        if !known || !layouts_in_range(artefact, view, &operator) {
            return Err(ParseError::Step { schedule: index, step });
        }
        let overlap = ParseError::Overlap { schedule: index, step };
        let place = |tensor: TensorId| {
            let ring = rings.iter().find(|&&[ring, _]| ring == tensor).map(|&[_, rows]| rows);
            place(tensor, ring)
        };
        let [start, length] = view.scratch.map(u64::from);
        let scratch = [start, start + length];
        if scratch[1] > u64::from(schedule.arena_bytes) || !start.is_multiple_of(16) {
            return Err(overlap);
        }
        let output = place(operator.output())?;
        let mut apart = !meet(scratch, output);
        for (operand, &tensor) in operator.inputs.iter().enumerate() {
            if artefact.tensor(tensor).data.is_some() {
                continue;
            }
            let input = place(tensor)?;
            let in_place = input == output && operator.operator.works_in_place(operand);
            apart &= (in_place || !meet(input, output)) && !meet(scratch, input);
        }
        if apart || !whole { Ok(()) } else { Err(overlap) }
    };
    for step in 0..schedule.step_count {
        let at = HEADER_BYTES + size_of_val(schedule.placements) + step as usize * STEP_BYTES;
        let mut cursor = schedule.cursor(at);
        let record: [u32; 4] = *cursor.table()?;
        if record[0] & 0xFF > 1 {
            return schedule.cursor(at + 1).unknown(record[0] as u8);
        }
        match schedule.read_step(record)? {
            StepView::Operator(view) => check_step(step, &view, &[], true)?,
            StepView::RowGroup(group) => {
                cursor.ensure(
                    group.trips >= 1 && group.inner.len() <= usize::from(u8::MAX) && record[2] == 0,
                )?;
                for &[tensor, rows] in group.rings {
                    artefact.check_tensor(Section::Schedule, tensor)?;
                    place(tensor, Some(rows))?;
                }
                for (view, record) in group.inner().zip(group.inner) {
                    cursor.ensure(view.rows >= 1 && record[0] & 0xFF == 0)?;
                    let [head, offset, length, body, _] = *record;
                    schedule.read_operator_step([head, offset, length, body])?;
                    check_step(step, &view.step, group.rings, false)?;
                }
            }
        }
    }
    Ok(())
}

/// Bytes of a ring of rows; `None` where the tensor has no such rows.
fn ring_bytes(tensor: &TensorView<'_>, rows: u16) -> Option<usize> {
    let [batches, height, width, channels] = tensor.shape.nhwc()?;
    let rows = usize::from(rows);
    let possible = tensor.data.is_none() && batches == 1 && (1..=height).contains(&rows);
    possible.then(|| rows * width * channels * tensor.element.bytes())
}

/// Whether two ranges of the arena have a byte in common.
fn meet(left: [u64; 2], right: [u64; 2]) -> bool {
    left[0].max(right[0]) < left[1].min(right[1])
}

/// Whether every constant that is laid out anew is an operand, once, and inside the section.
fn layouts_in_range(
    artefact: &Artefact<'_>,
    view: &OperatorStepView<'_>,
    operator: &OperatorView<'_>,
) -> bool {
    let mut next = 0;
    view.layouts.iter().all(|&record| {
        read_layout(view.section, record).is_some_and(|relaid| {
            let operand = usize::from(relaid.operand);
            let constant = operator.inputs.get(operand).is_some_and(|&id| artefact.tensor(id).data.is_some());
            let ordered = operand >= next;
            next = operand + 1;
            constant && ordered && relaid.layout != 0
        })
    })
}

/// Operand and layout, offset in the section, bytes.
fn read_layout(section: &[u8], [head, offset, length]: [u32; 3]) -> Option<RelaidView<'_>> {
    let end = (offset as usize).checked_add(length as usize)?;
    let data = section.get(offset as usize..end).filter(|_| offset.is_multiple_of(16) && head >> 16 == 0)?;
    Some(RelaidView { operand: head as u8, layout: (head >> 8) as u8, data })
}

/// Bytes before the placements.
const HEADER_BYTES: usize = 16;

/// Bytes of one step.
const STEP_BYTES: usize = 16;

/// The placement of a tensor that has none.
const NOWHERE: u32 = u32::MAX;
