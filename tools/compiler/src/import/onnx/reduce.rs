//! Operators over axes: reductions, normalization by neighbours, softmax.

use tract_core::model::TypedNode;
use tract_core::ops::nn::{Reduce, Reducer, Softmax, SoftmaxKind};
use tract_onnx_opl::lrn::Lrn;

use super::layout::{Layout, Pending, Value};
use super::lower::Lowering;
use crate::graph::{Op, Reduction, TensorId, Unary};
use crate::import::Problem;

impl Lowering<'_> {
    /// A sum is a mean, times a count that the next operator usually divides by.
    pub(super) fn reduce(&mut self, node: &TypedNode, op: &Reduce) -> Result<Value, Problem> {
        if op.axes.is_empty() {
            return self.value(node.inputs[0]);
        }
        let mut value = self.settled(node.inputs[0])?;
        let shape = self.shape(node.inputs[0])?;
        let order = value.order()?.to_vec();
        let mut axes: Vec<usize> =
            (0..order.len()).filter(|&stored| op.axes.contains(&order[stored])).collect();
        axes.sort_unstable();
        let count = axes.iter().map(|&axis| shape[order[axis]]).product::<usize>() as f32;
        let (reduction, pending) = match op.reducer {
            Reducer::Sum => (Reduction::Mean, Pending::Scale(count)),
            Reducer::MeanOfSquares => {
                let stored = self.graph.tensors[value.tensor].shape.clone();
                let name = format!("{}.squares", node.name);
                value.tensor = self.emit(&name, Op::Unary(Unary::Square), vec![value.tensor], stored)?;
                (Reduction::Mean, Pending::None)
            }
            Reducer::Max => (Reduction::Maximum, Pending::None),
            Reducer::Min => (Reduction::Minimum, Pending::None),
            Reducer::ArgMax(last) => (Reduction::ArgMax { last }, Pending::None),
            Reducer::ArgMin(last) => (Reduction::ArgMin { last }, Pending::None),
            other => return Err(Problem::Form(format!("{other:?} over axes {:?} of {shape:?}", op.axes))),
        };
        let stored = order
            .iter()
            .enumerate()
            .map(|(stored, &axis)| if axes.contains(&stored) { 1 } else { shape[axis] })
            .collect();
        let op = if reduction == Reduction::Mean && order.len() == 4 && axes == [1, 2] {
            Op::Mean
        } else {
            Op::Reduce { reduction, axes }
        };
        let tensor = self.emit(&node.name, op, vec![value.tensor], stored)?;
        let pending = if count == 1.0 { Pending::None } else { pending };
        Ok(Value { tensor, layout: Layout::Axes(order), pending })
    }

    /// The sum whose mean a tensor is, where the factor on it is their count.
    pub(super) fn as_sum(&mut self, name: &str, tensor: TensorId, factor: f32) -> Option<TensorId> {
        let node = self.graph.nodes.iter().rfind(|node| node.outputs == [tensor])?;
        let (input, axes) = match &node.op {
            Op::Mean => (node.inputs[0], vec![1, 2]),
            Op::Reduce { reduction: Reduction::Mean, axes } => (node.inputs[0], axes.clone()),
            _ => return None,
        };
        let count: usize = axes.iter().map(|&axis| self.graph.tensors[input].shape[axis]).product();
        let shape = self.graph.tensors[tensor].shape.clone();
        let op = Op::Reduce { reduction: Reduction::Sum, axes };
        (count as f32 == factor).then(|| self.emit(&format!("{name}.sum"), op, vec![input], shape).ok())?
    }

    /// Normalization by neighbours along the channels, which are stored innermost.
    pub(super) fn local_response(&mut self, node: &TypedNode, op: &Lrn) -> Result<Value, Problem> {
        let value = self.settled(node.inputs[0])?;
        if value.order()?.last() != Some(&1) || op.size == 0 {
            return Err(Problem::Form(format!(
                "{op:?} of values that are stored in the order {:?}",
                value.layout
            )));
        }
        let shape = self.graph.tensors[value.tensor].shape.clone();
        let op = Op::LocalResponseNormalization {
            before: (op.size - 1) / 2,
            after: (op.size - 1).div_ceil(2),
            alpha: op.alpha / op.size as f32,
            beta: op.beta,
            bias: op.bias,
        };
        let tensor = self.emit(&node.name, op, vec![value.tensor], shape)?;
        Ok(Value { tensor, ..value })
    }

    pub(super) fn softmax(&mut self, node: &TypedNode, op: &Softmax) -> Result<Value, Problem> {
        let shape = self.shape(node.inputs[0])?;
        let long: Vec<usize> = op.axes.iter().copied().filter(|&axis| shape[axis] != 1).collect();
        let axis = match (&long[..], &op.axes[..]) {
            (&[axis], _) => axis,
            (&[], &[.., axis]) => axis,
            _ => return Err(Problem::Form(format!("softmax over axes {:?} of {shape:?}", op.axes))),
        };
        if op.kind != SoftmaxKind::Softmax {
            return Err(Problem::Form("the logarithm of a softmax".into()));
        }
        let value = self.settled(node.inputs[0])?;
        let mut order: Vec<usize> = value.order()?.iter().copied().filter(|&other| other != axis).collect();
        order.push(axis);
        let input = self.arrange(&value, &shape, &order)?;
        let stored = self.graph.tensors[input].shape.clone();
        let tensor = self.emit(&node.name, Op::Softmax { beta: 1.0 }, vec![input], stored)?;
        Ok(Value { tensor, layout: Layout::Axes(order), pending: Pending::None })
    }
}
