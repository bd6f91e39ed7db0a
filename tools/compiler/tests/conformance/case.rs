//! One node case: `model.onnx`, and inputs and outputs as protobuf files beside it.

use std::path::Path;
use std::sync::Arc;

use ocelli_compiler::graph::Graph;
use prost::Message;
use tract_core::internal::{DatumType, Tensor};
use tract_onnx::pb::{ModelProto, TensorProto};
use tract_onnx::{data_resolver, tensor};

/// A case in memory.
pub struct Case {
    /// Name of its folder.
    pub name: String,
    proto: ModelProto,
    inputs: Vec<(TensorProto, Arc<Tensor>)>,
    outputs: Vec<Arc<Tensor>>,
}

impl Case {
    /// Reads a case, or says why it is of no use here.
    pub fn read(folder: &Path) -> Result<Case, String> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let proto = ModelProto::decode(&read(&folder.join("model.onnx"))?[..]).map_err(|e| e.to_string())?;
        let data = folder.join("test_data_set_0");
        let tensors = |what: &str| -> Result<Vec<(TensorProto, Arc<Tensor>)>, String> {
            (0..)
                .map(|index| data.join(format!("{what}_{index}.pb")))
                .take_while(|path| path.exists())
                .map(|path| {
                    let bytes = read(&path)?;
                    let not_a_tensor = || "operands that are no tensors".to_string();
                    let proto = TensorProto::decode(&bytes[..]).map_err(|_| not_a_tensor())?;
                    let tensor = tensor::load_tensor(&*data_resolver::default(), &proto, None);
                    tensor.map(|tensor| (proto, Arc::new(tensor))).map_err(|_| not_a_tensor())
                })
                .collect()
        };
        let outputs = tensors("output")?.into_iter().map(|(_, tensor)| tensor).collect();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Case { name, proto, inputs: tensors("input")?, outputs })
    }

    /// Its operators, but for constants.
    pub fn operators(&self) -> Vec<String> {
        let nodes = self.proto.graph.iter().flat_map(|graph| &graph.node);
        nodes.map(|node| node.op_type.clone()).filter(|operator| operator != "Constant").collect()
    }

    /// Whether one of its operators has an attribute of this value.
    pub fn has_attribute(&self, name: &str, value: &str) -> bool {
        let nodes = self.proto.graph.iter().flat_map(|graph| &graph.node);
        nodes.flat_map(|node| &node.attribute).any(|attribute| {
            attribute.name == name && (attribute.s == value.as_bytes() || attribute.i.to_string() == value)
        })
    }

    /// Places of its inputs of single precision.
    pub fn float_inputs(&self) -> Vec<usize> {
        let float = |index: &usize| self.inputs[*index].1.datum_type() == DatumType::F32;
        (0..self.inputs.len()).filter(float).collect()
    }

    /// Axes of the first input.
    pub fn rank(&self) -> usize {
        self.inputs.first().map_or(0, |(_, input)| input.rank())
    }

    /// Place of what the operator works on, the first input, if numbers of single precision come of it.
    pub fn first_float_input(&self) -> Result<usize, String> {
        const RESULTS: [DatumType; 3] = [DatumType::F32, DatumType::I32, DatumType::I64];
        if let Some(output) = self.outputs.iter().find(|output| !RESULTS.contains(&output.datum_type())) {
            return Err(format!("results of {:?}", output.datum_type()));
        }
        if self.outputs.iter().any(|output| output.len() == 0) {
            return Err("empty tensors".into());
        }
        let Some((_, first)) = self.inputs.first() else { return Err("no inputs".into()) };
        match (first.datum_type(), first.len()) {
            (_, 0) => Err("empty tensors".into()),
            (DatumType::F32, _) => Ok(0),
            (other, _) => Err(format!("inputs of {other:?}")),
        }
    }

    /// The file in which every input but those kept is a constant.
    pub fn model(&self, kept: &[usize]) -> Vec<u8> {
        let mut proto = self.proto.clone();
        let graph = proto.graph.as_mut().expect("a graph");
        let names: Vec<String> = graph.input.iter().map(|input| input.name.clone()).collect();
        for (index, (input, name)) in self.inputs.iter().zip(names).enumerate() {
            if !kept.contains(&index) {
                graph.input.retain(|other| other.name != name);
                graph.initializer.push(TensorProto { name, ..input.0.clone() });
            }
        }
        proto.encode_to_vec()
    }

    /// The values of the inputs that were kept, in the order in which the graph stores them.
    pub fn inputs_for(&self, graph: &Graph, kept: &[usize]) -> Vec<Vec<f32>> {
        kept.iter()
            .zip(&graph.input_orders)
            .map(|(&index, order)| stored(&self.inputs[index].1, order))
            .collect()
    }

    /// The expected outputs, in the order in which the graph stores them.
    pub fn outputs_for(&self, graph: &Graph) -> Vec<Vec<f32>> {
        self.outputs.iter().zip(&graph.output_orders).map(|(output, order)| stored(output, order)).collect()
    }
}

/// Values with their axes in another order.
fn stored(tensor: &Tensor, order: &[usize]) -> Vec<f32> {
    let floats = tensor.cast_to::<f32>().expect("numbers").into_owned();
    let moved =
        if order.len() == floats.rank() { floats.permute_axes(order).expect("an order") } else { floats };
    moved.to_plain_array_view::<f32>().expect("floats").iter().copied().collect()
}
