//! The model anew, without the channels that go: constants cut, sums that never change moved into biases.

use ocelli_format::Operator;
use ocelli_format::model::{Model, Node, Tensor, TensorId};

use super::flow::{Flow, is_pairwise};
use super::layer::Layer;
use super::range::{Range, folded};
use super::{Marks, channels, tensor};

/// What the steps before have found out.
pub(super) struct Facts<'a> {
    pub(super) ranges: &'a [Vec<Range>],
    pub(super) kept: &'a Marks,
}

/// The model and where each tensor went; `None` where it would have too many tensors.
pub(super) fn rewrite(
    model: &Model,
    flows: &[Flow<'_>],
    facts: &Facts<'_>,
) -> Option<(Model, Vec<Option<TensorId>>)> {
    let mut writer = Writer { model, facts, tensors: Vec::new(), places: vec![None; model.tensors.len()] };
    for &input in &model.inputs {
        writer.whole(input);
    }
    let mut operators = Vec::new();
    for (node, flow) in model.operators.iter().zip(flows) {
        let mut outputs = node.outputs.iter();
        if outputs.any(|&output| facts.kept[usize::from(output)].contains(&true)) {
            let (operator, inputs) = writer.operands(node, flow);
            let outputs = node.outputs.iter().map(|&output| writer.whole(output)).collect();
            operators.push(Node { name: node.name.clone(), operator, inputs, outputs });
        }
    }
    let mut place = |ids: &[TensorId]| ids.iter().map(|&id| writer.whole(id)).collect();
    let (inputs, outputs) = (place(&model.inputs), place(&model.outputs));
    let mut states = model.states.clone();
    for state in &mut states {
        (state.tensor, state.next) = (writer.whole(state.tensor), writer.whole(state.next));
    }
    let Writer { tensors, places, .. } = writer;
    if tensors.len() > usize::from(u16::MAX) {
        return None;
    }
    let model = Model { tensors, operators, inputs, outputs, states, ..model.clone() };
    Some((model, places))
}

struct Writer<'a> {
    model: &'a Model,
    facts: &'a Facts<'a>,
    tensors: Vec<Tensor>,
    places: Vec<Option<TensorId>>,
}

