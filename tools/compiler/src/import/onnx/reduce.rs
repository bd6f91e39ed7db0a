//! Sums over axes, and softmax.

use tract_core::model::TypedNode;
use tract_core::ops::nn::{Reduce, Reducer, Softmax, SoftmaxKind};

use super::layout::{Layout, Pending, Value};
use super::lower::Lowering;
use crate::graph::Op;
use crate::import::Problem;

impl Lowering<'_> {
    /// A sum over H and W is their mean, times a count that the next operator usually divides by.
    pub(super) fn reduce(&mut self, node: &TypedNode, op: &Reduce) -> Result<Value, Problem> {
        let value = self.settled(node.inputs[0])?;
        let shape = self.shape(node.inputs[0])?;
        let order = value.order()?.to_vec();
        let mut axes = op.axes.to_vec();
        axes.sort_unstable();
        let mut over = order.get(1..3).map_or_else(Vec::new, <[usize]>::to_vec);
        over.sort_unstable();
        if op.reducer != Reducer::Sum || order.len() != 4 || axes != over {
            return Err(Problem::Form(format!(
                "{:?} over axes {:?} of {shape:?}; the mean over H and W of an image is supported",
                op.reducer, op.axes
            )));
        }
        let count: usize = axes.iter().map(|&axis| shape[axis]).product();
        let stored = vec![shape[order[0]], 1, 1, shape[order[3]]];
        let tensor = self.emit(&node.name, Op::Mean, vec![value.tensor], stored)?;
        Ok(Value { tensor, layout: Layout::Axes(order), pending: Pending::Scale(count as f32) })
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
