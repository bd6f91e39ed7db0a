//! Operators that rename axes, and joins.

use tract_core::model::{OutletId, TypedNode};
use tract_core::ops::change_axes::AxisOp;

use super::layout::{Layout, Pending, Value, permuted};
use super::lower::Lowering;
use crate::graph::{Op, TensorId};
use crate::import::Problem;

impl Lowering<'_> {
    /// Transposes change what the stored axes are called and nothing else; reshapes keep memory.
    pub(super) fn axis_op(&mut self, node: &TypedNode, op: &AxisOp) -> Result<Value, Problem> {
        let from = self.shape(node.inputs[0])?;
        let to = self.shape(OutletId::new(node.id, 0))?;
        if let AxisOp::Reshape(..) = op {
            let value = self.settled_flat(node.inputs[0])?;
            return self.reshape(node, value, &from, &to);
        }
        let value = self.settled(node.inputs[0])?;
        let order = value.order()?.to_vec();
        match *op {
            AxisOp::Move(source, target) => {
                let mut moved: Vec<usize> = (0..from.len()).filter(|&axis| axis != source).collect();
                moved.insert(target, source);
                let order = order
                    .iter()
                    .map(|&axis| moved.iter().position(|&old| old == axis).expect("a permutation"))
                    .collect();
                Ok(Value { layout: Layout::Axes(order), ..value })
            }
            AxisOp::Rm(axis) => {
                let order: Vec<usize> = order
                    .iter()
                    .filter(|&&stored| stored != axis)
                    .map(|&stored| if stored > axis { stored - 1 } else { stored })
                    .collect();
                self.reshaped(node, value, permuted(&to, &order), Layout::Axes(order))
            }
            AxisOp::Add(axis) => {
                let mut order: Vec<usize> =
                    order.iter().map(|&stored| if stored >= axis { stored + 1 } else { stored }).collect();
                // An axis of extent 1 can stand anywhere; beside its neighbour it is found most easily.
                let place = order.iter().position(|&stored| stored == axis + 1).unwrap_or(order.len());
                order.insert(place, axis);
                self.reshaped(node, value, permuted(&to, &order), Layout::Axes(order))
            }
            AxisOp::Reshape(..) => Err(Problem::Operator),
        }
    }

    pub(super) fn concatenate(&mut self, node: &TypedNode, axis: usize) -> Result<Value, Problem> {
        let mut order: Option<Vec<usize>> = None;
        for &input in &node.inputs {
            if self.constant(input).is_none() && order.is_none() {
                order = Some(self.settled(input)?.order()?.to_vec());
            }
        }
        let order = order.ok_or_else(|| Problem::Form("constants alone".into()))?;
        let operands: Vec<TensorId> = node
            .inputs
            .iter()
            .map(|&input| {
                if self.constant(input).is_some() {
                    return self.stored_constant(input, &order);
                }
                let value = self.settled(input)?;
                let shape = self.shape(input)?;
                self.arrange(&value, &shape, &order)
            })
            .collect::<Result<_, _>>()?;
        let shape = permuted(&self.shape(OutletId::new(node.id, 0))?, &order);
        let axis = order.iter().position(|&stored| stored == axis).ok_or(Problem::Operator)?;
        let tensor = self.emit(&node.name, Op::Concatenate { axis }, operands, shape)?;
        Ok(Value { tensor, layout: Layout::Axes(order), pending: Pending::None })
    }

    fn reshaped(
        &mut self,
        node: &TypedNode,
        value: Value,
        stored: Vec<usize>,
        layout: Layout,
    ) -> Result<Value, Problem> {
        let tensor = self.emit(&node.name, Op::Reshape, vec![value.tensor], stored)?;
        Ok(Value { tensor, layout, pending: Pending::None })
    }
}
