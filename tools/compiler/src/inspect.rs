//! What is in an artefact, in numbers: from its bytes alone, without the model that it came from.

use ocelli_format::{Artefact, ScheduleView};
use serde::Serialize;

/// An artefact in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Bytes of all constants: weights, biases, factors and tables.
    pub weight_bytes: u64,
    /// Bytes of the file.
    pub artefact_bytes: u64,
    /// Bytes of arena of the portable schedule, or of the first where there is no portable one.
    pub arena_bytes: u32,
    /// Kinds of operators that a firmware has to link.
    pub operators: Vec<String>,
    /// In order of execution.
    pub layers: Vec<Layer>,
}

/// An operator of an artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Name in the source model.
    pub name: String,
    /// Kind of operator.
    pub operator: String,
    /// Axes of its first operand.
    pub input_shape: Vec<u32>,
    /// Axes of its result.
    pub output_shape: Vec<u32>,
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Bytes of its constants.
    pub weight_bytes: u64,
}

/// Counts what is in an artefact; `artefact_bytes` is the length of its file.
pub fn inspect(artefact: &Artefact<'_>, artefact_bytes: usize) -> Inspection {
    let schedule = artefact.schedule_for(ScheduleView::PORTABLE).or_else(|| artefact.schedules().next());
    let mut operators: Vec<String> =
        artefact.operators().map(|view| view.operator().kind().to_string()).collect();
    operators.sort();
    operators.dedup();
    let layers: Vec<Layer> = artefact
        .operators()
        .enumerate()
        .map(|(id, view)| {
            let constants = view.inputs.iter().filter_map(|&input| artefact.tensor(input).data);
            let shape = |tensor| artefact.tensor(tensor).shape.axes().to_vec();
            Layer {
                name: artefact.operator_name(id as u16).into(),
                operator: view.operator().kind().to_string(),
                input_shape: view.inputs.iter().next().map_or(Vec::new(), |&input| shape(input)),
                output_shape: shape(view.output()),
                macs: artefact.multiply_accumulates(id as u16),
                weight_bytes: constants.map(|data| data.len() as u64).sum(),
            }
        })
        .collect();
    Inspection {
        macs: layers.iter().map(|layer| layer.macs).sum(),
        weight_bytes: artefact.tensors().filter_map(|tensor| tensor.data).map(|data| data.len() as u64).sum(),
        artefact_bytes: artefact_bytes as u64,
        arena_bytes: schedule.map_or(0, |schedule| schedule.arena_bytes),
        operators,
        layers,
    }
}
