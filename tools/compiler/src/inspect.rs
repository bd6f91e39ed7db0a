//! What is in an artefact, in numbers: from its bytes alone, without the model that it came from.

mod blocks;
mod memory;

use ocelli_format::{Artefact, OperatorId, ScheduleView, TensorView};
use serde::Serialize;

pub use blocks::Block;
pub use memory::Memory;

/// An artefact in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// Multiply-accumulates of one run.
    pub macs: u64,
    /// Bytes of all constants: weights, biases, factors and tables.
    pub weight_bytes: u64,
    /// Bytes of the file.
    pub artefact_bytes: u64,
    /// Bytes of arena of the portable schedule, or of the first where there is no portable one.
    pub arena_bytes: u32,
    /// What these bytes are.
    pub memory: Memory,
    /// Kinds of operators that a firmware has to link.
    pub operators: Vec<String>,
    /// In the artefact's order, which is a valid one of execution.
    pub layers: Vec<Layer>,
    /// Steps of that schedule.
    pub steps: u32,
    /// What the arena holds from which step to which.
    pub blocks: Vec<Block>,
}

/// An operator of an artefact.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// Bytes of its constants, as they are stored.
    pub weight_bytes: u64,
    /// The form of its weights; dense where it has none.
    pub form: String,
    /// Bytes of its constants if all were dense.
    pub dense_bytes: u64,
    /// Bytes of its result.
    pub activation_bytes: u64,
    /// Bytes that only it uses while it runs.
    pub scratch_bytes: u32,
    /// What a step of its result stands for; 0 where that is not known.
    pub scale: f32,
    /// The stored value of its result that stands for 0.
    pub zero_point: i8,
    /// The schedule's step that runs it; `None` in an artefact without a schedule.
    pub step: Option<u32>,
    /// Whether it takes turns with its neighbours, a few rows at a time.
    pub rolls: bool,
    /// Rows that are kept of its result, where only the newest exist.
    pub rows_kept: Option<u16>,
    /// Whether its result takes the place of an operand.
    pub in_place: bool,
}

/// Counts what is in an artefact; `artefact_bytes` is the length of its file.
pub fn inspect(artefact: &Artefact<'_>, artefact_bytes: usize) -> Inspection {
    let schedule = artefact.schedule_for(ScheduleView::PORTABLE).or_else(|| artefact.schedules().next());
    let mut operators: Vec<String> =
        artefact.operators().map(|view| view.operator().kind().to_string()).collect();
    operators.sort();
    operators.dedup();
    let mut layers: Vec<Layer> =
        (0..artefact.operator_count()).map(|id| layer(artefact, id as u16)).collect();
    if let Some(schedule) = &schedule {
        place(&mut layers, artefact, schedule);
    }
    Inspection {
        macs: layers.iter().map(|layer| layer.macs).sum(),
        weight_bytes: artefact
            .tensors()
            .filter_map(|tensor| tensor.data())
            .map(|data| data.len() as u64)
            .sum(),
        artefact_bytes: artefact_bytes as u64,
        arena_bytes: schedule.map_or(0, |schedule| schedule.arena_bytes),
        memory: schedule.map_or_else(Memory::default, |schedule| memory::memory(artefact, &schedule)),
        operators,
        layers,
        steps: schedule.map_or(0, |schedule| schedule.step_count),
        blocks: schedule.map_or(Vec::new(), |schedule| blocks::blocks(artefact, &schedule)),
    }
}

/// What an operator is without a schedule.
fn layer(artefact: &Artefact<'_>, id: OperatorId) -> Layer {
    let view = artefact.operator(id);
    let constants =
        || view.inputs.iter().map(|&input| artefact.tensor(input)).filter(|tensor| tensor.is_constant());
    let form = constants().map(|tensor| tensor.storage()).find(|storage| storage.is_of_weights());
    let axes = |tensor: TensorView<'_>| tensor.axes().to_vec();
    let output = artefact.tensor(view.output());
    Layer {
        name: artefact.operator_name(id).into(),
        operator: view.operator().kind().to_string(),
        input_shape: view.inputs.first().map_or(Vec::new(), |&input| axes(artefact.tensor(input))),
        output_shape: axes(output),
        macs: artefact.multiply_accumulates(id),
        weight_bytes: constants().filter_map(|tensor| tensor.data()).map(|data| data.len() as u64).sum(),
        form: form.unwrap_or_default().to_string(),
        dense_bytes: constants().map(|tensor| tensor.bytes() as u64).sum(),
        activation_bytes: output.bytes() as u64,
        scratch_bytes: 0,
        scale: f32::from_bits(output.scale_bits()),
        zero_point: output.zero_point(),
        step: None,
        rolls: false,
        rows_kept: None,
        in_place: false,
    }
}

/// What the schedule does with every operator.
fn place(layers: &mut [Layer], artefact: &Artefact<'_>, schedule: &ScheduleView<'_>) {
    for turn in blocks::turns(schedule) {
        let operator = turn.operator.operator;
        let Some(layer) = layers.get_mut(usize::from(operator)) else { continue };
        let view = artefact.operator(operator);
        let output = schedule.placement(view.output());
        layer.step = Some(turn.step);
        layer.scratch_bytes = turn.operator.scratch[1];
        layer.rolls = turn.is_in_group;
        layer.rows_kept = turn.rings.iter().find(|ring| ring[0] == view.output()).map(|ring| ring[1]);
        layer.in_place =
            output.is_some() && view.inputs.iter().any(|&input| schedule.placement(input) == output);
    }
}
