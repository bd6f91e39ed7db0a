//! What is checked in an ONNX file before tract sees it: numbers that would make it loop or allocate
//! without end, and files that cannot be meant for us.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

use crate::check::MAX_ELEMENTS;
use crate::import::ImportError;

/// Largest extent, stride, padding or axis that any real model states.
const MAX_ATTRIBUTE: i64 = 1 << 20;

pub(super) fn check_file(file: &str, proto: &ModelProto) -> Result<(), ImportError> {
    check_model(proto).map_err(|problem| ImportError::Model { file: file.into(), problem })
}

fn check_model(proto: &ModelProto) -> Result<(), String> {
    let Some(graph) = &proto.graph else { return Err("the file holds no graph".into()) };
    if graph.node.is_empty() {
        return Err("the graph has no operators; there is nothing to run".into());
    }
    if graph.output.is_empty() {
        return Err("the graph has no output".into());
    }
    check_graph(graph)?;
    check_sources(graph)
}

/// Every operand comes from somewhere, and no node waits for itself.
fn check_sources(graph: &GraphProto) -> Result<(), String> {
    let outer = graph
        .input
        .iter()
        .map(|input| &*input.name)
        .chain(graph.initializer.iter().map(|tensor| &*tensor.name));
    let mut there: HashSet<&str> = outer.chain([""]).collect();
    let made: HashSet<&str> = graph.node.iter().flat_map(|node| &node.output).map(|name| &**name).collect();
    let label =
        |node: &NodeProto| if node.name.is_empty() { node.output.concat() } else { node.name.clone() };
    for (index, node) in graph.node.iter().enumerate() {
        if let Some(name) =
            node.input.iter().find(|name| !there.contains(&***name) && !made.contains(&***name))
        {
            let node = label(node);
            return Err(format!(
                "node {index} `{node}`: nothing computes its operand `{name}`; export the model again"
            ));
        }
    }
    // How many operands each node waits for, and who waits for a name.
    let mut waits: Vec<usize> = Vec::with_capacity(graph.node.len());
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        let missing = node.input.iter().filter(|name| !there.contains(&***name));
        waits.push(missing.clone().count());
        missing.for_each(|name| readers.entry(name).or_default().push(index));
    }
    let mut ready: Vec<usize> = (0..waits.len()).filter(|&index| waits[index] == 0).collect();
    while let Some(index) = ready.pop() {
        for name in &graph.node[index].output {
            if there.insert(name) {
                for &reader in readers.get(&**name).into_iter().flatten() {
                    waits[reader] -= 1;
                    ready.extend((waits[reader] == 0).then_some(reader));
                }
            }
        }
    }
    let stuck: Vec<String> = graph
        .node
        .iter()
        .zip(&waits)
        .filter(|(_, waits)| **waits > 0)
        .map(|(node, _)| format!("`{}`", label(node)))
        .collect();
    match stuck.len() {
        0 => Ok(()),
        count => Err(format!(
            "{count} node(s) wait for each other, a cycle: {}; export the model again",
            stuck[..count.min(4)].join(", ")
        )),
    }
}

fn check_graph(graph: &GraphProto) -> Result<(), String> {
    for tensor in &graph.initializer {
        check_tensor(tensor).map_err(|problem| format!("tensor `{}`: {problem}", tensor.name))?;
    }
    for (index, node) in graph.node.iter().enumerate() {
        // tract forgets the factor behind the exponential; of 1 it makes no difference.
        let alpha = node.attribute.iter().find(|attribute| attribute.name == "alpha");
        if node.op_type == "Celu" && alpha.is_some_and(|alpha| alpha.f != 1.0) {
            return Err(format!(
                "node {index} `{}`, Celu: an alpha other than 1; export it as x / alpha, Elu, times alpha",
                node.name
            ));
        }
        for attribute in &node.attribute {
            check_attribute(attribute).map_err(|problem| {
                format!(
                    "node {index} `{}`, {}, attribute `{}`: {problem}",
                    node.name, node.op_type, attribute.name
                )
            })?;
        }
    }
    Ok(())
}

fn check_tensor(tensor: &TensorProto) -> Result<(), String> {
    let elements = tensor
        .dims
        .iter()
        .try_fold(1usize, |count, &extent| count.checked_mul(usize::try_from(extent).ok()?))
        .filter(|&count| count <= MAX_ELEMENTS)
        .ok_or_else(|| format!("shape {:?}", tensor.dims))?;
    let stated = tensor.raw_data.len()
        + tensor.float_data.len()
        + tensor.int32_data.len()
        + tensor.int64_data.len()
        + tensor.double_data.len()
        + tensor.uint64_data.len()
        + tensor.string_data.len();
    // The narrowest type has two elements a byte.
    if elements > 2 * stated {
        return Err(format!("shape {:?} with {stated} values", tensor.dims));
    }
    Ok(())
}

fn check_attribute(attribute: &AttributeProto) -> Result<(), String> {
    if attribute.g.is_some() || !attribute.graphs.is_empty() {
        return Err(
            "a graph inside a node (If, Loop, Scan) is not supported; export the model without control flow \
                    (in PyTorch traced, not scripted)"
                .into(),
        );
    }
    if let Some(tensor) = &attribute.t {
        check_tensor(tensor)?;
    }
    for tensor in &attribute.tensors {
        check_tensor(tensor)?;
    }
    let geometry =
        ["perm", "axes", "axis", "pads", "strides", "dilations", "kernel_shape", "group", "output_shape"];
    if geometry.contains(&&*attribute.name) {
        let numbers = || attribute.ints.iter().chain([&attribute.i]);
        if let Some(number) = numbers().find(|number| number.unsigned_abs() > MAX_ATTRIBUTE.unsigned_abs()) {
            return Err(format!("{number}"));
        }
    }
    if attribute.name == "perm" {
        let mut sorted = attribute.ints.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..sorted.len() as i64) {
            return Err(format!("{:?} is no permutation", attribute.ints));
        }
    }
    Ok(())
}
