//! The walk over tract's typed model: constants set aside, every other node translated once.

use std::collections::HashMap;
use std::sync::Arc;

use tract_core::internal::{DatumType, IntoArcTensor, TValue, Tensor as TractTensor, TractResult};
use tract_core::model::{OutletId, TypedModel, TypedNode};
use tract_core::ops::array::{Gather, MultiBroadcastTo, Pad, Slice, StridedSlice, Tile, TypedConcat};
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::change_axes::AxisOp;
use tract_core::ops::cnn::{Conv, Deconv, MaxPool, SumPool};
use tract_core::ops::downsample::Downsample;
use tract_core::ops::einsum::EinSum;
use tract_core::ops::element_wise::ElementWiseOp;
use tract_core::ops::logic::Iff;
use tract_core::ops::nn::{Reduce, Softmax};

use tract_onnx_opl::lrn::Lrn;

use super::layout::{Layout, NCHW_AS_NHWC, Pending, Value, numbers, permuted, same_memory, transpose};
use super::moves::place;
use super::quantized::{Notes, Stored};
use super::{accepted, concrete_shape, operator_type};
use crate::check::check_node;
use crate::graph::{Activation, Data, Element, Graph, Node, Op, Quantization, Tensor, TensorId, Unary};
use crate::import::{ImportError, NodeProblem, Problem};

/// Translates a typed model; `channels_first` says how images among the inputs are ordered.
pub(super) fn lower(
    file: &str,
    model: &TypedModel,
    operators: &HashMap<String, String>,
    notes: &Notes,
    channels_first: bool,
) -> Result<Graph, ImportError> {
    let mut lowering = Lowering::new(model, operators, notes);
    let invalid = |problem: String| ImportError::Model { file: file.into(), problem };
    for (index, &outlet) in model.inputs.iter().enumerate() {
        if let Some(stored) = notes.constants.get(&model.node(outlet.node).name) {
            lowering.stored(outlet, stored).map_err(|error| invalid(format!("{error:#}")))?;
            continue;
        }
        lowering
            .input(outlet, channels_first)
            .map_err(|problem| invalid(format!("input {index}: {problem:?}")))?;
    }
    let order = model.eval_order().map_err(|error| invalid(format!("{error:#}")))?;
    let mut problems = Vec::new();
    for id in order {
        let node = model.node(id);
        let read =
            |outlet: &OutletId| lowering.values.contains_key(outlet) || lowering.constant(*outlet).is_some();
        if model.inputs.contains(&OutletId::new(id, 0)) {
            continue;
        }
        // What a refused node would have computed is no problem of its own, but its readers may be.
        let result = match node.inputs.iter().all(read) {
            true => lowering.node(node),
            false if known(node) => Ok(()),
            false => Err(Problem::Operator),
        };
        if let Err(problem) = result {
            problems.push(NodeProblem {
                index: id,
                name: node.name.clone(),
                operator: operator_type(operators, &node.name).unwrap_or_else(|| node.op.name().to_string()),
                inputs: node.inputs.iter().map(|&input| describe(model, input)).collect(),
                outputs: (0..node.outputs.len())
                    .map(|slot| describe(model, OutletId::new(id, slot)))
                    .collect(),
                problem,
            });
        }
    }
    if !problems.is_empty() {
        return Err(ImportError::Nodes { file: file.into(), nodes: problems });
    }
    for (index, &outlet) in model.outputs.iter().enumerate() {
        lowering.output(outlet).map_err(|problem| match problem {
            Problem::Form(why) | Problem::Invalid(why) => invalid(format!("output {index}: {why}")),
            Problem::Operator => invalid(format!("output {index} is not computed")),
        })?;
    }
    Ok(lowering.graph)
}

/// Whether [`Lowering::node`] has a translation for this kind of node.
fn known(node: &TypedNode) -> bool {
    let op = &*node.op;
    op.is::<Conv>()
        || op.is::<Deconv>()
        || op.is::<MaxPool>()
        || op.is::<SumPool>()
        || op.is::<EinSum>()
        || op.is::<TypedBinOp>()
        || op.is::<ElementWiseOp>()
        || op.is::<Iff>()
        || op.is::<Reduce>()
        || op.is::<Lrn>()
        || op.is::<Softmax>()
        || op.is::<AxisOp>()
        || op.is::<TypedConcat>()
        || op.is::<Pad>()
        || op.is::<Slice>()
        || op.is::<StridedSlice>()
        || op.is::<Downsample>()
        || op.is::<Gather>()
        || op.is::<MultiBroadcastTo>()
        || op.is::<Tile>()
        || matches!(&*op.name(), "Resize" | "Identity" | "Cast" | "Dropout")
}

