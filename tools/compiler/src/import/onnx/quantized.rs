//! Quantized ONNX, put into float operators and notes before tract sees the file.
//!
//! `DequantizeLinear` of a constant becomes an input of the real values, noted with its scales.
//! `QuantizeLinear` and `DequantizeLinear` of an activation become `Identity` nodes, noted with the scale that
//! holds there. Operators on integers (`QLinearConv` and its kin) are taken apart into these first. tract then
//! works out shapes as for any float model, and [`crate::import::settle`] makes the graph int8 again from the
//! notes.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

use super::NodeProblem;
use crate::graph::Quantization;
use crate::import::{ImportError, Problem};

mod constants;
mod operators;

pub(super) use operators::accepted;

use constants::{Constants, INT8, Integers, UINT8};

/// ONNX's element type FLOAT.
const FLOAT: i32 = 1;

/// What a file says about the integers behind its values.
#[derive(Default)]
pub(super) struct Notes {
    /// By name of an `Identity` node: how its value is stored. Zero points are those of int8.
    pub(super) activations: HashMap<String, Quantization>,
    /// By name of an input that tract sees: the constant that it stands for.
    pub(super) constants: HashMap<String, Stored>,
}

/// A quantized constant.
pub(super) struct Stored {
    /// The real values.
    pub(super) real: Vec<f32>,
    /// Extents as the file has them.
    pub(super) shape: Vec<usize>,
    /// How they are stored, zero points those of int8; `None` for biases, whose scale follows.
    pub(super) quantization: Option<Quantization>,
}

/// Takes quantization out of the file and into notes.
pub(super) fn take_out(file: &str, proto: &mut ModelProto) -> Result<Notes, ImportError> {
    let mut notes = Notes::default();
    let Some(graph) = &mut proto.graph else { return Ok(notes) };
    if !graph.node.iter().any(operators::is_quantized) {
        return Ok(notes);
    }
    let mut constants = Constants::of(graph);
    let mut problems = Vec::new();
    let mut refuse = |index: usize, node: &NodeProto, problem: String| {
        problems.push(NodeProblem {
            index,
            name: node.name.clone(),
            operator: node.op_type.clone(),
            inputs: node.input.clone(),
            outputs: node.output.clone(),
            problem: Problem::Form(problem),
        });
    };
    let mut plain = Vec::with_capacity(graph.node.len());
    for (index, node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        match operators::take_apart(&node, index, &mut constants) {
            Ok(Some(parts)) => plain.extend(parts.into_iter().map(|part| (index, part))),
            Ok(None) => plain.push((index, node)),
            Err(problem) => refuse(index, &node, problem),
        }
    }
    for (index, node) in plain {
        let result = match &*node.op_type {
            "QuantizeLinear" => quantize(&node, &mut constants, &mut notes),
            "DequantizeLinear" => dequantize(&node, &constants, &mut notes),
            _ => Ok(Some(node.clone())),
        };
        match result {
            Ok(kept) => graph.node.extend(kept),
            Err(problem) => refuse(index, &node, problem),
        }
    }
    if !problems.is_empty() {
        return Err(ImportError::Nodes { file: file.into(), nodes: problems });
    }
    real_inputs(graph, &notes);
    Ok(notes)
}

/// Integers of a constant, or a note about an activation.
fn quantize(
    node: &NodeProto,
    constants: &mut Constants,
    notes: &mut Notes,
) -> Result<Option<NodeProto>, String> {
    let [source, result] = ends(node)?;
    if let Some((values, dims)) = constants.floats(source) {
        let element = match node.input.get(2) {
            Some(zero) if !zero.is_empty() => constants.integers(zero)?.element,
            _ => UINT8,
        };
        let quantization = quantization(node, constants, element, &dims)?;
        let (low, high) = if element == UINT8 { (0, 255) } else { (-128, 127) };
        let channels = Channels::new(&dims, &quantization);
        let stored = values.iter().enumerate().map(|(index, value)| {
            let channel = channels.of(index);
            let steps = f64::from(*value) / f64::from(quantization.scales[channel]);
            (steps.round_ties_even() as i32)
                .saturating_add(quantization.zero_points[channel])
                .clamp(low, high)
        });
        let integers = Integers { values: stored.collect(), dims, element };
        constants.add_integers(result, integers);
        return Ok(None);
    }
    note(node, constants, notes).map(Some)
}

/// The real values of a constant, or a note about an activation.
fn dequantize(
    node: &NodeProto,
    constants: &Constants,
    notes: &mut Notes,
) -> Result<Option<NodeProto>, String> {
    let [source, result] = ends(node)?;
    if !constants.is_integer(source) {
        return note(node, constants, notes).map(Some);
    }
    let integers = constants.integers(source)?;
    let quantization = quantization(node, constants, integers.element, &integers.dims)?;
    let channels = Channels::new(&integers.dims, &quantization);
    let real = integers.values.iter().enumerate().map(|(index, &value)| {
        let channel = channels.of(index);
        let steps = i64::from(value) - i64::from(quantization.zero_points[channel]);
        quantization.scales[channel] * steps as f32
    });
    let real = real.collect();
    let quantization = match integers.element {
        INT8 | UINT8 => Some(as_int8(quantization, integers.element)),
        _ => None,
    };
    notes.constants.insert(result.into(), Stored { real, shape: integers.dims, quantization });
    Ok(None)
}

