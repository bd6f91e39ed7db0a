//! ONNX import: tract parses the file and works out every shape; its typed operators become ours.
//!
//! ONNX images are `[N, C, H, W]`, ours `[N, H, W, C]`. No transposes are inserted: each value knows in
//! which order its axes are stored, constants are permuted here, and where an order cannot be carried
//! on the node is refused.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_core::internal::{DatumType, TractResult};
use tract_core::model::TypedModel;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{Framework, InferenceModelExt};
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact, InferenceModel};

use super::InputShape;
use super::settle::settle;
use super::{ImportError, NodeProblem, Problem};
use crate::detector::Decoded;
use crate::graph::{Graph, Op};

pub(super) mod accepted;
mod arithmetic;
mod external;
mod file;
mod layout;
mod lower;
mod matrix;
mod moves;
mod quantized;
mod reduce;
mod reshape;
mod resize;
mod shape;
mod tail;
mod windows;

pub(super) fn import(file: &str, bytes: &[u8], shapes: &[InputShape]) -> Result<Graph, ImportError> {
    let malformed = |problem: String| ImportError::Malformed { file: file.into(), problem };
    // What the file says of shapes beyond its inputs is worked out anew: a free batch stands in it too.
    let onnx = tract_onnx::onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
    let mut proto = guard(|| onnx.proto_model_for_read(&mut &bytes[..])).map_err(malformed)?;
    external::load(file, &mut proto)?;
    file::check_file(file, &proto)?;
    let notes = quantized::take_out(file, &mut proto)?;
    let mut warnings = Vec::new();
    let mut model = guard(|| onnx.model_for_proto_model(&proto)).map_err(malformed)?;
    refuse_unknown(file, &proto, &model)?;
    fix_inputs(file, &mut model, &notes, shapes, &mut warnings)?;
    let mut typed = guard(|| model.into_typed()).map_err(|problem| ImportError::Model {
        file: file.into(),
        problem: format!("shapes cannot be worked out: {problem}; export the model with fixed shapes"),
    })?;

    // The parts of a head get scales of their own, which integers of the file would not fit.
    let is_float = notes.activations.is_empty() && notes.constants.is_empty();
    let decoded = if is_float { cut_tail(&mut typed, &mut warnings) } else { None };
    let operators = operator_types(&proto);
    // Nearly every file has [N, C, H, W] inputs; one converted from TensorFlow may transpose first.
    let lowered = |channels_first| lower::lower(file, &typed, &operators, &notes, channels_first);
    let mut graph = match lowered(true) {
        Ok(graph) if transposes(&graph) == 0 => graph,
        Ok(graph) => {
            lowered(false).ok().filter(|other| transposes(other) < transposes(&graph)).unwrap_or(graph)
        }
        Err(error) => lowered(false).map_err(|_| error)?,
    };
    if decoded.is_some() {
        // Nobody asked for the heads themselves, so nobody minds how they are stored.
        graph.warnings.retain(|warning| !warning.starts_with("output "));
    }
    graph.warnings.splice(0..0, warnings);
    graph.decoded = decoded;
    settle(&mut graph);
    crate::check::check(&graph).map_err(|problem| ImportError::Model { file: file.into(), problem })?;
    Ok(graph)
}

/// How often the graph moves numbers for no other reason than their order.
fn transposes(graph: &Graph) -> usize {
    graph.nodes.iter().filter(|node| matches!(node.op, Op::Transpose { .. })).count()
}

/// tract is built for files that somebody means well with; a panic of its is one more kind of bad file.
fn guard<T>(step: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err("the parser stopped unexpectedly".into()),
    }
}

/// Cuts off the decoding of boxes where it is recognised; the heads become the outputs.
fn cut_tail(model: &mut TypedModel, warnings: &mut Vec<String>) -> Option<Decoded> {
    let found = catch_unwind(AssertUnwindSafe(|| tail::find(model)));
    match found.unwrap_or_else(|_| Err("the decoding of boxes could not be run".into())) {
        Ok(cut) => {
            let cut = cut?;
            model.outputs = cut.heads;
            let (heads, decoder) = (cut.decoded.heads.len(), cut.decoded.spelling.decoder);
            warnings.push(format!("the graph decodes boxes of {heads} heads ({decoder:?}); the output contract does so from now on"));
            Some(Decoded::Heads(cut.decoded))
        }
        Err(problem) => {
            warnings.push(format!(
                "the end of the graph looks like the decoding of boxes and stays, because {problem}"
            ));
            None
        }
    }
}