/// `name type[shape]`, for messages.
fn describe(model: &TypedModel, outlet: OutletId) -> String {
    match model.outlet_fact(outlet) {
        Ok(fact) => {
            let axes: Vec<String> = fact.shape.iter().map(ToString::to_string).collect();
            format!("`{}` {:?}[{}]", model.node(outlet.node).name, fact.datum_type, axes.join(", "))
        }
        Err(_) => format!("`{}`", model.node(outlet.node).name),
    }
}

pub(super) struct Lowering<'a> {
    pub(super) model: &'a TypedModel,
    operators: &'a HashMap<String, String>,
    pub(super) graph: Graph,
    values: HashMap<OutletId, Value>,
    constants: HashMap<OutletId, Arc<TractTensor>>,
    /// How constants are stored in the file, along the axes that ONNX sees.
    quantizations: HashMap<OutletId, Quantization>,
    notes: &'a Notes,
}

impl<'a> Lowering<'a> {
    fn new(model: &'a TypedModel, operators: &'a HashMap<String, String>, notes: &'a Notes) -> Self {
        Self {
            model,
            operators,
            graph: Graph::default(),
            values: HashMap::new(),
            constants: HashMap::new(),
            quantizations: HashMap::new(),
            notes,
        }
    }

    /// A constant that tract sees as an input.
    fn stored(&mut self, outlet: OutletId, stored: &Stored) -> TractResult<()> {
        let tensor = TractTensor::from_shape(&stored.shape, &stored.real)?;
        self.constants.insert(outlet, tensor.into_arc_tensor());
        if let Some(quantization) = &stored.quantization {
            self.quantizations.insert(outlet, quantization.clone());
        }
        Ok(())
    }

    fn input(&mut self, outlet: OutletId, channels_first: bool) -> Result<(), Problem> {
        let shape = self.shape(outlet)?;
        let order: Vec<usize> = match shape.len() {
            4 if channels_first => NCHW_AS_NHWC.into(),
            3 if channels_first && self.is_signal(outlet) => vec![0, 2, 1],
            rank => (0..rank).collect(),
        };
        let name = self.model.node(outlet.node).name.clone();
        if shape.len() == 4 && channels_first {
            self.graph
                .warnings
                .push(format!("input `{name}`: {shape:?} in the file, stored as [N, H, W, C]"));
        }
        let tensor = self.activation(name, permuted(&shape, &order));
        self.graph.inputs.push(tensor);
        self.graph.input_orders.push(order.clone());
        self.values.insert(outlet, Value { tensor, layout: Layout::Axes(order), pending: Pending::None });
        Ok(())
    }

    /// Whether a window slides along an input of three axes.
    fn is_signal(&self, outlet: OutletId) -> bool {
        let readers = &self.model.node(outlet.node).outputs[outlet.slot].successors;
        readers.iter().any(|reader| {
            let op = &*self.model.node(reader.node).op;
            op.is::<Conv>() || op.is::<Deconv>() || op.is::<MaxPool>() || op.is::<SumPool>()
        })
    }

