//! Which tensors are one buffer, and from which step to which it must hold.
//!
//! In a row group all steps take turns, so what it reads and writes lives as long as the group, except
//! for rows that are read on the trip on which they are made.

use ocelli_format::Operator;
use ocelli_format::model::{Element, Model, Node, Tensor};

use super::PlanError;
use super::group::{Group, Ring};

/// Bytes of the arena that hold one value after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buffer {
    /// Tensors that stand at its start; none for scratch.
    pub(super) tensors: Vec<usize>,
    /// Of the largest of them.
    pub(super) bytes: u64,
    /// First step during which it is in use.
    pub(super) first: usize,
    /// Last step during which it is in use.
    pub(super) last: usize,
    /// The buffer from whose place it grows over that one, which is read away before it.
    pub(super) over: Option<usize>,
}

impl Buffer {
    pub(super) fn is_live(&self, step: usize) -> bool {
        (self.first..=self.last).contains(&step)
    }

    pub(super) fn meets(&self, other: &Buffer) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The buffers of a model's activations when its operators run in this order, some of them in row groups.
pub(super) fn lifetimes(model: &Model, order: &[usize], groups: &[Group]) -> Result<Vec<Buffer>, PlanError> {
    let uses = Uses::new(model, order, groups);
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut home: Vec<Option<usize>> = vec![None; model.tensors.len()];
    let states = model.states.iter().map(|state| state.tensor);
    for tensor in model.inputs.iter().copied().chain(states).map(usize::from) {
        if model.tensors[tensor].data.is_none() && home[tensor].is_none() {
            home[tensor] = Some(buffers.len());
            buffers.push(uses.buffer(tensor, 0));
        }
    }
    for (step, node) in order.iter().map(|&operator| &model.operators[operator]).enumerate() {
        for tensor in node.inputs.iter().copied().map(usize::from) {
            if model.tensors[tensor].data.is_none() && home[tensor].is_none() {
                return Err(PlanError::Order {
                    operator: node.name.clone(),
                    tensor: model.tensors[tensor].name.clone(),
                });
            }
        }
        let group = uses.group_of(step);
        for tensor in node.outputs.iter().copied().map(usize::from) {
            let shared = match group {
                None => shared_home(model, node, tensor, step, &buffers, &home),
                Some(_) => None,
            };
            if let Some(buffer) = shared {
                home[tensor] = Some(buffer);
                let buffer = &mut buffers[buffer];
                buffer.tensors.push(tensor);
                buffer.last = buffer.last.max(uses.last[tensor]);
            } else if home[tensor].is_none() {
                home[tensor] = Some(buffers.len());
                let mut buffer = uses.buffer(tensor, step);
                buffer.over = match group.and_then(|group| group.overlay) {
                    Some([under, over]) if over == tensor => {
                        // A buffer that others share may be wanted for longer than the tensor.
                        home[under].filter(|&under| buffers[under].last <= uses.span(step)[1])
                    }
                    _ => None,
                };
                buffers.push(buffer);
            }
        }
    }
    Ok(buffers)
}

/// When tensors are used, and how much of them exists.
struct Uses<'a> {
    model: &'a Model,
    groups: &'a [Group],
    /// The last step that needs each tensor: the last of its row group; for outputs and states, which the last
    /// operator may not overwrite either, one behind the last of all.
    last: Vec<usize>,
}

impl<'a> Uses<'a> {
    fn new(model: &'a Model, order: &[usize], groups: &'a [Group]) -> Uses<'a> {
        let mut uses = Uses { model, groups, last: vec![0; model.tensors.len()] };
        for (step, &operator) in order.iter().enumerate() {
            for tensor in model.operators[operator].inputs.iter().copied().map(usize::from) {
                let is_fleeting = uses.ring(tensor).is_some_and(|ring| ring.is_fleeting);
                uses.last[tensor] = if is_fleeting { step } else { uses.span(step)[1] };
            }
        }
        let states = model.states.iter().flat_map(|state| [state.tensor, state.next]);
        for tensor in model.outputs.iter().copied().chain(states) {
            uses.last[usize::from(tensor)] = order.len();
        }
        uses
    }

    /// The buffer of a tensor that comes into being at a step.
    fn buffer(&self, tensor: usize, step: usize) -> Buffer {
        let ring = self.ring(tensor);
        let bytes = ring.map_or_else(|| tensor_bytes(&self.model.tensors[tensor]), |ring| ring.bytes);
        let is_fleeting = ring.is_some_and(|ring| ring.is_fleeting);
        let [first, end] = if is_fleeting { [step; 2] } else { self.span(step) };
        Buffer { tensors: vec![tensor], bytes, first, last: self.last[tensor].max(end), over: None }
    }

    /// First and last step of the row group of a step, or the step itself.
    fn span(&self, step: usize) -> [usize; 2] {
        self.group_of(step).map_or([step; 2], |group| [group.positions.start, group.positions.end - 1])
    }

    fn group_of(&self, step: usize) -> Option<&'a Group> {
        self.groups.iter().find(|group| group.positions.contains(&step))
    }

    fn ring(&self, tensor: usize) -> Option<Ring> {
        self.groups.iter().find_map(|group| group.rings.get(&tensor).copied())
    }
}

/// Bytes of a tensor.
pub(super) fn tensor_bytes(tensor: &Tensor) -> u64 {
    let element = match tensor.element {
        Element::I16 => 2,
        Element::I32 => 4,
        Element::I64 => 8,
        _ => 1,
    };
    tensor.shape.iter().fold(element, |bytes: u64, &axis| bytes.saturating_mul(u64::from(axis)))
}

/// The buffer of an operand in which `node` may leave its result.
fn shared_home(
    model: &Model,
    node: &Node,
    output: usize,
    step: usize,
    buffers: &[Buffer],
    home: &[Option<usize>],
) -> Option<usize> {
    if home[output].is_some() {
        return None;
    }
    let homes: Vec<_> = node.inputs.iter().map(|&input| home[usize::from(input)]).collect();
    let state = |buffer: usize| {
        let held = |tensor: u16| buffers[buffer].tensors.contains(&usize::from(tensor));
        model.states.iter().any(|state| held(state.tensor) || held(state.next))
    };
    (0..homes.len()).filter(|&operand| node.operator.works_in_place(operand)).find_map(|operand| {
        let buffer = homes[operand]?;
        let bytes = tensor_bytes(&model.tensors[usize::from(node.inputs[operand])]);
        let same_size = bytes == tensor_bytes(&model.tensors[output]) && bytes == buffers[buffer].bytes;
        // The same bytes under another shape may be read as long as anyone likes; other values may
        // only take the place of what nobody reads after this step.
        let free = matches!(node.operator, Operator::Reshape) || buffers[buffer].last <= step;
        let alone = homes.iter().filter(|&&other| other == Some(buffer)).count() == 1;
        (same_size && free && alone && !state(buffer)).then_some(buffer)
    })
}