impl Writer<'_> {
    /// What a node computes and reads now.
    fn operands(&mut self, node: &Node, flow: &Flow<'_>) -> (Operator, Vec<TensorId>) {
        let kept = &self.facts.kept[usize::from(node.outputs[0])];
        let mut operator = node.operator;
        let inputs = match flow {
            Flow::Weighted(layer) => self.weighted(node, layer),
            Flow::Joined => {
                let mut before = 0;
                let mut inputs = Vec::new();
                for &operand in &node.inputs {
                    let mine = &kept[before..before + channels(tensor(self.model, operand))];
                    before += mine.len();
                    if mine.contains(&true) {
                        inputs.push(self.cut(operand, mine));
                    }
                }
                if inputs.len() == 1 {
                    operator = Operator::Reshape;
                }
                inputs
            }
            Flow::Channelwise if has_constant_operands(&operator) => {
                node.inputs.iter().map(|&operand| self.cut(operand, kept)).collect()
            }
            _ => node.inputs.iter().map(|&operand| self.whole(operand)).collect(),
        };
        if let (Operator::Pad { before, after, .. }, Flow::Widened { before: all_before }) =
            (&mut operator, flow)
        {
            let inside = channels(tensor(self.model, node.inputs[0]));
            let count = |marks: &[bool]| marks.iter().filter(|&&kept| kept).count() as u16;
            before[3] = count(&kept[..*all_before]);
            after[3] = count(&kept[all_before + inside..]);
        }
        (operator, inputs)
    }

    /// The operands of a layer with weights.
    fn weighted(&mut self, node: &Node, layer: &Layer<'_>) -> Vec<TensorId> {
        let (input, output) = (usize::from(node.inputs[0]), usize::from(node.outputs[0]));
        let Facts { ranges, kept } = *self.facts;
        let inputs = folded(&ranges[input], layer.period);
        let is_read = |index: usize| kept[input][index % layer.period];
        let is_constant = |channel: usize| ranges[output][channel].constant().is_some();
        let outputs: Vec<usize> = (0..layer.outputs).filter(|&channel| kept[output][channel]).collect();
        let read: Vec<usize> = (0..layer.inputs).filter(|&index| is_read(index)).collect();
        let weights = layer.weights_of(&outputs, &read, |output| !is_constant(output));
        let folded_value = |index: usize| inputs[index % layer.period].constant().filter(|_| !is_read(index));
        let bias = outputs.iter().flat_map(|&channel| {
            let bias = if is_constant(channel) {
                layer.sums(channel, &inputs)[0] as i32
            } else {
                layer.bias_with(channel, folded_value)
            };
            bias.to_le_bytes()
        });
        let bias = bias.collect();
        let &[_, weights_id, bias_id, multipliers, shifts] = &node.inputs[..] else { return Vec::new() };
        let mut shape = tensor(self.model, weights_id).shape.clone();
        let (rows, columns) = (outputs.len() as u32, (read.len() / layer.groups) as u32);
        match (&node.operator, &mut shape[..]) {
            (Operator::Conv2d { .. }, [first, .., last]) => (*first, *last) = (rows, columns),
            (Operator::FullyConnected { .. }, [.., first, last]) => (*first, *last) = (rows, columns),
            (_, [.., last]) => *last = rows,
            (_, []) => {}
        }
        vec![
            self.whole(node.inputs[0]),
            self.constant(weights_id, shape, weights),
            self.constant(bias_id, vec![outputs.len() as u32], bias),
            self.cut(multipliers, &kept[output]),
            self.cut(shifts, &kept[output]),
        ]
    }

    /// A tensor as it is, apart from the channels that an activation has lost.
    fn whole(&mut self, id: TensorId) -> TensorId {
        if let Some(place) = self.places[usize::from(id)] {
            return place;
        }
        let mut tensor = tensor(self.model, id).clone();
        let kept = &self.facts.kept[usize::from(id)];
        if let (None, Some(innermost)) = (&tensor.data, tensor.shape.last_mut()) {
            *innermost = kept.iter().filter(|&&kept| kept).count() as u32;
        }
        let place = self.push(tensor);
        self.places[usize::from(id)] = Some(place);
        place
    }

    /// The marked channels of a constant; an activation as [`Writer::whole`].
    fn cut(&mut self, id: TensorId, kept: &[bool]) -> TensorId {
        let tensor = tensor(self.model, id);
        let Some(data) = tensor.data.as_ref().filter(|_| channels(tensor) == kept.len()) else {
            return self.whole(id);
        };
        let bytes = tensor.element.bytes();
        let values = data.chunks_exact(bytes).zip(kept.iter().cycle());
        let cut: Vec<u8> = values.filter(|&(_, &kept)| kept).flat_map(|(value, _)| value.to_vec()).collect();
        let mut shape = tensor.shape.clone();
        if let Some(innermost) = shape.last_mut() {
            *innermost = kept.iter().filter(|&&kept| kept).count() as u32;
        }
        self.constant(id, shape, cut)
    }

    /// A constant in place of another one, or that one where nothing differs.
    fn constant(&mut self, like: TensorId, shape: Vec<u32>, data: Vec<u8>) -> TensorId {
        let like_tensor = tensor(self.model, like);
        if like_tensor.data.as_ref() == Some(&data) && like_tensor.shape == shape {
            return self.whole(like);
        }
        self.push(Tensor { shape, data: Some(data), ..like_tensor.clone() })
    }

    fn push(&mut self, tensor: Tensor) -> TensorId {
        self.tensors.push(tensor);
        // Beyond the numbering the value is never used: `rewrite` gives up.
        (self.tensors.len() - 1).min(usize::from(u16::MAX)) as TensorId
    }
}

/// Whether constants among the operands have the channels of the result.
fn has_constant_operands(operator: &Operator) -> bool {
    is_pairwise(operator) || matches!(operator, Operator::Prelu { .. } | Operator::Concatenate { .. })
}