    fn node(&mut self, node: &TypedNode) -> Result<(), Problem> {
        let outlet = OutletId::new(node.id, 0);
        if self.constant(outlet).is_some() || self.fold(node)? {
            return Ok(());
        }
        let source = operator_type(self.operators, &node.name);
        if source.is_some_and(|operator| !accepted::contains(&operator)) {
            return Err(Problem::Operator);
        }
        let op = &*node.op;
        let value = if let Some(op) = op.downcast_ref::<Conv>() {
            self.conv(node, op)?
        } else if let Some(op) = op.downcast_ref::<Deconv>() {
            self.transpose_conv(node, op)?
        } else if let Some(op) = op.downcast_ref::<MaxPool>() {
            self.max_pool(node, op)?
        } else if let Some(op) = op.downcast_ref::<SumPool>() {
            self.average_pool(node, op)?
        } else if let Some(op) = op.downcast_ref::<EinSum>() {
            self.product(node, op)?
        } else if let Some(op) = op.downcast_ref::<TypedBinOp>() {
            self.binary(node, op.0.name())?
        } else if let Some(op) = op.downcast_ref::<ElementWiseOp>() {
            self.element_wise(node, op)?
        } else if op.is::<Iff>() {
            self.select(node)?
        } else if let Some(op) = op.downcast_ref::<Reduce>() {
            self.reduce(node, op)?
        } else if let Some(op) = op.downcast_ref::<Lrn>() {
            self.local_response(node, op)?
        } else if let Some(op) = op.downcast_ref::<Softmax>() {
            self.softmax(node, op)?
        } else if let Some(op) = op.downcast_ref::<AxisOp>() {
            self.axis_op(node, op)?
        } else if let Some(op) = op.downcast_ref::<TypedConcat>() {
            self.concatenate(node, op.axis)?
        } else if let Some(op) = op.downcast_ref::<Pad>() {
            self.pad(node, op)?
        } else if let Some(op) = op.downcast_ref::<Slice>() {
            self.slice(node, op)?
        } else if let Some(op) = op.downcast_ref::<StridedSlice>() {
            self.strided_slice(node, op)?
        } else if let Some(op) = op.downcast_ref::<Downsample>() {
            self.downsample(node, op)?
        } else if let Some(op) = op.downcast_ref::<Gather>() {
            self.gather(node, op.axis)?
        } else if op.is::<MultiBroadcastTo>() {
            self.broadcast_to(node)?
        } else if let Some(op) = op.downcast_ref::<Tile>() {
            self.tile(node, op)?
        } else if op.name() == "Resize" {
            self.resize(node)?
        } else if let Some(quantization) = self.notes.activations.get(&node.name) {
            let value = self.settled(node.inputs[0])?;
            let shape = self.graph.tensors[value.tensor].shape.clone();
            let op = Op::Unary(Unary::Requantize);
            let tensor = self.emit(&node.name, op, vec![value.tensor], shape)?;
            self.graph.tensors[tensor].quantization = Some(quantization.clone());
            Value { tensor, ..value }
        } else if self.passes_on(node)? {
            self.value(node.inputs[0])?
        } else {
            return Err(Problem::Operator);
        };
        self.values.insert(outlet, value);
        Ok(())
    }

    /// Nodes that read constants alone are run here and now.
    fn fold(&mut self, node: &TypedNode) -> Result<bool, Problem> {
        let Some(inputs) = node
            .inputs
            .iter()
            .map(|&input| self.constant(input).map(TValue::from_const))
            .collect::<Option<_>>()
        else {
            return Ok(false);
        };
        let results =
            node.op.eval_out_of_plan(inputs).map_err(|error| Problem::Invalid(format!("{error:#}")))?;
        let Some(results) = results else { return Ok(false) };
        let moved = self.moved_quantization(node);
        for (slot, result) in results.into_iter().enumerate() {
            if let Some(quantization) = &moved {
                self.quantizations.insert(OutletId::new(node.id, slot), quantization.clone());
            }
            self.constants.insert(OutletId::new(node.id, slot), result.into_arc_tensor());
        }
        Ok(true)
    }

    /// How the result of moving a quantized constant is stored.
    fn moved_quantization(&self, node: &TypedNode) -> Option<Quantization> {
        let mut quantization = self.quantizations.get(node.inputs.first()?)?.clone();
        let axis = quantization.axis;
        match node.op.downcast_ref::<AxisOp>() {
            Some(_) if quantization.scales.len() == 1 => {}
            Some(&AxisOp::Add(added)) => quantization.axis += usize::from(added <= axis),
            Some(&AxisOp::Rm(removed)) => quantization.axis -= usize::from(removed < axis),
            Some(&AxisOp::Move(from, to)) => {
                let mut order: Vec<usize> = (0..node.outputs[0].fact.rank()).collect();
                let moved = order.remove(from);
                order.insert(to, moved);
                quantization.axis = order.iter().position(|&old| old == axis)?;
            }
            Some(AxisOp::Reshape(..)) => return None,
            None if matches!(&*node.op.name(), "Identity" | "Cast") => {}
            None => return None,
        }
        Some(quantization)
    }