/// An `Identity` in the node's place, and what holds there.
fn note(node: &NodeProto, constants: &Constants, notes: &mut Notes) -> Result<NodeProto, String> {
    let [source, result] = ends(node)?;
    let element = match node.input.get(2) {
        Some(zero) if !zero.is_empty() => constants.integers(zero)?.element,
        _ => UINT8,
    };
    if !matches!(element, INT8 | UINT8) {
        return Err(format!("activations of element type {element}; int8 (3) and uint8 (2) are supported"));
    }
    let quantization = quantization(node, constants, element, &[])?;
    if quantization.scales.len() != 1 {
        return Err("an activation with one scale a channel; one scale is supported".into());
    }
    let name = format!("{}:{result}", node.op_type);
    notes.activations.insert(name.clone(), as_int8(quantization, element));
    Ok(NodeProto {
        input: vec![source.into()],
        output: vec![result.into()],
        op_type: "Identity".into(),
        name,
        ..NodeProto::default()
    })
}

/// Scales and zero points of a node, as the file states them.
fn quantization(
    node: &NodeProto,
    constants: &Constants,
    element: i32,
    dims: &[usize],
) -> Result<Quantization, String> {
    let number = |name: &str| node.attribute.iter().find(|a| a.name == name).map(|attribute| attribute.i);
    if number("block_size").is_some_and(|size| size != 0) {
        return Err("blocked quantization; one scale a tensor or a channel is supported".into());
    }
    let scale = node.input.get(1).ok_or("no scale")?;
    let (scales, _) = constants.floats(scale).ok_or_else(|| {
        format!(
            "the scale `{scale}` is computed; export the model with constant scales (static quantization)"
        )
    })?;
    if scales.is_empty() || scales.iter().any(|scale| !(scale.is_normal() && *scale > 0.0)) {
        return Err(format!("the scale `{scale}` holds what is no positive number"));
    }
    let zero_points = match node.input.get(2) {
        Some(zero) if !zero.is_empty() => {
            let zero_points = constants.integers(zero)?;
            if zero_points.element != element {
                return Err(format!("zero point of element type {} for {element}", zero_points.element));
            }
            zero_points.values
        }
        _ => vec![0],
    };
    let zero_points = match zero_points.len() {
        1 => vec![zero_points[0]; scales.len()],
        _ => zero_points,
    };
    if zero_points.len() != scales.len() {
        return Err(format!("{} scales with {} zero points", scales.len(), zero_points.len()));
    }
    let mut axis = 0;
    if scales.len() > 1 {
        let stated = number("axis").unwrap_or(1);
        let from_end = if stated < 0 { stated + dims.len() as i64 } else { stated };
        axis = usize::try_from(from_end).unwrap_or(usize::MAX);
        if !dims.is_empty() && dims.get(axis) != Some(&scales.len()) {
            return Err(format!("{} scales along axis {stated} of shape {dims:?}", scales.len()));
        }
    }
    Ok(Quantization { scales, zero_points, axis })
}

/// Uint8 counts from -128, which changes no real value.
fn as_int8(mut quantization: Quantization, element: i32) -> Quantization {
    if element == UINT8 {
        quantization.zero_points.iter_mut().for_each(|point| *point -= 128);
    }
    quantization
}

/// The channel of each value in row-major order.
struct Channels {
    run: usize,
    count: usize,
}

impl Channels {
    fn new(dims: &[usize], quantization: &Quantization) -> Self {
        let run = dims.iter().skip(quantization.axis + 1).product::<usize>().max(1);
        Self { run, count: quantization.scales.len() }
    }

    fn of(&self, index: usize) -> usize {
        index / self.run % self.count
    }
}

/// First operand and first result.
fn ends(node: &NodeProto) -> Result<[&str; 2], String> {
    match (node.input.first(), node.output.first()) {
        (Some(source), Some(result)) => Ok([source, result]),
        _ => Err("an operand or a result is missing".into()),
    }
}

/// Integer inputs are their real values, and constants join as inputs, which tract does not compute with.
fn real_inputs(graph: &mut GraphProto, notes: &Notes) {
    let constant: HashSet<&str> = graph.initializer.iter().map(|tensor| &*tensor.name).collect();
    for input in &mut graph.input {
        if constant.contains(&*input.name) {
            continue;
        }
        if let Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), .. }) = &mut input.r#type
            && matches!(tensor.elem_type, INT8 | UINT8)
        {
            tensor.elem_type = FLOAT;
        }
    }
    let mut names: Vec<&String> = notes.constants.keys().collect();
    names.sort_unstable();
    for name in names {
        let extent = |&extent: &usize| Dimension {
            value: Some(dimension::Value::DimValue(extent as i64)),
            ..Dimension::default()
        };
        let shape = TensorShapeProto { dim: notes.constants[name].shape.iter().map(extent).collect() };
        let tensor = type_proto::Tensor { elem_type: FLOAT, shape: Some(shape) };
        let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
        graph.input.push(ValueInfoProto {
            name: name.clone(),
            r#type: Some(r#type),
            ..ValueInfoProto::default()
        });
    }
}
