//! The model under construction: numbers tensors as they are met and keeps their names.

use ocelli_format::Operator;
use ocelli_format::model::{Element, Model, Node, Tensor, TensorId};

use super::{KeptChannels, LowerError, Lowered, factor, table};
use crate::graph::{self, Data, Graph, Op, Unary};

/// Scale and zero point of an activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) scale: f32,
    pub(super) zero_point: i32,
}

/// A model under construction.
pub(super) struct Builder<'a> {
    pub(super) graph: &'a Graph,
    model: Model,
    tensors: Vec<Option<TensorId>>,
    counted: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let model = Model { name: graph.name.clone(), version: "1".into(), ..Model::default() };
        Builder { graph, model, tensors: vec![None; graph.tensors.len()], counted: 0 }
    }

    /// The finished model, its inputs and outputs numbered.
    pub(super) fn finish(mut self) -> Result<Lowered, LowerError> {
        for &output in &self.graph.outputs {
            self.activation("graph output", output)?;
        }
        let too_many = |what, count| LowerError::TooMany { model: self.model.name.clone(), what, count };
        if self.counted > usize::from(u16::MAX) {
            return Err(too_many("tensors", self.counted));
        }
        if self.model.operators.len() > usize::from(u16::MAX) {
            return Err(too_many("operators", self.model.operators.len()));
        }
        let place = |ids: &[usize]| ids.iter().filter_map(|&id| self.tensors[id]).collect();
        self.model.inputs = place(&self.graph.inputs);
        self.model.outputs = place(&self.graph.outputs);
        Ok(Lowered { model: self.model, tensors: self.tensors, kept_channels: KeptChannels::new() })
    }

    /// The shape of a tensor of the graph.
    pub(super) fn shape(&self, id: graph::TensorId) -> &'a [usize] {
        &self.graph.tensors[id].shape
    }

    /// Scale and zero point of an activation.
    pub(super) fn affine(&self, node: &str, id: graph::TensorId) -> Result<Affine, LowerError> {
        let tensor = &self.graph.tensors[id];
        let Some(quantization) = &tensor.quantization else {
            return Err(LowerError::NotQuantized { node: node.into(), tensor: tensor.name.clone() });
        };
        let wrong =
            |why: String| LowerError::Quantization { node: node.into(), tensor: tensor.name.clone(), why };
        let (&[scale], &[zero_point]) = (&quantization.scales[..], &quantization.zero_points[..]) else {
            return Err(wrong(format!("an activation has {} scales", quantization.scales.len())));
        };
        if !scale.is_normal() || scale < 0.0 {
            return Err(wrong(format!("scale {scale} is no positive number")));
        }
        if i8::try_from(zero_point).is_err() {
            return Err(wrong(format!("zero point {zero_point} is outside -128 to 127")));
        }
        Ok(Affine { scale, zero_point })
    }

    /// Whether an activation is int16.
    pub(super) fn is_wide(&self, id: graph::TensorId) -> bool {
        self.graph.tensors[id].element == graph::Element::I16
    }

    /// The model's tensor for an activation or int8 constant of the graph.
    pub(super) fn activation(&mut self, node: &str, id: graph::TensorId) -> Result<TensorId, LowerError> {
        if let Some(placed) = self.tensors[id] {
            return Ok(placed);
        }
        let affine = self.affine(node, id)?;
        let tensor = &self.graph.tensors[id];
        let (data, element) = match (&tensor.data, tensor.element) {
            (None, graph::Element::I8) => (None, Element::I8),
            (None, graph::Element::I16) => (None, Element::I16),
            (Some(Data::I8(values)), _) => (Some(bytes_of_i8(values)), Element::I8),
            _ => {
                return Err(LowerError::NotQuantized { node: node.into(), tensor: tensor.name.clone() });
            }
        };
        let placed = self.push(Tensor {
            name: tensor.name.clone(),
            element,
            shape: shape_u32(&tensor.shape),
            scale_bits: affine.scale.to_bits(),
            zero_point: affine.zero_point as i8,
            data,
        });
        self.tensors[id] = Some(placed);
        Ok(placed)
    }

    /// As [`Builder::activation`], requantized when `id` does not have the scale and zero point `wanted`:
    /// a constant here, anything else by a table.
    pub(super) fn activation_as(
        &mut self,
        node: &graph::Node,
        id: graph::TensorId,
        wanted: Affine,
    ) -> Result<TensorId, LowerError> {
        let have = self.affine(&node.name, id)?;
        if have == wanted {
            return self.activation(&node.name, id);
        }
        let no_factor = || LowerError::Factor { node: node.name.clone() };
        let source = &self.graph.tensors[id];
        let name = format!("{}/requantized", source.name);
        if self.is_wide(id) {
            let factor = factor::rescale_factor(have.scale, wanted.scale).ok_or_else(no_factor)?;
            let placed = self.activation(&node.name, id)?;
            let requantized = self.intermediate_of(Element::I16, name.clone(), &source.shape, wanted);
            self.node(&name, Operator::Requantize { factor }, vec![placed], vec![requantized]);
            return Ok(requantized);
        }
        let table = table::fill(Unary::Requantize, have, wanted).ok_or_else(no_factor)?;
        if let Some(Data::I8(values)) = &source.data {
            let values: Vec<i8> = values.iter().map(|&value| table[usize::from(value as u8)]).collect();
            return Ok(self.constant_like(name, &source.shape, wanted, &values));
        }
        let placed = self.activation(&node.name, id)?;
        let requantized = self.intermediate(name.clone(), &source.shape, wanted);
        self.lookup(&name, placed, requantized, &table);
        Ok(requantized)
    }

    /// An int8 activation that the graph does not have.
    pub(super) fn intermediate(&mut self, name: String, shape: &[usize], affine: Affine) -> TensorId {
        self.intermediate_of(Element::I8, name, shape, affine)
    }

    fn intermediate_of(
        &mut self,
        element: Element,
        name: String,
        shape: &[usize],
        affine: Affine,
    ) -> TensorId {
        self.push(Tensor {
            name,
            element,
            shape: shape_u32(shape),
            scale_bits: affine.scale.to_bits(),
            zero_point: affine.zero_point as i8,
            data: None,
        })
    }

    /// A table look-up from one tensor to another.
    pub(super) fn lookup(&mut self, name: &str, input: TensorId, output: TensorId, table: &[i8; 256]) {
        let table = self.constant(format!("{name}/table"), Element::I8, &[256], bytes_of_i8(table));
        self.node(name, Operator::Lookup, vec![input, table], vec![output]);
    }

    /// A constant that the graph does not have.
    pub(super) fn constant(
        &mut self,
        name: String,
        element: Element,
        shape: &[usize],
        data: Vec<u8>,
    ) -> TensorId {
        let shape = shape_u32(shape);
        self.push(Tensor { name, element, shape, scale_bits: 0, zero_point: 0, data: Some(data) })
    }

    /// An int8 constant operand that the graph does not have in this form.
    pub(super) fn constant_like(
        &mut self,
        name: String,
        shape: &[usize],
        affine: Affine,
        values: &[i8],
    ) -> TensorId {
        self.push(Tensor {
            name,
            element: Element::I8,
            shape: shape_u32(shape),
            scale_bits: affine.scale.to_bits(),
            zero_point: affine.zero_point as i8,
            data: Some(bytes_of_i8(values)),
        })
    }

    /// Weights, whose scale is for display.
    pub(super) fn weights(&mut self, name: &str, shape: &[usize], scale: f32, values: &[i8]) -> TensorId {
        self.push(Tensor {
            name: name.into(),
            element: Element::I8,
            shape: shape_u32(shape),
            scale_bits: scale.to_bits(),
            zero_point: 0,
            data: Some(bytes_of_i8(values)),
        })
    }

    /// Adds an operator.
    pub(super) fn node(
        &mut self,
        name: &str,
        operator: Operator,
        inputs: Vec<TensorId>,
        outputs: Vec<TensorId>,
    ) {
        self.model.operators.push(Node { name: name.into(), operator, inputs, outputs });
    }

    /// Refuses nodes with too few or too many operands, so that indexing them is safe.
    pub(super) fn check_arity(&self, node: &graph::Node) -> Result<(), LowerError> {
        let inputs = match node.op {
            Op::Conv2d { .. }
            | Op::DepthwiseConv2d { .. }
            | Op::TransposeConv2d { .. }
            | Op::FullyConnected { .. } => 2..=3,
            Op::Add { .. } | Op::Mul { .. } | Op::Binary { .. } | Op::Prelu => 2..=2,
            Op::BatchMatmul { .. } => 2..=2,
            Op::Select | Op::Normalize { .. } => 3..=3,
            Op::Concatenate { .. } => 1..=usize::from(u16::MAX),
            _ => 1..=1,
        };
        if !inputs.contains(&node.inputs.len()) || node.outputs.len() != 1 {
            let (inputs, outputs) = (node.inputs.len(), node.outputs.len());
            return Err(operands(node, format!("{inputs} operands and {outputs} results do not fit it")));
        }
        Ok(())
    }

    fn push(&mut self, tensor: Tensor) -> TensorId {
        self.counted += 1;
        self.model.tensors.push(tensor);
        // Beyond the numbering the value is never used: `finish` refuses the model.
        (self.counted - 1).min(usize::from(u16::MAX)) as TensorId
    }
}

/// A [`LowerError::Operands`].
pub(super) fn operands(node: &graph::Node, why: String) -> LowerError {
    LowerError::Operands { node: node.name.clone(), operator: node.op.name(), why }
}

/// A number of the format's narrow fields.
pub(super) fn narrow<T: TryFrom<usize>>(
    node: &graph::Node,
    what: &str,
    value: usize,
) -> Result<T, LowerError> {
    T::try_from(value).map_err(|_| operands(node, format!("{what} of {value} is more than the format holds")))
}

/// Int8 values as bytes.
pub(super) fn bytes_of_i8(values: &[i8]) -> Vec<u8> {
    values.iter().map(|&value| value as u8).collect()
}

/// Int32 values as little-endian bytes.
pub(super) fn bytes_of_i32(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn shape_u32(shape: &[usize]) -> Vec<u32> {
    shape.iter().map(|&axis| u32::try_from(axis).unwrap_or(u32::MAX)).collect()
}
