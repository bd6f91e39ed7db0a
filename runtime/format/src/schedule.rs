//! Schedules: the order of steps and the place of every tensor, for one target profile.

use crate::bytes::Cursor;
use crate::error::Section;
use crate::fault::{Fault, Report, ensure};
use crate::tensor::{OperatorId, TensorId};

/// An order of steps and a place for every tensor.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleView<'a> {
    /// Bytes of arena for tensors, states and scratch together.
    pub arena_bytes: u32,
    /// Of these, bytes that only scratch needs.
    pub scratch_bytes: u32,
    /// How many steps there are.
    pub step_count: u32,
    /// Bytes, so that a firmware which only looks for a name knows nothing of UTF-8.
    profile: &'a [u8],
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
    /// From then on it has a turn on every so manieth trip.
    pub period: u8,
    /// Output rows that it adds on a turn, as far as rows are left.
    pub rows: u8,
}

impl RowStepView<'_> {
    /// Whether it has a turn on a trip, if rows are left.
    pub fn has_turn(&self, trip: u32) -> bool {
        let since = trip.checked_sub(u32::from(self.first_trip));
        since.is_some_and(|since| since.is_multiple_of(u32::from(self.period.max(1))))
    }

    /// Rows of its output, which has `height` in all, that are there after so many trips.
    pub fn rows_after(&self, trips: u32, height: usize) -> usize {
        let since = trips.saturating_sub(u32::from(self.first_trip));
        let turns = since.div_ceil(u32::from(self.period.max(1))) as usize;
        turns.saturating_mul(usize::from(self.rows)).min(height)
    }
}

impl<'a> ScheduleView<'a> {
    /// The profile that every target can run.
    pub const PORTABLE: &'static str = "portable";

    /// `portable`, `cortex-m4`, `cortex-m55`, ...
    pub fn profile(&self) -> &'a str {
        core::str::from_utf8(self.profile).unwrap_or_default()
    }

    /// Whether it is for a target profile.
    pub(crate) fn is_for(&self, profile: &str) -> bool {
        self.profile == profile.as_bytes()
    }

    /// Refuses a profile that is no text.
    pub(crate) fn check_profile(&self, report: &mut Report) -> Result<(), Fault> {
        let steps = self.step_count as usize * STEP_BYTES;
        let cursor = Cursor::new(Section::Schedule, self.section);
        let mut cursor = cursor.at(HEADER_BYTES + size_of_val(self.placements) + steps);
        report.see(cursor.texts(), &cursor).map(drop)
    }

    /// Offset in the arena of a tensor, a multiple of 16; `None` for constants.
    pub fn placement(&self, tensor: TensorId) -> Option<u32> {
        self.placements.get(usize::from(tensor)).copied().filter(|&offset| offset != NOWHERE)
    }

    /// Step `index`, or `None` beyond the last.
    pub fn step(&self, index: u32) -> Option<StepView<'a>> {
        if index < self.step_count { self.read_step(index, &mut Report::new()).ok() } else { None }
    }

    /// All steps in order of execution.
    pub fn steps(&self) -> impl Iterator<Item = StepView<'a>> + use<'a> {
        let schedule = *self;
        (0..self.step_count).map_while(move |index| schedule.step(index))
    }

    /// Reads everything but the steps.
    #[inline(never)]
    pub(crate) fn read(
        section: &'a [u8],
        tensors: usize,
        report: &mut Report,
    ) -> Result<ScheduleView<'a>, Fault> {
        let mut cursor = Cursor::new(Section::Schedule, section);
        let schedule = ScheduleView::read_at(&mut cursor, section, tensors);
        report.see(schedule, &cursor)
    }

    fn read_at(
        cursor: &mut Cursor<'a>,
        section: &'a [u8],
        tensors: usize,
    ) -> Result<ScheduleView<'a>, Fault> {
        let [arena_bytes, scratch_bytes, step_count, zero]: [u32; 4] = *cursor.table()?;
        ensure(zero == 0 && scratch_bytes <= arena_bytes, Fault::Value)?;
        let placements = cursor.slice(tensors)?;
        cursor.take((step_count as usize).saturating_mul(STEP_BYTES))?;
        let profile = cursor.unread_texts()?;
        ensure(profile.len() == 1, Fault::Value)?;
        let profile = profile.bytes(0).unwrap_or_default();
        Ok(ScheduleView { profile, arena_bytes, scratch_bytes, step_count, placements, section })
    }

    /// Reads step `index`, of those that there are.
    #[inline(never)]
    pub(crate) fn read_step(&self, index: u32, report: &mut Report) -> Result<StepView<'a>, Fault> {
        let mut cursor = Cursor::new(Section::Schedule, self.section);
        let step = self.read_step_at(&mut cursor, index as usize);
        report.see(step, &cursor)
    }

    fn read_step_at(&self, cursor: &mut Cursor<'a>, index: usize) -> Result<StepView<'a>, Fault> {
        *cursor = cursor.at(HEADER_BYTES + size_of_val(self.placements) + index * STEP_BYTES);
        let [head, first, second, body]: [u32; 4] = *cursor.table()?;
        let ([kind, count, ..], upper) = (head.to_le_bytes(), (head >> 16) as u16);
        let section = self.section;
        match kind {
            0 => {
                *cursor = cursor.at(body as usize);
                let layouts = cursor.slice(usize::from(count))?;
                let (operator, scratch) = (upper, [first, second]);
                Ok(StepView::Operator(OperatorStepView { operator, scratch, layouts, section }))
            }
            1 => {
                ensure(upper >= 1 && first <= u32::from(u8::MAX) && second == 0, Fault::Value)?;
                *cursor = cursor.at(body as usize);
                let inner = cursor.slice(first as usize)?;
                let rings = cursor.slice(usize::from(count))?;
                Ok(StepView::RowGroup(RowGroupView { trips: upper, rings, inner, section }))
            }
            code => cursor.unknown(code),
        }
    }
}

