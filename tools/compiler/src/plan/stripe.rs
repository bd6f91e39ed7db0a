//! Which operators roll in row groups, so that a model fits into less RAM than its largest tensors.
//!
//! Between two groups all live tensors are whole, so what a group needs depends on nothing but where it
//! starts and ends. The best choice up to each position follows from the best choices up to those before it.

use std::ops::Range;

use ocelli_format::Operator;
use ocelli_format::model::Model;

use super::PlanError;
use super::group::{Group, LONGEST};
use super::lifetime::{Buffer, lifetimes};
use super::place::live_bytes;

/// What rolls, and which scratch is left.
#[derive(Clone, Debug, Default)]
pub(super) struct Striping {
    pub(super) groups: Vec<Group>,
    /// Bytes of scratch for each position.
    pub(super) scratch: Vec<u64>,
}

/// What a model and its order are, and what they may need.
pub(super) struct Stripes<'a> {
    pub(super) model: &'a Model,
    pub(super) order: &'a [usize],
    /// Bytes of scratch that each position would like.
    pub(super) scratch: &'a [u64],
    /// Bytes that no step may exceed.
    pub(super) limit: u64,
    /// Whether the model's input is streamed into the first group.
    pub(super) streams: bool,
}

/// Instructions of a turn beside its kernel's: an estimate, to compare choices with.
const TURN_PRICE: u64 = 12_000;

/// Rows of a turn that are tried: more make fewer turns and longer rings.
const TURN_ROWS: [u8; 4] = [1, 2, 4, 8];

/// More instructions of a multiply-accumulate without scratch than with: the same.
const MAC_PRICE: u64 = 4;

/// The best choice up to a position.
#[derive(Clone)]
struct Best {
    /// Bytes by which the neediest step exceeds the limit, then the price.
    cost: (u64, u64),
    start: usize,
    group: Option<Group>,
}

impl Stripes<'_> {
    /// The cheapest choice within the limit, or that which exceeds it least; `None` where the input cannot be
    /// streamed.
    ///
    /// # Errors
    /// [`PlanError::Order`].
    pub(super) fn choose(&self) -> Result<Option<Striping>, PlanError> {
        let count = self.order.len();
        let whole = lifetimes(self.model, self.order, &[])?;
        let alone: Vec<(u64, u64)> =
            (0..count).map(|position| self.cost(&whole, position..position + 1)).collect();
        let mut best: Vec<Option<Best>> = vec![None; count + 1];
        best[0] = Some(Best { cost: (0, 0), start: 0, group: None });
        for end in 1..=count {
            for start in (end.saturating_sub(LONGEST)..end).rev() {
                let Some(before) = best[start].as_ref().map(|best| best.cost) else { continue };
                let streams = self.streams && start == 0;
                let mut consider = |(excess, price): (u64, u64), group: Option<Group>| {
                    let cost = (before.0.max(excess), before.1 + price);
                    if best[end].as_ref().is_none_or(|best| cost < best.cost) {
                        best[end] = Some(Best { cost, start, group });
                    }
                };
                if end - start == 1 && !streams {
                    consider(alone[start], None);
                }
                let needs_help = (start..end).any(|position| alone[position].0 > 0);
                for rows in TURN_ROWS.into_iter().filter(|_| needs_help || streams) {
                    let Some(group) = Group::new(self.model, self.order, start..end, rows, streams) else {
                        break;
                    };
                    let turns = group.turns(self.model, self.order);
                    let groups = [group];
                    let (excess, price) = self.cost(&lifetimes(self.model, self.order, &groups)?, start..end);
                    let [group] = groups;
                    consider((excess, price + turns * TURN_PRICE), Some(group));
                }
            }
        }
        let mut groups = Vec::new();
        let mut end = count;
        while end > 0 {
            let Some(Best { start, group, .. }) = best[end].take() else { return Ok(None) };
            groups.extend(group);
            end = start;
        }
        groups.reverse();
        let buffers = lifetimes(self.model, self.order, &groups)?;
        let scratch = (0..count).map(|position| self.scratch_that_fits(&buffers, position)).collect();
        Ok(Some(Striping { groups, scratch }))
    }

    /// Bytes above the limit of the neediest position, and the price of scratch that finds no room.
    fn cost(&self, buffers: &[Buffer], positions: Range<usize>) -> (u64, u64) {
        let excess = |position| live_bytes(buffers, position).saturating_sub(self.limit);
        let price = |position: usize| match self.scratch[position] {
            bytes if bytes == self.scratch_that_fits(buffers, position) => 0,
            _ => self.multiply_accumulates(position) * MAC_PRICE,
        };
        (positions.clone().map(excess).max().unwrap_or(0), positions.map(price).sum())
    }

    /// The scratch of a position, or none: kernels do without, but slowly.
    fn scratch_that_fits(&self, buffers: &[Buffer], position: usize) -> u64 {
        let wanted = self.scratch[position].next_multiple_of(u64::from(super::ALIGNMENT_BYTES));
        let fits = live_bytes(buffers, position) + wanted <= self.limit;
        if fits { self.scratch[position] } else { 0 }
    }

    fn multiply_accumulates(&self, position: usize) -> u64 {
        let node = &self.model.operators[self.order[position]];
        let weighted = matches!(
            node.operator,
            Operator::Conv2d { .. }
                | Operator::DepthwiseConv2d { .. }
                | Operator::FullyConnected { .. }
                | Operator::WideConv2d { .. }
                | Operator::WideDepthwiseConv2d { .. }
                | Operator::WideFullyConnected { .. }
        );
        let elements = |tensor: u16| {
            let shape = &self.model.tensors[usize::from(tensor)].shape;
            shape.iter().fold(1u64, |elements, &axis| elements.saturating_mul(u64::from(axis)))
        };
        if !weighted {
            return 0;
        }
        // Every weight once for each pixel; biases count the channels.
        elements(node.outputs[0]) / elements(node.inputs[2]).max(1) * elements(node.inputs[1])
    }
}
