//! The section of one schedule.

use alloc::vec::Vec;

use super::WriteError;
use super::output::{Output, short};
use crate::ALIGNMENT;
use crate::model::{Model, OperatorStep, Schedule, Step};

/// Header, placements, steps, profile, then what steps point to.
pub(super) fn section(model: &Model, schedule: &Schedule) -> Result<Vec<u8>, WriteError> {
    let steps = short("steps", schedule.steps.len(), 1 << 24)?;
    let mut head = Output::default();
    [schedule.arena_bytes, schedule.scratch_bytes, steps as u32, 0]
        .into_iter()
        .for_each(|number| head.u32(number));
    for tensor in 0..model.tensors.len() {
        head.u32(schedule.placements.get(tensor).copied().flatten().unwrap_or(u32::MAX));
    }
    let mut profile = Output::default();
    profile.texts(&[&schedule.profile])?;
    let tail_start = (head.bytes.len() + steps * 16 + profile.bytes.len()).next_multiple_of(ALIGNMENT);

    let mut tail = Tail { start: tail_start, output: Output::default() };
    for step in &schedule.steps {
        match step {
            Step::Operator(step) => tail.record(step, &mut head)?,
            Step::RowGroup { trips, inner, rings } => {
                let mut steps = Output::default();
                for row in inner {
                    tail.record(&row.step, &mut steps)?;
                    steps.u16(row.first_trip);
                    steps.bytes.extend([row.period, row.rows]);
                }
                let inner = short("steps of a row group", inner.len(), usize::from(u8::MAX))?;
                head.bytes.extend([1, short("rings", rings.len(), usize::from(u8::MAX))? as u8]);
                head.u16(*trips);
                head.u32(inner as u32);
                head.u32(0);
                head.u32(tail.end());
                tail.output.bytes.extend(steps.bytes);
                for ring in rings {
                    tail.output.u16(ring.tensor);
                    tail.output.u16(ring.rows);
                }
            }
        }
    }
    head.bytes.extend(profile.bytes);
    head.align(ALIGNMENT);
    head.bytes.extend(tail.output.bytes);
    Ok(head.bytes)
}

/// What stands behind the steps.
struct Tail {
    start: usize,
    output: Output,
}

impl Tail {
    fn end(&self) -> u32 {
        (self.start + self.output.bytes.len()) as u32
    }

    /// Appends the record of a step to `records`, and its relaid constants here.
    fn record(&mut self, step: &OperatorStep, records: &mut Output) -> Result<(), WriteError> {
        let count = short("constants laid out anew", step.layouts.len(), usize::from(u8::MAX))?;
        let mut layouts: Vec<_> = step.layouts.iter().collect();
        layouts.sort_by_key(|relaid| relaid.operand);
        let mut table = Output::default();
        for relaid in layouts {
            self.output.align(ALIGNMENT);
            table.bytes.extend([relaid.operand, relaid.layout, 0, 0]);
            table.u32(self.end());
            table.u32(short("bytes of a constant", relaid.data.len(), 1 << 31)? as u32);
            self.output.bytes.extend(&relaid.data);
        }
        self.output.align(4);
        records.bytes.extend([0, count as u8]);
        records.u16(step.operator);
        step.scratch.into_iter().for_each(|number| records.u32(number));
        records.u32(self.end());
        self.output.bytes.extend(table.bytes);
        Ok(())
    }
}