impl<'a> OperatorStepView<'a> {
    /// Whether the layouts are of constants of this operator, in order, each inside the section.
    pub(crate) fn is_sound(&self, is_constant: impl Fn(usize) -> bool) -> bool {
        let mut next = 0;
        self.layouts.iter().all(|&record| {
            read_layout(self.section, record).is_some_and(|relaid| {
                let operand = usize::from(relaid.operand);
                let ordered = operand >= next;
                next = operand + 1;
                ordered && relaid.layout != 0 && is_constant(operand)
            })
        })
    }

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
    /// Whether the inner steps are operator steps that add rows, with their layouts inside the section.
    pub(crate) fn is_sound(&self) -> bool {
        self.inner.iter().zip(self.inner()).all(|(record, row)| {
            let [head, ..] = record;
            row.period >= 1
                && row.rows >= 1
                && head & 0xFF == 0
                && row.step.layouts.len() == (head >> 8 & 0xFF) as usize
        })
    }

    /// The operators, walked in order on every trip.
    pub fn inner(&self) -> impl ExactSizeIterator<Item = RowStepView<'a>> + use<'a> {
        let section = self.section;
        self.inner.iter().map(move |record| read_row_step(section, record))
    }

    /// Inner step `index`, or `None` beyond the last.
    pub(crate) fn inner_step(&self, index: usize) -> Option<RowStepView<'a>> {
        self.inner.get(index).map(|record| read_row_step(self.section, record))
    }
}

/// An operator step and its pace.
fn read_row_step<'a>(section: &'a [u8], &[head, offset, length, body, pace]: &[u32; 5]) -> RowStepView<'a> {
    let mut layouts = Cursor::new(Section::Schedule, section).at(body as usize);
    let layouts = layouts.slice((head >> 8 & 0xFF) as usize).unwrap_or(&[]);
    let operator = (head >> 16) as u16;
    let step = OperatorStepView { operator, scratch: [offset, length], layouts, section };
    let [_, _, period, rows] = pace.to_le_bytes();
    RowStepView { step, first_trip: pace as u16, period, rows }
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