/// All operators that tract does not know, at once.
fn refuse_unknown(file: &str, proto: &ModelProto, model: &InferenceModel) -> Result<(), ImportError> {
    let types = operator_types(proto);
    let nodes: Vec<NodeProblem> = model
        .nodes
        .iter()
        .filter(|node| node.op.name().starts_with("Unimplemented"))
        .map(|node| NodeProblem {
            index: node.id,
            name: node.name.clone(),
            operator: operator_type(&types, &node.name).unwrap_or_else(|| node.op.name().to_string()),
            inputs: node.inputs.iter().map(|input| model.nodes[input.node].name.clone()).collect(),
            outputs: Vec::new(),
            problem: Problem::Operator,
        })
        .collect();
    if nodes.is_empty() { Ok(()) } else { Err(ImportError::Nodes { file: file.into(), nodes }) }
}

/// A free batch becomes 1; any other free extent needs one of `shapes`.
fn fix_inputs(
    file: &str,
    model: &mut InferenceModel,
    notes: &quantized::Notes,
    shapes: &[InputShape],
    warnings: &mut Vec<String>,
) -> Result<(), ImportError> {
    let names: Vec<&String> = model.inputs.iter().map(|input| &model.nodes[input.node].name).collect();
    if let Some((wanted, _)) =
        shapes.iter().find(|(wanted, _)| !wanted.is_empty() && !names.contains(&wanted))
    {
        let problem =
            format!("there is no input `{wanted}`, for which a shape is given; there are {names:?}");
        return Err(ImportError::Model { file: file.into(), problem });
    }
    for index in 0..model.inputs.len() {
        let name = model.nodes[model.inputs[index].node].name.clone();
        if notes.constants.contains_key(&name) {
            continue;
        }
        let fail = |problem: String| {
            Err(ImportError::Tensor { file: file.into(), index, name: name.clone(), problem })
        };
        let Ok(fact) = model.input_fact(index).cloned() else { return fail("no shape".into()) };
        if fact.datum_type.concretize() != Some(DatumType::F32) {
            return fail(format!(
                "input of {:?}; floats, and int8 or uint8 that go into DequantizeLinear, are supported",
                fact.datum_type
            ));
        }
        let given = shapes.iter().find(|(wanted, _)| *wanted == name || wanted.is_empty() && index == 0);
        let stated = fact.shape.dims().count();
        if let Some((_, given)) = given
            && !fact.shape.is_open()
            && stated != given.len()
        {
            return fail(format!("{given:?} is given for a shape of {stated} axes"));
        }
        let mut extents = Vec::new();
        for (axis, dim) in fact.shape.dims().enumerate() {
            let extent =
                dim.concretize().and_then(|dim| dim.to_i64().ok()).and_then(|dim| usize::try_from(dim).ok());
            let given = given.and_then(|(_, given)| given.get(axis)).copied();
            match extent {
                Some(extent) if extent > 0 && given.is_some_and(|given| given != extent) => {
                    return fail(format!("extent {axis} is {extent} in the file and another one is given"));
                }
                Some(extent) if extent > 0 => extents.push(extent),
                None if given.is_some_and(|given| given > 0) => extents.extend(given),
                None if axis == 0 => {
                    warnings.push(format!("input `{name}`: the batch is free in the file; it becomes 1"));
                    extents.push(1);
                }
                _ => {
                    return fail(format!(
                        "dynamic or empty shape {:?}; give one (`--input-shape {name}=1,3,224,224`) or export the model \
                         with a fixed input size",
                        fact.shape
                    ));
                }
            }
        }
        if let (true, Some((_, given))) = (extents.is_empty() && fact.shape.is_open(), given) {
            extents.extend(given);
        }
        if extents.is_empty() {
            return fail(format!("dynamic shape {:?}; export the model with a fixed input size", fact.shape));
        }
        let fixed = InferenceFact::dt_shape(DatumType::F32, extents);
        if let Err(error) = model.set_input_fact(index, fixed) {
            return fail(format!("{error:#}"));
        }
    }
    Ok(())
}

/// ONNX operator types by node name.
fn operator_types(proto: &ModelProto) -> HashMap<String, String> {
    let nodes = proto.graph.iter().flat_map(|graph| &graph.node);
    nodes
        .flat_map(|node| {
            // Unnamed nodes go by their first result's name.
            let names = [Some(&node.name), node.output.first()];
            names.into_iter().flatten().map(|name| (name.clone(), node.op_type.clone())).collect::<Vec<_>>()
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// tract expands a node `x` into `x`, `x.low` and the like.
fn operator_type(types: &HashMap<String, String>, name: &str) -> Option<String> {
    let mut prefix = name;
    loop {
        if let Some(operator) = types.get(prefix) {
            return Some(operator.clone());
        }
        prefix = &prefix[..prefix.rfind('.')?];
    }
}

/// What lowering needs of tract's model.
fn concrete_shape(model: &TypedModel, outlet: tract_core::model::OutletId) -> Result<Vec<usize>, Problem> {
    let fact = model.outlet_fact(outlet).map_err(|error| Problem::Invalid(format!("{error:#}")))?;
    match fact.shape.as_concrete() {
        Some(shape) => Ok(shape.to_vec()),
        None => Err(Problem::Form(format!("dynamic shape {:?}", fact.shape))),
    }
}
