//! Operators of two numbers, choices between two, and operators of one number.

use tract_core::model::{OutletId, TypedNode};
use tract_core::ops::element_wise::ElementWiseOp;
use tract_core::ops::math::PowConst;
use tract_core::ops::nn::LeakyRelu;

use super::layout::{Layout, Pending, Value, numbers, permuted, same_memory};
use super::lower::Lowering;
use crate::graph::{Activation, Binary, Data, Op, TensorId, Unary};
use crate::import::Problem;

impl Lowering<'_> {
    pub(super) fn binary(&mut self, node: &TypedNode, operator: &str) -> Result<Value, Problem> {
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let commutes = matches!(operator, "Add" | "Mul" | "Max" | "Min");
        match (self.constant(left), self.constant(right)) {
            (None, Some(constant)) => {
                let values = numbers(&constant)?;
                self.with_constant(node, operator, left, right, &values)
            }
            (Some(constant), None) if commutes => {
                let values = numbers(&constant)?;
                self.with_constant(node, operator, right, left, &values)
            }
            _ => self.pair(node, operator),
        }
    }

    /// The second operand where the first holds, the third where it does not.
    pub(super) fn select(&mut self, node: &TypedNode) -> Result<Value, Problem> {
        let (operands, layout) = self.operands(&node.inputs)?;
        self.element_by_element(node, Op::Select, operands, layout)
    }

    pub(super) fn element_wise(&mut self, node: &TypedNode, op: &ElementWiseOp) -> Result<Value, Problem> {
        let parameter = (op.0.downcast_ref::<LeakyRelu>(), op.0.downcast_ref::<PowConst>());
        let unary = match (op.0.name().as_str(), parameter) {
            (_, (Some(leaky), _)) => Unary::LeakyRelu { alpha: leaky.alpha },
            (_, (_, Some(power))) => Unary::Power { exponent: power.exponent },
            ("Sigmoid", _) => Unary::Logistic,
            ("Tanh", _) => Unary::Tanh,
            ("HardSwish", _) => Unary::HardSwish,
            ("Silu", _) => Unary::Silu,
            ("GeluExact", _) => Unary::Gelu,
            ("GeluApproximate", _) => Unary::GeluTanh,
            ("Exp", _) => Unary::Exp,
            ("Ln", _) => Unary::Log,
            ("Sqrt", _) => Unary::Sqrt,
            ("Rsqrt", _) => Unary::Rsqrt,
            ("Square", _) => Unary::Square,
            ("Recip", _) => Unary::Reciprocal,
            ("Abs", _) => Unary::Abs,
            ("Neg", _) => Unary::Neg,
            ("Sign", _) => Unary::Sign,
            ("Floor", _) => Unary::Floor,
            ("Ceil", _) => Unary::Ceil,
            ("RoundHalfToEven", _) => Unary::Round,
            ("Erf", _) => Unary::Erf,
            ("Sin", _) => Unary::Sin,
            ("Cos", _) => Unary::Cos,
            ("Tan", _) => Unary::Tan,
            ("Asin", _) => Unary::Asin,
            ("Acos", _) => Unary::Acos,
            ("Atan", _) => Unary::Atan,
            ("Sinh", _) => Unary::Sinh,
            ("Cosh", _) => Unary::Cosh,
            ("Asinh", _) => Unary::Asinh,
            ("Acosh", _) => Unary::Acosh,
            ("Atanh", _) => Unary::Atanh,
            _ => return Err(Problem::Operator),
        };
        let value = self.settled(node.inputs[0])?;
        let shape = self.graph.tensors[value.tensor].shape.clone();
        let tensor = self.emit(&node.name, Op::Unary(unary), vec![value.tensor], shape)?;
        Ok(Value { tensor, ..value })
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
        // A layer takes factors and offsets in: quotients and differences become those.
        let (op, change): (Op, fn(f32) -> f32) = match operator {
            "Add" => (Op::Add { activation: Activation::Linear }, |number| number),
            "Sub" => (Op::Add { activation: Activation::Linear }, |number| -number),
            "Mul" => (Op::Mul { activation: Activation::Linear }, |number| number),
            "Div" if values.contains(&0.0) => return Err(Problem::Invalid("division by zero".into())),
            "Div" => (Op::Mul { activation: Activation::Linear }, |number| 1.0 / number),
            _ => return self.pair(node, operator),
        };
        if !same_shape {
            return self.pair(node, operator);
        }
        let value = self.settled(operand)?;
        self.constant_operand(node, op, &value, constant, change)
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
        let constant = self.constant_in(constant, &value.layout)?;
        if let Some(Data::F32(values)) = &mut self.graph.tensors[constant].data {
            values.iter_mut().for_each(|value| *value = change(*value));
        }
        let shape = self.graph.tensors[value.tensor].shape.clone();
        let tensor = self.emit(&node.name, op, vec![value.tensor, constant], shape)?;
        Ok(Value { tensor, ..value.clone() })
    }

    /// An operator of two values, either of which may repeat.
    fn pair(&mut self, node: &TypedNode, operator: &str) -> Result<Value, Problem> {
        let (binary, swapped) = match operator {
            "Add" => (Binary::Add, false),
            "Sub" => (Binary::Sub, false),
            "SubF" => (Binary::Sub, true),
            "Mul" => (Binary::Mul, false),
            "Div" => (Binary::Div, false),
            "Max" => (Binary::Maximum, false),
            "Min" => (Binary::Minimum, false),
            "Pow" => match self.constant(node.inputs[1]).map(|exponent| exponent.len()) {
                Some(1) => (Binary::Power, false),
                _ => return Err(Problem::Form("an exponent that is not one constant number".into())),
            },
            "GT" => (Binary::Greater, false),
            "LT" => (Binary::Greater, true),
            "GTE" => (Binary::GreaterOrEqual, false),
            "LTE" => (Binary::GreaterOrEqual, true),
            "Eq" => (Binary::Equal, false),
            _ => return Err(Problem::Operator),
        };
        let (mut operands, layout) = self.operands(&node.inputs)?;
        if swapped {
            operands.reverse();
        }
        self.element_by_element(node, Op::of_binary(binary, Activation::Linear), operands, layout)
    }

    fn element_by_element(
        &mut self,
        node: &TypedNode,
        op: Op,
        operands: Vec<TensorId>,
        layout: Layout,
    ) -> Result<Value, Problem> {
        let shape = match &layout {
            Layout::Axes(order) => permuted(&self.shape(OutletId::new(node.id, 0))?, order),
            Layout::Flattened { .. } => self.shape(OutletId::new(node.id, 0))?,
        };
        let tensor = self.emit(&node.name, op, operands, shape)?;
        Ok(Value { tensor, layout, pending: Pending::None })
    }

    /// Operands with their axes in one order, that of the first value into whose order the others can come.
    fn operands(&mut self, inputs: &[OutletId]) -> Result<(Vec<TensorId>, Layout), Problem> {
        let mut values = Vec::with_capacity(inputs.len());
        for &input in inputs {
            values.push(if self.constant(input).is_some() { None } else { Some(self.settled(input)?) });
        }
        let shapes = inputs.iter().map(|&input| self.shape(input)).collect::<Result<Vec<_>, _>>()?;
        let mut layouts = values.iter().flatten().map(|value| value.layout.clone());
        let first = layouts.next().ok_or_else(|| Problem::Form("constants alone".into()))?;
        let comes = |layout: &Layout| {
            let Layout::Axes(wanted) = layout else { return false };
            values.iter().zip(&shapes).all(|(value, shape)| match value.as_ref().map(|value| &value.layout) {
                Some(Layout::Axes(order)) => same_memory(shape, order, wanted),
                Some(Layout::Flattened { .. }) => false,
                None => true,
            })
        };
        let layout =
            if comes(&first) { first } else { layouts.find(|layout| comes(layout)).unwrap_or(first) };
        let mut operands = Vec::with_capacity(inputs.len());
        for ((&input, value), shape) in inputs.iter().zip(&values).zip(&shapes) {
            operands.push(match (value, &layout) {
                (Some(value), layout) if value.layout == *layout => value.tensor,
                (Some(value), Layout::Axes(order)) => self.arrange(value, shape, order)?,
                (Some(value), Layout::Flattened { .. }) => {
                    value.order()?;
                    return Err(Problem::Form("a flattened image beside another value".into()));
                }
                (None, layout) => self.constant_in(input, layout)?,
            });
        }
        Ok((operands, layout))
    }

    /// A constant operand beside a value of this layout.
    fn constant_in(&mut self, constant: OutletId, layout: &Layout) -> Result<TensorId, Problem> {
        let values = self.constant(constant).map(|tensor| numbers(&tensor)).transpose()?;
        match (values.as_deref(), layout) {
            (Some(&[number]), _) => {
                let name = format!("{}.number", self.model.node(constant.node).name);
                Ok(self.float(name, vec![1], vec![number]))
            }
            (_, Layout::Axes(order)) => self.stored_constant(constant, order),
            (_, Layout::Flattened { .. }) => {
                Err(Problem::Form("a flattened image beside a constant that is not one number".into()))
            }
        }
    }
}

/// A factor, unless rounding alone keeps it from 1.
fn scale(factor: f32) -> Pending {
    if (factor - 1.0).abs() < 1e-6 { Pending::None } else { Pending::Scale(factor) }
}
