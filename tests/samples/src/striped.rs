//! The classifier with its input streamed and its first five operators in a row group.

use ocelli_format::model::{Model, OperatorStep, Ring, RowStep, Step};

use crate::classifier;

/// [`classifier`] under a schedule that rolls: equal answers, a fraction of the arena.
pub fn striped_classifier() -> Model {
    let mut model = classifier();
    let step = |operator| OperatorStep { operator, scratch: [0, 0], layouts: vec![] };
    // Operator, first trip, period. A row of the stem, of stride 2, waits for three rows of the input; one of
    // the depthwise layer for two of the stem; the pool, of stride 2, for two of the sum.
    let paces = [(0, 2, 2), (1, 4, 2), (2, 4, 2), (3, 4, 2), (4, 6, 4)];
    let inner = paces.map(|(operator, first_trip, period)| RowStep {
        step: step(operator),
        first_trip,
        period,
        rows: 1,
    });
    // Rows of the input, the stem, the depthwise layer, the pointwise layer and the sum.
    let rows = [3, 3, 1, 1, 2];
    let made = model.operators[..4].iter().map(|node| node.outputs[0]);
    let rings = model.inputs.iter().copied().chain(made).zip(rows);
    let rings: Vec<Ring> = rings.map(|(tensor, rows)| Ring { tensor, rows }).collect();

    let schedule = &mut model.schedules[0];
    schedule.arena_bytes = 0;
    for (id, (tensor, place)) in model.tensors.iter().zip(&mut schedule.placements).enumerate() {
        if let Some(place) = place {
            let ring = rings.iter().find(|ring| usize::from(ring.tensor) == id);
            let height = ring.map_or(1, |_| tensor.shape[1]);
            let bytes =
                tensor.shape.iter().product::<u32>() / height * ring.map_or(1, |ring| u32::from(ring.rows));
            *place = schedule.arena_bytes;
            schedule.arena_bytes += bytes.next_multiple_of(16);
        }
    }
    let group = Step::RowGroup { trips: 24, inner: inner.to_vec(), rings };
    schedule.steps.splice(..5, [group]);
    model
}
