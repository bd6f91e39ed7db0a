//! Constants that schedules lay out anew: whether they are the graph's, and which need no other place.

use alloc::vec;
use alloc::vec::Vec;

use super::WriteError;
use crate::layout;
use crate::model::{Model, OperatorStep, Relaid, Schedule, Step, Tensor};

/// For each tensor whether it is a constant of which every step that reads it has a layout, so that its
/// canonical bytes need not be stored.
pub(super) fn elsewhere(model: &Model) -> Result<Vec<bool>, WriteError> {
    let mut readers = vec![0u32; model.tensors.len()];
    let mut relaid = readers.clone();
    for schedule in &model.schedules {
        for step in steps(schedule) {
            let Some(node) = model.operators.get(usize::from(step.operator)) else { continue };
            for (operand, &tensor) in node.inputs.iter().enumerate() {
                let tensor = usize::from(tensor);
                let Some(constant) = model.tensors.get(tensor).filter(|tensor| tensor.data.is_some()) else {
                    continue;
                };
                readers[tensor] += 1;
                if let Some(layout) =
                    step.layouts.iter().find(|layout| usize::from(layout.operand) == operand)
                {
                    match is_same(constant, layout) {
                        Some(true) => relaid[tensor] += 1,
                        Some(false) => {
                            let (profile, operator) = (schedule.profile.clone(), node.name.clone());
                            return Err(WriteError::Layout { profile, operator });
                        }
                        None => {}
                    }
                }
            }
        }
    }
    Ok(readers.iter().zip(&relaid).map(|(&readers, &relaid)| readers > 0 && readers == relaid).collect())
}

/// Whether a layout holds a constant; `None` where nothing is known of the layout.
fn is_same(constant: &Tensor, relaid: &Relaid) -> Option<bool> {
    let known = relaid.layout == layout::PAIRED;
    known.then(|| layout::dense(relaid.layout, &constant.shape, &relaid.data) == constant.data)
}

fn steps(schedule: &Schedule) -> impl Iterator<Item = &OperatorStep> {
    schedule.steps.iter().flat_map(|step| {
        let (single, rows) = match step {
            Step::Operator(step) => (Some(step), &[][..]),
            Step::RowGroup { inner, .. } => (None, &inner[..]),
        };
        single.into_iter().chain(rows.iter().map(|row| &row.step))
    })
}
