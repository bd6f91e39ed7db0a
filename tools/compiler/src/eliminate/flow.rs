//! How channels go through an operator: the one place that knows the operators.
//!
//! What is not listed here, and whatever has unusual shapes or is no int8, is a [`Flow::Barrier`]: all its channels
//! are needed and nothing is said about its values. New operators are safe without a word here.

use ocelli_format::Operator;
use ocelli_format::model::{Element, Model, Node};

use super::layer::Layer;
use super::{channels, tensor};

/// What happens to channels.
pub(super) enum Flow<'m> {
    /// Sums of weights and inputs.
    Weighted(Layer<'m>),
    /// Channel `c` of the result is made of channel `c` of each operand and of nothing else; an operand
    /// with a single channel serves them all.
    Channelwise,
    /// The operands' channels stand behind one another.
    Joined,
    /// Channels of one constant before those of the operand, and some behind.
    Widened {
        /// How many before.
        before: usize,
    },
    /// The same bytes with another extent of the innermost axis.
    Regrouped,
    /// Everything may depend on everything.
    Barrier,
}

impl<'m> Flow<'m> {
    pub(super) fn of(model: &'m Model, node: &Node) -> Flow<'m> {
        let (&[first, ..], &[output]) = (&node.inputs[..], &node.outputs[..]) else { return Flow::Barrier };
        if [first, output].iter().any(|&id| tensor(model, id).element != Element::I8) {
            return Flow::Barrier;
        }
        let may_be_constant =
            is_pairwise(&node.operator) || matches!(node.operator, Operator::Concatenate { .. });
        if tensor(model, first).data.is_some() && !may_be_constant {
            return Flow::Barrier;
        }
        let count = channels(tensor(model, output));
        let all_have = |ids: &[u16]| ids.iter().all(|&id| channels(tensor(model, id)) == count);
        let channelwise = |as_many: bool| if as_many { Flow::Channelwise } else { Flow::Barrier };
        match node.operator {
            Operator::Conv2d { .. } | Operator::DepthwiseConv2d { .. } | Operator::FullyConnected { .. } => {
                Layer::of(model, node).map_or(Flow::Barrier, Flow::Weighted)
            }
            operator if is_pairwise(&operator) => {
                let serves = |&id: &u16| [1, count].contains(&channels(tensor(model, id)));
                channelwise(node.inputs.iter().all(serves))
            }
            Operator::AveragePool2d { .. }
            | Operator::MaxPool2d { .. }
            | Operator::Mean { .. }
            | Operator::ResizeNearest { .. }
            | Operator::ResizeBilinear { .. }
            | Operator::Lookup => channelwise(all_have(&[first])),
            Operator::Prelu { .. } => {
                let slopes = node.inputs.get(1).map(|&slopes| tensor(model, slopes));
                let slopes_fit = slopes.is_some_and(|slopes| {
                    let elements = slopes.shape.iter().product::<u32>();
                    elements == 1 || channels(slopes) == count
                });
                channelwise(all_have(&[first]) && slopes_fit)
            }
            Operator::Concatenate { axis } => {
                let innermost = usize::from(axis) + 1 == tensor(model, output).shape.len();
                if innermost { Flow::Joined } else { channelwise(all_have(&node.inputs)) }
            }
            Operator::Pad { before, after, .. } => match (before[3], after[3]) {
                (0, 0) => channelwise(all_have(&[first])),
                (before, _) => Flow::Widened { before: usize::from(before) },
            },
            Operator::Reshape => Flow::Regrouped,
            _ => Flow::Barrier,
        }
    }
}

/// Whether an operator combines two tensors that broadcast, value by value.
pub(super) fn is_pairwise(operator: &Operator) -> bool {
    matches!(
        operator,
        Operator::Add { .. }
            | Operator::Sub { .. }
            | Operator::Mul { .. }
            | Operator::Div { .. }
            | Operator::Minimum
            | Operator::Maximum
            | Operator::SquaredDifference { .. }
    )
}
