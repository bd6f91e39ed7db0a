//! Walks a schedule as a device would, and sees that no tensor is read before it is computed or
//! after something else took its place.

use alloc::vec;
use alloc::vec::Vec;

use super::WriteError;
use crate::Operator;
use crate::model::{Model, OperatorStep, Schedule, Step, TensorId};

/// Checks one schedule of a model that the reader accepts.
pub(super) fn check(model: &Model, schedule: &Schedule) -> Result<(), WriteError> {
    let mut walk =
        Walk { model, schedule, live: vec![false; model.tensors.len()], rows: rows_kept(model, schedule) };
    walk.check_each_operator_once()?;
    model.states.iter().for_each(|state| walk.write(state.tensor));
    model.inputs.iter().for_each(|&input| walk.write(input));
    model.states.iter().try_for_each(|state| walk.read(0, state.tensor))?;
    model.inputs.iter().try_for_each(|&input| walk.read(0, input))?;
    for (index, step) in schedule.steps.iter().enumerate() {
        match step {
            Step::Operator(step) => walk.step(index, core::slice::from_ref(step), &[])?,
            Step::RowGroup { inner, rings, .. } => {
                let steps: Vec<OperatorStep> = inner.iter().map(|row| row.step.clone()).collect();
                let rings: Vec<TensorId> = rings.iter().map(|ring| ring.tensor).collect();
                walk.step(index, &steps, &rings)?;
            }
        }
    }
    let end = schedule.steps.len();
    for state in &model.states {
        walk.read(end, state.next)?;
        walk.write(state.tensor);
    }
    model.outputs.iter().try_for_each(|&output| walk.read(end, output))
}

struct Walk<'a> {
    model: &'a Model,
    schedule: &'a Schedule,
    /// Whether a tensor's place holds its value.
    live: Vec<bool>,
    /// Rows kept of a tensor that exists only as a ring.
    rows: Vec<Option<u16>>,
}

impl Walk<'_> {
    fn check_each_operator_once(&self) -> Result<(), WriteError> {
        let mut runs = vec![0u32; self.model.operators.len()];
        for step in &self.schedule.steps {
            match step {
                Step::Operator(step) => runs[usize::from(step.operator)] += 1,
                Step::RowGroup { inner, .. } => {
                    inner.iter().for_each(|row| runs[usize::from(row.step.operator)] += 1);
                }
            }
        }
        match runs.iter().position(|&runs| runs != 1) {
            None => Ok(()),
            Some(operator) => Err(WriteError::NotOnce {
                profile: self.schedule.profile.clone(),
                operator: self.model.operators[operator].name.clone(),
            }),
        }
    }

    /// One operator, or the operators of a row group, whose inner tensors are nobody else's.
    fn step(&mut self, index: usize, steps: &[OperatorStep], rings: &[TensorId]) -> Result<(), WriteError> {
        for step in steps {
            let node = &self.model.operators[usize::from(step.operator)];
            let mut inputs = node.inputs.iter().filter(|tensor| !rings.contains(tensor));
            inputs.try_for_each(|&tensor| self.read(index, tensor))?;
            self.overwrite(step.scratch.map(u64::from));
            for &output in &node.outputs {
                match node.inputs.first() {
                    // The same bytes under another shape: both tensors hold their value.
                    Some(&input)
                        if node.operator == Operator::Reshape && self.is_one_place(input, output) =>
                    {
                        self.live[usize::from(output)] = true;
                    }
                    _ => self.write(output),
                }
            }
        }
        rings.iter().for_each(|&tensor| self.live[usize::from(tensor)] = false);
        Ok(())
    }

    fn read(&self, step: usize, tensor: TensorId) -> Result<(), WriteError> {
        let tensor = usize::from(tensor);
        if self.live[tensor] || self.model.tensors[tensor].data.is_some() {
            return Ok(());
        }
        let (profile, name) = (self.schedule.profile.clone(), self.model.tensors[tensor].name.clone());
        Err(WriteError::Clobbered { profile, step, tensor: name })
    }

    fn write(&mut self, tensor: TensorId) {
        if let Some([start, bytes]) = self.place(usize::from(tensor)) {
            self.overwrite([start, bytes]);
            self.live[usize::from(tensor)] = true;
        }
    }

    /// Whatever else has a byte in these `[start, length]` is lost.
    fn overwrite(&mut self, [start, bytes]: [u64; 2]) {
        for tensor in 0..self.live.len() {
            if let Some([other, other_bytes]) = self.place(tensor)
                && start.max(other) < (start + bytes).min(other + other_bytes)
            {
                self.live[tensor] = false;
            }
        }
    }

    fn is_one_place(&self, one: TensorId, other: TensorId) -> bool {
        let place = self.place(usize::from(one));
        place.is_some() && place == self.place(usize::from(other))
    }

    /// Start and bytes of a tensor in the arena.
    fn place(&self, tensor: usize) -> Option<[u64; 2]> {
        let offset = self.schedule.placements.get(tensor).copied().flatten()?;
        let (rows, tensor) = (self.rows[tensor], &self.model.tensors[tensor]);
        let elements: u64 = tensor.shape.iter().map(|&axis| u64::from(axis)).product();
        let bytes = elements * tensor.element.bytes() as u64;
        let height = tensor.shape.len().checked_sub(3).map_or(1, |axis| u64::from(tensor.shape[axis]));
        Some([u64::from(offset), rows.map_or(bytes, |rows| bytes / height * u64::from(rows))])
    }
}

/// For every tensor, how many rows a row group keeps of it.
fn rows_kept(model: &Model, schedule: &Schedule) -> Vec<Option<u16>> {
    let mut kept = vec![None; model.tensors.len()];
    for step in &schedule.steps {
        if let Step::RowGroup { rings, .. } = step {
            rings.iter().for_each(|ring| kept[usize::from(ring.tensor)] = Some(ring.rows));
        }
    }
    kept
}
