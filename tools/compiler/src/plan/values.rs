//! What a model computes, as the order search sees it: values, who reads them, and how many bytes each is.
//!
//! A reshape gives no new value: the same bytes are read under another shape.

use ocelli_format::Operator;
use ocelli_format::model::{Model, Node, TensorId};

use super::PlanError;
use super::lifetime::tensor_bytes;

/// The activations of a model.
pub(super) struct Values {
    values: Vec<Value>,
    operators: Vec<Reader>,
}

/// One activation, under all its shapes.
struct Value {
    bytes: u64,
    /// Operators that read it.
    readers: Vec<usize>,
    /// Whether it is there before the first operator.
    is_given: bool,
    /// Whether it has to be there after the last one.
    is_wanted: bool,
    /// Whether it belongs to a state, which is never overwritten.
    is_state: bool,
}

/// What an operator does to values.
struct Reader {
    /// Each once.
    inputs: Vec<usize>,
    /// None where it only gives a value another shape.
    output: Option<usize>,
    /// Inputs whose place the output could take, once nobody else reads them.
    overwritable: Vec<usize>,
    /// Operators that have to run before.
    after: Vec<usize>,
}

/// What running an operator changes, in bytes.
pub(super) struct Step {
    /// Needed during the step, beside what is live.
    pub(super) added: u64,
    /// Of the output, live after it.
    pub(super) kept: u64,
    /// Of inputs that nobody reads any more.
    pub(super) freed: u64,
}

impl Values {
    /// # Errors
    /// [`PlanError::Order`] where an operator reads what no operator before it computes.
    pub(super) fn of(model: &Model) -> Result<Values, PlanError> {
        let mut home: Vec<Option<usize>> = vec![None; model.tensors.len()];
        let mut makers: Vec<Vec<usize>> = Vec::new();
        let mut all = Values { values: Vec::new(), operators: Vec::new() };
        let states: Vec<TensorId> =
            model.states.iter().flat_map(|state| [state.tensor, state.next]).collect();
        let given = model.inputs.iter().copied().chain(model.states.iter().map(|state| state.tensor));
        for tensor in given.map(usize::from).filter(|&tensor| model.tensors[tensor].data.is_none()) {
            if home[tensor].is_none() {
                let value = all.push(tensor_bytes(&model.tensors[tensor]), true);
                all.values[value].is_state = states.contains(&(tensor as TensorId));
                home[tensor] = Some(value);
                makers.push(Vec::new());
            }
        }
        for (index, node) in model.operators.iter().enumerate() {
            let mut reader = Reader { inputs: vec![], output: None, overwritable: vec![], after: vec![] };
            for tensor in activations(model, node) {
                let Some(value) = home[tensor] else {
                    let (operator, tensor) = (node.name.clone(), model.tensors[tensor].name.clone());
                    return Err(PlanError::Order { operator, tensor });
                };
                reader.after.extend(&makers[value]);
                if !reader.inputs.contains(&value) {
                    reader.inputs.push(value);
                    all.values[value].readers.push(index);
                }
            }
            for output in node.outputs.iter().copied().map(usize::from) {
                let bytes = tensor_bytes(&model.tensors[output]);
                let same = |value: &usize| all.values[*value].bytes == bytes && !all.values[*value].is_state;
                let operand = |position: usize| home[usize::from(*node.inputs.get(position)?)];
                if matches!(node.operator, Operator::Reshape)
                    && let Some(value) = operand(0).filter(same)
                {
                    home[output] = Some(value);
                    makers[value].push(index);
                    continue;
                }
                let alone = |value: &usize| {
                    activations(model, node).filter(|&tensor| home[tensor] == Some(*value)).count() == 1
                };
                let in_place = |operand: &usize| node.operator.works_in_place(*operand);
                let positions = (0..node.inputs.len()).filter(in_place);
                let overwritable = positions.filter_map(operand);
                reader.overwritable = overwritable.filter(same).filter(alone).collect();
                let value = all.push(bytes, false);
                makers.push(vec![index]);
                all.values[value].is_state = states.contains(&(output as TensorId));
                (home[output], reader.output) = (Some(value), Some(value));
            }
            all.operators.push(reader);
        }
        for tensor in model.outputs.iter().chain(&states) {
            if let Some(value) = home[usize::from(*tensor)] {
                all.values[value].is_wanted = true;
            }
        }
        Ok(all)
    }

    pub(super) fn operator_count(&self) -> usize {
        self.operators.len()
    }

    /// Bytes that are live before the first step.
    pub(super) fn live_at_start(&self) -> u64 {
        let given = self.values.iter().filter(|value| value.is_given);
        given.filter(|value| value.is_wanted || !value.readers.is_empty()).map(|value| value.bytes).sum()
    }

    /// The largest sum of what one operator reads and writes: every order has it.
    pub(super) fn unavoidable_bytes(&self) -> u64 {
        let bytes = |&value: &usize| self.values[value].bytes;
        let of = |operator: &Reader| {
            let could_share = operator.overwritable.iter().any(|&value| !self.values[value].is_wanted);
            let output = operator.output.as_ref().filter(|_| !could_share).map_or(0, bytes);
            operator.inputs.iter().map(bytes).sum::<u64>() + output
        };
        self.operators.iter().map(of).max().unwrap_or(0)
    }

    /// The most bytes that are live during one step of an order.
    pub(super) fn peak_bytes(&self, order: &[usize]) -> u64 {
        let mut set = vec![0; self.operators.len().div_ceil(64)];
        let (mut live, mut peak) = (self.live_at_start(), 0);
        for &operator in order {
            let step = self.step(&set, operator);
            peak = peak.max(live + step.added);
            live = live + step.kept - step.freed;
            set[operator / 64] |= 1 << (operator % 64);
        }
        peak
    }

    /// Operators that have not run and may run next.
    pub(super) fn ready<'v>(&'v self, set: &'v [u64]) -> impl Iterator<Item = usize> + 'v {
        (0..self.operators.len()).filter(|&operator| {
            let after = &self.operators[operator].after;
            !has(set, operator) && after.iter().all(|&before| has(set, before))
        })
    }

    /// What running `operator` after `set` changes.
    pub(super) fn step(&self, set: &[u64], operator: usize) -> Step {
        let Reader { inputs, output, overwritable, .. } = &self.operators[operator];
        let dies = |value: &usize| {
            let Value { readers, is_wanted, .. } = &self.values[*value];
            !is_wanted && readers.iter().all(|&reader| reader == operator || has(set, reader))
        };
        let output = output.map(|value| &self.values[value]);
        let bytes = output.map_or(0, |value| value.bytes);
        let added = if overwritable.iter().any(dies) { 0 } else { bytes };
        let used = output.is_some_and(|value| value.is_wanted || !value.readers.is_empty());
        let freed = inputs.iter().filter(|value| dies(value)).map(|&value| self.values[value].bytes).sum();
        Step { added, kept: if used { bytes } else { 0 }, freed }
    }

    fn push(&mut self, bytes: u64, is_given: bool) -> usize {
        self.values.push(Value { bytes, readers: Vec::new(), is_given, is_wanted: false, is_state: false });
        self.values.len() - 1
    }
}

/// The operands of a node that are no constants.
fn activations<'m>(model: &'m Model, node: &'m Node) -> impl Iterator<Item = usize> + 'm {
    let operands = node.inputs.iter().copied().map(usize::from);
    operands.filter(|&tensor| model.tensors[tensor].data.is_none())
}

fn has(set: &[u64], operator: usize) -> bool {
    set[operator / 64] >> (operator % 64) & 1 == 1
}