    /// Notes how weights are stored whose axis `channel_axis` in the file is the one of output channels.
    pub(super) fn note_weights(
        &mut self,
        weights: TensorId,
        outlet: OutletId,
        channel_axis: usize,
        axis: usize,
    ) {
        if let Some(quantization) = self.quantizations.get(&outlet)
            && (quantization.scales.len() == 1 || quantization.axis == channel_axis)
        {
            self.graph.tensors[weights].quantization = Some(Quantization { axis, ..quantization.clone() });
        }
    }

    fn output(&mut self, outlet: OutletId) -> Result<(), Problem> {
        let value = self.settled(outlet)?;
        let shape = self.shape(outlet)?;
        let natural: Vec<usize> = (0..shape.len()).collect();
        let mut order = value.order()?.to_vec();
        let name = self.model.outlet_label(outlet).unwrap_or(&self.model.node(outlet.node).name).to_string();
        let mut tensor = value.tensor;
        if shape.len() != 4 && same_memory(&shape, &order, &natural) {
            tensor = self.arrange(&value, &shape, &natural)?;
            order = natural;
        } else if order != natural {
            self.graph
                .warnings
                .push(format!("output `{name}`: {shape:?} in the file, stored in the order {order:?}"));
        }
        if self.graph.inputs.contains(&tensor) || self.graph.tensors[tensor].data.is_some() {
            return Err(Problem::Invalid("not computed by any node".into()));
        }
        self.graph.tensors[tensor].name = name;
        self.graph.outputs.push(tensor);
        self.graph.output_orders.push(order);
        Ok(())
    }

    // What the translations of operators are written with.

    pub(super) fn shape(&self, outlet: OutletId) -> Result<Vec<usize>, Problem> {
        concrete_shape(self.model, outlet)
    }

    /// The value of a constant, whether the file states it or it follows from constants.
    pub(super) fn constant(&self, outlet: OutletId) -> Option<Arc<TractTensor>> {
        if let Some(tensor) = self.constants.get(&outlet) {
            return Some(tensor.clone());
        }
        self.model.outlet_fact(outlet).ok().and_then(|fact| fact.konst.clone())
    }

    /// An activation as it is, with what is pending.
    pub(super) fn value(&self, outlet: OutletId) -> Result<Value, Problem> {
        match self.values.get(&outlet) {
            Some(value) => Ok(value.clone()),
            None => Err(Problem::Form(format!(
                "`{}` is a constant where an activation is expected",
                self.model.node(outlet.node).name
            ))),
        }
    }

    /// An activation with nothing pending, its axes those that ONNX sees.
    pub(super) fn settled(&mut self, outlet: OutletId) -> Result<Value, Problem> {
        let mut value = self.settled_flat(outlet)?;
        let Layout::Flattened { shape, order } = value.layout.clone() else { return Ok(value) };
        let rows = self.graph.tensors[value.tensor].shape[0];
        let apart = |shape: Vec<usize>| [vec![rows], shape].concat();
        let flattened = self.graph.tensors[value.tensor].shape.clone();
        let name = format!("{}.axes", self.graph.tensors[value.tensor].name);
        let image = apart(permuted(&shape, &order));
        let image = self.emit(&name, Op::Reshape, vec![value.tensor], image)?;
        let back = (0..shape.len()).map(|axis| 1 + order.iter().position(|&o| o == axis).unwrap_or(axis));
        let back = Op::Transpose { order: std::iter::once(0).chain(back).collect() };
        let image = self.emit(&name, back, vec![image], apart(shape))?;
        value.tensor = self.emit(&name, Op::Reshape, vec![image], flattened)?;
        value.layout = Layout::Axes(vec![0, 1]);
        self.values.insert(outlet, value.clone());
        Ok(value)
    }

    /// An activation with nothing pending; an image that was flattened may be in an order of its own.
    pub(super) fn settled_flat(&mut self, outlet: OutletId) -> Result<Value, Problem> {
        let mut value = self.value(outlet)?;
        let name = self.model.node(outlet.node).name.clone();
        let op = match value.pending {
            Pending::None => return Ok(value),
            Pending::Clamp(0.0, f32::INFINITY) => Op::Unary(Unary::Relu),
            Pending::Clamp(0.0, 6.0) => Op::Unary(Unary::Relu6),
            Pending::Clamp(-1.0, 1.0) => Op::Unary(Unary::ReluN1To1),
            Pending::Clamp(low, high) => Op::Unary(Unary::Clip { low, high }),
            Pending::Scale(_) => Op::Mul { activation: Activation::Linear },
        };
        let mut inputs = vec![value.tensor];
        if let Pending::Scale(factor) = value.pending {
            if let Some(tensor) = self.as_sum(&name, value.tensor, factor) {
                (value.tensor, value.pending) = (tensor, Pending::None);
                self.values.insert(outlet, value.clone());
                return Ok(value);
            }
            inputs.push(self.float(format!("{name}.factor"), vec![1], vec![factor]));
        }
        let shape = self.graph.tensors[value.tensor].shape.clone();
        value.tensor = self.emit(&name, op, inputs, shape)?;
        value.pending = Pending::None;
        self.values.insert(outlet, value.clone());
        Ok(value)
    }

