//! Which tensors are one buffer, and from which step to which it must hold.

use ocelli_format::Operator;
use ocelli_format::model::{Element, Model, Node, Tensor};

use super::PlanError;

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
}

impl Buffer {
    pub(super) fn is_live(&self, step: usize) -> bool {
        (self.first..=self.last).contains(&step)
    }

    pub(super) fn meets(&self, other: &Buffer) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The buffers of a model's activations when its operators run in this order.
pub(super) fn lifetimes(model: &Model, order: &[usize]) -> Result<Vec<Buffer>, PlanError> {
    let last_uses = last_uses(model, order);
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut home: Vec<Option<usize>> = vec![None; model.tensors.len()];
    let open = |buffers: &mut Vec<Buffer>, home: &mut Vec<Option<usize>>, tensor: usize, first: usize| {
        if home[tensor].is_none() {
            home[tensor] = Some(buffers.len());
            let bytes = tensor_bytes(&model.tensors[tensor]);
            buffers.push(Buffer { tensors: vec![tensor], bytes, first, last: last_uses[tensor].max(first) });
        }
    };
    let states = model.states.iter().map(|state| state.tensor);
    for tensor in model.inputs.iter().copied().chain(states).map(usize::from) {
        if model.tensors[tensor].data.is_none() {
            open(&mut buffers, &mut home, tensor, 0);
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
        for tensor in node.outputs.iter().copied().map(usize::from) {
            match shared_home(model, node, tensor, step, &buffers, &home) {
                Some(buffer) => {
                    home[tensor] = Some(buffer);
                    let buffer = &mut buffers[buffer];
                    buffer.tensors.push(tensor);
                    buffer.last = buffer.last.max(last_uses[tensor]);
                }
                None => open(&mut buffers, &mut home, tensor, step),
            }
        }
    }
    Ok(buffers)
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

/// The last step that needs each tensor: the last step of all for outputs and states.
fn last_uses(model: &Model, order: &[usize]) -> Vec<usize> {
    let mut last_uses = vec![0; model.tensors.len()];
    let end = order.len().saturating_sub(1);
    for (step, &operator) in order.iter().enumerate() {
        for &tensor in &model.operators[operator].inputs {
            last_uses[usize::from(tensor)] = step;
        }
    }
    let states = model.states.iter().flat_map(|state| [state.tensor, state.next]);
    for tensor in model.outputs.iter().copied().chain(states) {
        last_uses[usize::from(tensor)] = end;
    }
    last_uses
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
