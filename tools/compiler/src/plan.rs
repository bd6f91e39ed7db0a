//! The memory plan: after `lower`, before `write`. Every tensor gets a place in one arena.
//!
//! Order of execution is the one with the least peak of live bytes, the *floor*. Tensors whose values
//! share bytes (a reshape, an operator that overwrites its dying operand) are one buffer; buffers that
//! are never needed at the same time may overlap. The search for places stops when the arena is as
//! small as the largest set of live buffers, which no plan of that order can beat. Where a [`Budget`]
//! asks for less, neighbouring operators roll over a few rows at a time.

mod group;
mod lifetime;
mod order;
mod place;
mod profile;
mod relay;
mod scratch;
mod stripe;
mod values;

use ocelli_format::model::{Model, OperatorStep, Relaid, Ring, RowStep, Schedule, Step};

pub use profile::Profile;

use group::Group;
use lifetime::{Buffer, lifetimes};
use stripe::{Stripes, Striping};

/// Offsets are multiples of this many bytes.
pub const ALIGNMENT_BYTES: u32 = 16;

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
    /// More than the budget allows, even rolling over single rows.
    #[error(
        "model {model:?} needs {needed_bytes} bytes of RAM, {} more than the budget of {budget_bytes}; give ram= more, stream the input if a camera delivers rows (`--stream-input`), or use a smaller input or fewer channels", needed_bytes - budget_bytes
    )]
    Budget {
        /// Name of the model.
        model: String,
        /// What was asked for.
        budget_bytes: u64,
        /// The smallest arena that was found.
        needed_bytes: u64,
    },
    /// The input cannot be streamed.
    #[error(
        "model {model:?} cannot take its input row by row: that needs a single input, read only by operators that compute rows"
    )]
    Stream {
        /// Name of the model.
        model: String,
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

/// How much RAM a plan may need, and how the input comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of arena, scratch included; no limit otherwise.
    pub ram_bytes: Option<u64>,
    /// Whether the input comes row by row and never exists as a whole.
    pub streams_input: bool,
}

/// Plans `model` for every target: the order of the least peak, one step an operator.
///
/// # Errors
/// [`PlanError`].
pub fn plan(model: &Model) -> Result<Schedule, PlanError> {
    plan_within(model, &Budget::default(), Profile::Portable)
}

/// Plans `model` within a budget for a profile. Row groups are made where whole tensors need too much, and scratch, which
/// makes kernels fast, is left out where it finds no room, and with it the layout of weights that needs it.
///
/// # Errors
/// [`PlanError`].
pub fn plan_within(model: &Model, budget: &Budget, profile: Profile) -> Result<Schedule, PlanError> {
    if model.operators.is_empty() {
        return Err(PlanError::Empty { model: model.name.clone() });
    }
    let order = &order::least_peak(model)?.operators;
    let wish = |(&operator, layout): (&usize, Option<Relaid>)| {
        let node = &model.operators[operator];
        let code = layout.as_ref().map_or(0, |relaid| relaid.layout);
        // Lines of rows need more than what a budget is likely to leave.
        let profile = if budget.ram_bytes.is_none() { profile } else { Profile::Portable };
        Ok(Wish { scratch: u64::from(scratch::scratch_bytes(model, node, profile, code)?), layout })
    };
    let layouts = relay::relay_all(model, order, profile);
    let wishes = &order.iter().zip(layouts).map(wish).collect::<Result<Vec<Wish>, PlanError>>()?;
    let scratch = &wishes.iter().map(|wish| wish.scratch).collect::<Vec<u64>>();
    let place = |striping: &Striping| place(model, order, striping, wishes, profile);
    let whole = Striping { groups: Vec::new(), scratch: scratch.clone() };
    let Budget { ram_bytes, streams_input: streams } = *budget;
    let mut smallest = if streams { None } else { Some(place(&whole)?) };
    let fits = |schedule: &Schedule| ram_bytes.is_none_or(|ram| u64::from(schedule.arena_bytes) <= ram);
    let mut limit = ram_bytes.unwrap_or(u64::MAX);
    for _ in 0..ATTEMPTS {
        if let Some(schedule) = smallest.take_if(|schedule| fits(schedule)) {
            return Ok(schedule);
        }
        let stripes = Stripes { model, order, scratch, limit, streams };
        let striping = stripes.choose()?.ok_or_else(|| PlanError::Stream { model: model.name.clone() })?;
        let schedule = place(&striping)?;
        // Places may leave gaps: then the next choice has to save so much more.
        limit = limit.saturating_sub(
            u64::from(schedule.arena_bytes).saturating_sub(ram_bytes.unwrap_or(u64::MAX)).max(16),
        );
        if smallest.as_ref().is_none_or(|smallest| schedule.arena_bytes < smallest.arena_bytes) {
            smallest = Some(schedule);
        }
    }
    let needed_bytes = smallest.as_ref().map_or(0, |schedule| u64::from(schedule.arena_bytes));
    smallest.filter(fits).ok_or_else(|| PlanError::Budget {
        model: model.name.clone(),
        budget_bytes: ram_bytes.unwrap_or(0),
        needed_bytes,
    })
}

/// Choices of row groups that are tried for one budget.
const ATTEMPTS: usize = 6;

/// What the kernel of an operator would like.
struct Wish {
    /// Bytes of scratch, with which it reads the layout.
    scratch: u64,
    layout: Option<Relaid>,
}

/// Gives everything its place.
fn place(
    model: &Model,
    order: &[usize],
    striping: &Striping,
    wishes: &[Wish],
    profile: Profile,
) -> Result<Schedule, PlanError> {
    let mut buffers = lifetimes(model, order, &striping.groups)?;
    let tensors = buffers.len();
    let mut scratch = Vec::with_capacity(order.len());
    for (step, &bytes) in striping.scratch.iter().enumerate() {
        scratch.push((bytes > 0).then_some(buffers.len()));
        if bytes > 0 {
            buffers.push(Buffer { tensors: Vec::new(), bytes, first: step, last: step, over: None });
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
    let step = |position: usize| {
        let scratch = scratch[position]
            .map_or([0, 0], |buffer| [placed.offsets[buffer] as u32, buffers[buffer].bytes as u32]);
        let Wish { scratch: wanted, layout } = &wishes[position];
        let layout = layout.as_ref().filter(|_| u64::from(scratch[1]) >= *wanted);
        OperatorStep {
            operator: order[position] as u16,
            scratch,
            layouts: layout.cloned().into_iter().collect(),
        }
    };
    let mut steps = Vec::new();
    let mut position = 0;
    while position < order.len() {
        let group = striping.groups.iter().find(|group| group.positions.start == position);
        steps.push(match group {
            Some(group) => row_group(group, step),
            None => Step::Operator(step(position)),
        });
        position = group.map_or(position + 1, |group| group.positions.end);
    }
    Ok(Schedule {
        profile: profile.name().into(),
        arena_bytes,
        scratch_bytes: arena_bytes - without_scratch as u32,
        placements,
        steps,
    })
}

/// A group as a step of a schedule.
fn row_group(group: &Group, step: impl Fn(usize) -> OperatorStep) -> Step {
    let inner = group.positions.clone().zip(&group.paces).map(|(position, pace)| RowStep {
        step: step(position),
        first_trip: pace.first_trip,
        period: pace.period,
        rows: group.rows,
    });
    let rings = group.rings.iter().map(|(&tensor, ring)| Ring { tensor: tensor as u16, rows: ring.rows });
    Step::RowGroup { trips: group.trips, inner: inner.collect(), rings: rings.collect() }
}

#[cfg(test)]
mod tests;