    /// A settled value stored in the order that is wanted: by a reshape when memory is the same, else by a
    /// transpose.
    pub(super) fn arrange(
        &mut self,
        value: &Value,
        shape: &[usize],
        order: &[usize],
    ) -> Result<TensorId, Problem> {
        let stored = value.order()?;
        if stored == order {
            return Ok(value.tensor);
        }
        let op = match same_memory(shape, stored, order) {
            true => Op::Reshape,
            false => {
                let order = order.iter().map(|&axis| place(stored, axis)).collect::<Result<_, _>>()?;
                Op::Transpose { order }
            }
        };
        let name = format!("{}.axes", self.graph.tensors[value.tensor].name);
        self.emit(&name, op, vec![value.tensor], permuted(shape, order))
    }

    /// Adds a checked node and its result.
    pub(super) fn emit(
        &mut self,
        name: &str,
        op: Op,
        inputs: Vec<TensorId>,
        shape: Vec<usize>,
    ) -> Result<TensorId, Problem> {
        let output = self.activation(name.into(), shape);
        let node = Node { name: name.into(), op, inputs, outputs: vec![output] };
        check_node(&self.graph, &node).map_err(Problem::Form)?;
        self.graph.nodes.push(node);
        Ok(output)
    }

    /// A float constant.
    pub(super) fn float(&mut self, name: String, shape: Vec<usize>, values: Vec<f32>) -> TensorId {
        let data = Some(Data::F32(values));
        self.graph.tensors.push(Tensor { name, shape, quantization: None, element: Element::F32, data });
        self.graph.tensors.len() - 1
    }

    /// A constant of the ONNX graph stored in some order.
    pub(super) fn stored_constant(&mut self, outlet: OutletId, order: &[usize]) -> Result<TensorId, Problem> {
        let tensor = self.constant(outlet).ok_or_else(|| Problem::Form("not a constant".into()))?;
        if tensor.rank() != order.len() {
            return Err(Problem::Invalid(format!(
                "a constant of shape {:?} for order {order:?}",
                tensor.shape()
            )));
        }
        let values = transpose(&numbers(&tensor)?, tensor.shape(), order);
        let shape = permuted(tensor.shape(), order);
        let id = self.float(self.model.node(outlet.node).name.clone(), shape, values);
        if let Some(quantization) = self.quantizations.get(&outlet).filter(|q| q.scales.len() == 1) {
            self.graph.tensors[id].quantization = Some(quantization.clone());
        }
        Ok(id)
    }

    fn activation(&mut self, name: String, shape: Vec<usize>) -> TensorId {
        self.graph.tensors.push(Tensor {
            name,
            shape,
            quantization: None,
            element: Element::F32,
            data: None,
        });
        self.graph.tensors.len() - 1
    }

    /// Whether the first result is the first operand; a mask that dropout also states must not be read.
    fn passes_on(&self, node: &TypedNode) -> Result<bool, Problem> {
        let fact =
            |outlet| self.model.outlet_fact(outlet).map_err(|error| Problem::Invalid(format!("{error:#}")));
        Ok(match &*node.op.name() {
            "Identity" => true,
            // Whether a comparison holds is 0 or 1 already, and places are whole; what is real keeps its value.
            "Cast" => {
                let (from, to) =
                    (fact(node.inputs[0])?.datum_type, fact(OutletId::new(node.id, 0))?.datum_type);
                let whole = from == DatumType::Bool || from == DatumType::I64;
                whole || from == to || from.is_float() && to.is_float()
            }
            "Dropout" => node.outputs[1..].iter().all(|mask| mask.successors.is_empty()),
            _ => false,
        })
    }
}
