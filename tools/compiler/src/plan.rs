//! The memory plan: after `lower`, before `write`. Every tensor gets a place in one arena.
//!
//! Order of execution is the one with the least peak of live bytes, the *floor*. Tensors whose values
//! share bytes (a reshape, an operator that overwrites its dying operand) are one buffer; buffers that
//! are never needed at the same time may overlap. The search for places stops when the arena is as
//! small as the largest set of live buffers, which no plan of that order can beat.

mod lifetime;
mod order;
mod place;
mod scratch;
mod values;

use ocelli_format::model::{Model, OperatorStep, Schedule, Step};

use lifetime::{Buffer, lifetimes};

/// Offsets are multiples of this many bytes.
pub const ALIGNMENT_BYTES: u32 = 16;

/// Name of the schedule that runs on every target.
pub const PORTABLE: &str = "portable";

/// Why a model has no memory plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nothing to run.
    #[error("model {model:?} has no operators, so there is nothing to plan")]
    Empty {
        /// Name of the model.
        model: String,
    },
    /// Larger than 32-bit offsets reach.
    #[error(
        "model {model:?}: its live tensors need {needed_bytes} bytes at once, an arena has at most 4 GiB; use a smaller input or fewer channels"
    )]
    TooLarge {
        /// Name of the model.
        model: String,
        /// What would be needed.
        needed_bytes: u64,
    },
    /// The order of execution reads what was not computed.
    #[error("operator {operator:?} reads tensor {tensor:?} before it is computed")]
    Order {
        /// Name of the operator.
        operator: String,
        /// Name of the tensor.
        tensor: String,
    },
    /// An operator whose kernel refuses its parameters.
    #[error("operator {operator:?}: {why}")]
    Kernel {
        /// Name of the operator.
        operator: String,
        /// What the kernel says.
        why: String,
    },
}

/// The least peak of live bytes of any order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Bytes of tensors, without scratch.
    pub bytes: u64,
    /// Whether no order has a lower peak; otherwise it is the lowest that the search found.
    pub is_least: bool,
}

/// The bytes of tensors that every plan needs which computes whole tensors, each operator once.
///
/// # Errors
/// [`PlanError::Order`].
pub fn floor(model: &Model) -> Result<Floor, PlanError> {
    let order = order::least_peak(model)?;
    Ok(Floor { bytes: order.peak_bytes, is_least: order.is_least })
}

/// Plans `model` for every target: the order of the least peak, one step an operator.
///
/// # Errors
/// [`PlanError`].
pub fn plan(model: &Model) -> Result<Schedule, PlanError> {
    if model.operators.is_empty() {
        return Err(PlanError::Empty { model: model.name.clone() });
    }
    let order = order::least_peak(model)?.operators;
    let mut buffers = lifetimes(model, &order)?;
    let tensors = buffers.len();
    let mut scratch = Vec::with_capacity(order.len());
    for (step, &operator) in order.iter().enumerate() {
        let bytes = scratch::scratch_bytes(model, &model.operators[operator])?;
        scratch.push((bytes > 0).then_some(buffers.len()));
        if bytes > 0 {
            buffers.push(Buffer { tensors: Vec::new(), bytes: u64::from(bytes), first: step, last: step });
        }
    }
    let placed = place::place(&buffers);
    let arena_bytes =
        u32::try_from(placed.arena_bytes).ok().filter(|&bytes| bytes <= u32::MAX - ALIGNMENT_BYTES);
    let arena_bytes = arena_bytes
        .ok_or_else(|| PlanError::TooLarge { model: model.name.clone(), needed_bytes: placed.arena_bytes })?;
    let without_scratch = place::top(&buffers[..tensors], &placed.offsets);
    let mut placements = vec![None; model.tensors.len()];
    for (buffer, &offset) in buffers.iter().zip(&placed.offsets) {
        for &tensor in &buffer.tensors {
            placements[tensor] = Some(offset as u32);
        }
    }
    let steps = order
        .iter()
        .zip(&scratch)
        .map(|(&operator, &scratch)| {
            let scratch = scratch
                .map_or([0, 0], |buffer| [placed.offsets[buffer] as u32, buffers[buffer].bytes as u32]);
            Step::Operator(OperatorStep { operator: operator as u16, scratch, layouts: Vec::new() })
        })
        .collect();
    Ok(Schedule {
        profile: PORTABLE.into(),
        arena_bytes,
        scratch_bytes: arena_bytes - without_scratch as u32,
        placements,
        steps,
    })
}

#[cfg(test)]
mod tests;
