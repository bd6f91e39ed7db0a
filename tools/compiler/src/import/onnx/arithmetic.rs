//! Sums, products, limits, and operators of one number.

use tract_core::model::{OutletId, TypedNode};
use tract_core::ops::element_wise::ElementWiseOp;
use tract_core::ops::nn::{LeakyRelu, Reduce, Reducer, Softmax, SoftmaxKind};

use super::layout::{Layout, Pending, Value, numbers};
use super::lower::Lowering;
use crate::graph::{Activation, Data, Op, TensorId, Unary};
use crate::import::Problem;

impl Lowering<'_> {
    pub(super) fn binary(&mut self, node: &TypedNode, operator: &str) -> Result<Value, Problem> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        match (self.constant(left), self.constant(right)) {
            (None, Some(constant)) => {
                let values = numbers(&constant)?;
                self.with_constant(node, operator, left, right, &values)
            }
            (Some(constant), None) => {
                let values = numbers(&constant)?;
                match operator {
                    "Add" | "Mul" | "Max" | "Min" => self.with_constant(node, operator, right, left, &values),
                    // c - x is c + (-1 * x).
                    "Sub" => {
                        let value = self.settled(right)?;
                        let minus_one = self.float(format!("{}.minus_one", node.name), vec![1], vec![-1.0]);
                        let shape = self.graph.tensors[value.tensor].shape.clone();
                        let op = Op::Mul { activation: Activation::Linear };
                        let name = format!("{}.negated", node.name);
                        let tensor = self.emit(&name, op, vec![value.tensor, minus_one], shape)?;
                        let add = Op::Add { activation: Activation::Linear };
                        self.constant_operand(node, add, &Value { tensor, ..value }, left, |number| number)
                    }
                    _ => Err(Problem::Form(format!("{operator} of a constant and an activation"))),
                }
            }
            _ => self.of_activations(node, operator, left, right),
        }
    }

    pub(super) fn element_wise(&mut self, node: &TypedNode, op: &ElementWiseOp) -> Result<Value, Problem> {
        let unary = match (op.0.name().as_str(), op.0.downcast_ref::<LeakyRelu>()) {
            (_, Some(leaky)) => Unary::LeakyRelu { alpha: leaky.alpha },
            ("Sigmoid", _) => Unary::Logistic,
            ("Tanh", _) => Unary::Tanh,
            ("HardSwish", _) => Unary::HardSwish,
            _ => return Err(Problem::Operator),
        };
        let value = self.settled(node.inputs[0])?;
        let shape = self.graph.tensors[value.tensor].shape.clone();
        let tensor = self.emit(&node.name, Op::Unary(unary), vec![value.tensor], shape)?;
        Ok(Value { tensor, ..value })
    }

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

    fn with_constant(
        &mut self,
        node: &TypedNode,
        operator: &str,
        operand: OutletId,
        constant: OutletId,
        values: &[f32],
    ) -> Result<Value, Problem> {
        let value = self.value(operand)?;
        let same_shape = self.shape(operand)? == self.shape(OutletId::new(node.id, 0))?;
        if let (&[number], true) = (values, same_shape) {
            let pending = match (operator, value.pending) {
                ("Max", Pending::None) => Some(Pending::Clamp(number, f32::INFINITY)),
                ("Max", Pending::Clamp(low, high)) if number <= high => {
                    Some(Pending::Clamp(low.max(number), high))
                }
                ("Min", Pending::None) => Some(Pending::Clamp(f32::NEG_INFINITY, number)),
                ("Min", Pending::Clamp(low, high)) if number >= low => {
                    Some(Pending::Clamp(low, high.min(number)))
                }
                ("Mul", Pending::Scale(factor)) => Some(scale(factor * number)),
                ("Div", Pending::Scale(factor)) if number != 0.0 => Some(scale(factor / number)),
                ("Mul", Pending::None) => Some(scale(number)),
                ("Div", Pending::None) if number != 0.0 => Some(scale(1.0 / number)),
                _ => None,
            };
            if let Some(pending) = pending {
                return Ok(Value { pending, ..value });
            }
            if matches!((operator, value.pending), ("Max" | "Min", Pending::Scale(_))) {
                let value = self.settled(operand)?;
                let pending = match operator {
                    "Max" => Pending::Clamp(number, f32::INFINITY),
                    _ => Pending::Clamp(f32::NEG_INFINITY, number),
                };
                return Ok(Value { pending, ..value });
            }
        }
        let value = self.settled(operand)?;
        let (add, mul) =
            (Op::Add { activation: Activation::Linear }, Op::Mul { activation: Activation::Linear });
        match operator {
            "Add" => self.constant_operand(node, add, &value, constant, |number| number),
            "Mul" => self.constant_operand(node, mul, &value, constant, |number| number),
            "Sub" => self.constant_operand(node, add, &value, constant, |number| -number),
            "Div" if values.contains(&0.0) => Err(Problem::Invalid("division by zero".into())),
            "Div" => self.constant_operand(node, mul, &value, constant, |number| 1.0 / number),
            "Max" | "Min" => Err(Problem::Form(format!("{operator} with a constant that is not one number"))),
            _ => Err(Problem::Operator),
        }
    }

    /// Adds or multiplies a constant in the order in which the value is stored.
    fn constant_operand(
        &mut self,
        node: &TypedNode,
        op: Op,
        value: &Value,
        constant: OutletId,
        change: fn(f32) -> f32,
    ) -> Result<Value, Problem> {
        let number = self.constant(constant).map(|tensor| numbers(&tensor)).transpose()?;
        let constant = match number.as_deref() {
            Some(&[number]) => self.float(format!("{}.number", node.name), vec![1], vec![number]),
            _ => self.stored_constant(constant, value.order()?)?,
        };
        if let Some(Data::F32(values)) = &mut self.graph.tensors[constant].data {
            values.iter_mut().for_each(|value| *value = change(*value));
        }
        let shape = self.graph.tensors[value.tensor].shape.clone();
        let tensor = self.emit(&node.name, op, vec![value.tensor, constant], shape)?;
        Ok(Value { tensor, ..value.clone() })
    }

    fn of_activations(
        &mut self,
        node: &TypedNode,
        operator: &str,
        left: OutletId,
        right: OutletId,
    ) -> Result<Value, Problem> {
        let op = match operator {
            "Add" | "Sub" => Op::Add { activation: Activation::Linear },
            "Mul" => Op::Mul { activation: Activation::Linear },
            _ => return Err(Problem::Operator),
        };
        let (first, mut second) = (self.settled(left)?, self.settled(right)?);
        if operator == "Sub" {
            let minus_one = self.float(format!("{}.minus_one", node.name), vec![1], vec![-1.0]);
            let shape = self.graph.tensors[second.tensor].shape.clone();
            let mul = Op::Mul { activation: Activation::Linear };
            second.tensor =
                self.emit(&format!("{}.negated", node.name), mul, vec![second.tensor, minus_one], shape)?;
        }
        let (shapes, layout) = ([self.shape(left)?, self.shape(right)?], first.layout.clone());
        let (operands, layout): ([TensorId; 2], Layout) = if first.layout == second.layout {
            ([first.tensor, second.tensor], layout)
        } else {
            match self.arrange(&second, &shapes[1], first.order()?) {
                Ok(tensor) => ([first.tensor, tensor], layout),
                Err(_) => (
                    [self.arrange(&first, &shapes[0], second.order()?)?, second.tensor],
                    second.layout.clone(),
                ),
            }
        };
        let shape = self.graph.tensors[operands[0]].shape.clone();
        let tensor = self.emit(&node.name, op, operands.to_vec(), shape)?;
        Ok(Value { tensor, layout, pending: Pending::None })
    }
}

/// A factor, unless rounding alone keeps it from 1.
fn scale(factor: f32) -> Pending {
    if (factor - 1.0).abs() < 1e-6 { Pending::None } else { Pending::Scale(factor) }
}
