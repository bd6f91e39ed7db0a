//! Every step of a schedule on a machine, beside this computer's: what `diff`, `inspect` and `report` tell of
//! single layers.

use std::time::Duration;

use ocelli_format::{Artefact, OperatorId, ScheduleView, StepView};
use ocelli_qemu::job::{Input, Job};

use crate::{Machine, SimulateError, Simulation, run_on_host};

/// A step on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRun {
    /// What it computes; several operators in a row group.
    pub operators: Vec<OperatorId>,
    /// Whether it left the bytes that it leaves on this computer, where that has the same step.
    pub is_equal: bool,
    /// Executed instructions.
    pub instructions: u64,
}

/// Runs an artefact step by step on `machine` and here, on the stored numbers of every input in order.
///
/// # Errors
/// Every [`SimulateError`] but [`SimulateError::UnknownMachine`].
pub fn run_steps(
    machine: &Machine,
    artefact: &Artefact<'_>,
    inputs: &[Vec<i8>],
    limit: Duration,
) -> Result<Vec<StepRun>, SimulateError> {
    let bytes: Vec<u8> = inputs.iter().flatten().map(|&value| value as u8).collect();
    let job = Job { artefact: artefact.bytes(), input: Input::Tensors(&bytes), steps: true };
    let here = run_on_host(&job)?;
    let there = Simulation { machine, job, limit }.run()?;
    let expected: Vec<_> = operators(artefact, ScheduleView::PORTABLE).zip(&here.steps).collect();
    let runs = operators(artefact, &machine.schedule).zip(&there.steps).map(|(operators, there)| {
        let here = expected.iter().find(|(same, _)| *same == operators);
        let is_equal = here.is_none_or(|(_, here)| here.crc32 == there.crc32);
        StepRun { operators, is_equal, instructions: there.instructions }
    });
    Ok(runs.collect())
}

/// The operators of each step of the schedule for a profile.
fn operators<'a>(artefact: &Artefact<'a>, profile: &str) -> impl Iterator<Item = Vec<OperatorId>> + use<'a> {
    let steps = artefact.schedule_for(profile).into_iter().flat_map(|schedule| schedule.steps());
    steps.map(|step| match step {
        StepView::Operator(step) => vec![step.operator],
        StepView::RowGroup(group) => group.inner().map(|row| row.step.operator).collect(),
        _ => Vec::new(),
    })
}
