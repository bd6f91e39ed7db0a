//! Export: a float graph becomes a TFLite file that [`crate::import`] reads back without loss.
//!
//! What training leaves goes out this way, so that it enters `convert`, `diff` and `eval --float` as any other model
//! does, and other people's tools as well. Weights keep every bit: the graph's layouts are TFLite's.

use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};
use tract_tflite::tflite::{self, BuiltinOperator, TensorType};

use crate::graph::{Data, Graph, Node, TensorId};

mod operators;

/// Why a graph has no TFLite form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node {node:?} ({operator}) cannot be written as TFLite: {problem}")]
pub struct ExportError {
    /// Name of the node.
    pub node: String,
    /// Its operator.
    pub operator: &'static str,
    /// What does not fit.
    pub problem: String,
}

/// The bytes of a TFLite file with this float graph.
///
/// # Errors
/// [`ExportError`] for operators that TFLite lacks, and for quantized graphs.
pub fn tflite(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    let mut writer = Writer {
        graph,
        builder: FlatBufferBuilder::new(),
        codes: Vec::new(),
        operators: Vec::new(),
        extra: Vec::new(),
    };
    for node in &graph.nodes {
        writer.node(node)?;
    }
    Ok(writer.finish())
}

/// A tensor that the graph does not have: operands that TFLite keeps as tensors, results of added nodes.
struct Extra {
    name: String,
    shape: Vec<usize>,
    data: Option<Data>,
}

/// An operator's options as flatbuffers wants them.
struct Options {
    kind: tflite::BuiltinOptions,
    value: Option<WIPOffset<UnionWIPOffset>>,
}

/// A file under construction.
struct Writer<'a> {
    graph: &'a Graph,
    builder: FlatBufferBuilder<'a>,
    codes: Vec<BuiltinOperator>,
    operators: Vec<WIPOffset<tflite::Operator<'a>>>,
    extra: Vec<Extra>,
}

impl<'a> Writer<'a> {
    fn refused(node: &Node, problem: impl Into<String>) -> ExportError {
        ExportError { node: node.name.clone(), operator: node.op.name(), problem: problem.into() }
    }

    /// A tensor beside those of the graph.
    fn add(&mut self, name: String, shape: Vec<usize>, data: Option<Data>) -> TensorId {
        self.extra.push(Extra { name, shape, data });
        self.graph.tensors.len() + self.extra.len() - 1
    }

    /// A list of whole numbers as an operand.
    fn numbers(&mut self, node: &Node, what: &str, values: Vec<i32>, shape: Vec<usize>) -> TensorId {
        self.add(format!("{}/{what}", node.name), shape, Some(Data::I32(values)))
    }

    fn operator(
        &mut self,
        code: BuiltinOperator,
        inputs: &[TensorId],
        outputs: &[TensorId],
        options: Options,
    ) {
        let known = self.codes.iter().position(|&other| other == code);
        let opcode_index = known.unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        }) as u32;
        let list = |ids: &[TensorId]| ids.iter().map(|&id| id as i32).collect::<Vec<i32>>();
        let inputs = Some(self.builder.create_vector(&list(inputs)));
        let outputs = Some(self.builder.create_vector(&list(outputs)));
        let args = tflite::OperatorArgs {
            opcode_index,
            inputs,
            outputs,
            builtin_options_type: options.kind,
            builtin_options: options.value,
            ..Default::default()
        };
        self.operators.push(tflite::Operator::create(&mut self.builder, &args));
    }

    fn finish(mut self) -> Vec<u8> {
        let builder = &mut self.builder;
        // By convention the first buffer is empty and stands for "no data".
        let mut buffers = vec![tflite::Buffer::create(builder, &tflite::BufferArgs { data: None })];
        let mut tensors = Vec::new();
        let own = self.graph.tensors.iter().map(|tensor| (&tensor.name, &tensor.shape, &tensor.data));
        for (name, shape, data) in
            own.chain(self.extra.iter().map(|extra| (&extra.name, &extra.shape, &extra.data)))
        {
            let buffer = match data {
                None => 0,
                Some(data) => {
                    let data = Some(builder.create_vector(&bytes(data)));
                    buffers.push(tflite::Buffer::create(builder, &tflite::BufferArgs { data }));
                    buffers.len() as u32 - 1
                }
            };
            let shape: Vec<i32> = shape.iter().map(|&extent| extent as i32).collect();
            let type_ = match data {
                Some(Data::I32(_)) => TensorType::INT32,
                Some(Data::I64(_)) => TensorType::INT64,
                _ => TensorType::FLOAT32,
            };
            let args = tflite::TensorArgs {
                name: Some(builder.create_string(name)),
                shape: Some(builder.create_vector(&shape)),
                type_,
                buffer,
                ..Default::default()
            };
            tensors.push(tflite::Tensor::create(builder, &args));
        }
        let list = |ids: &[TensorId]| ids.iter().map(|&id| id as i32).collect::<Vec<i32>>();
        let args = tflite::SubGraphArgs {
            tensors: Some(builder.create_vector(&tensors)),
            operators: Some(builder.create_vector(&self.operators)),
            inputs: Some(builder.create_vector(&list(&self.graph.inputs))),
            outputs: Some(builder.create_vector(&list(&self.graph.outputs))),
            ..Default::default()
        };
        let subgraph = tflite::SubGraph::create(builder, &args);
        let code = |&builtin_code: &BuiltinOperator| {
            // Readers of the first versions only know the short field.
            let deprecated_builtin_code = builtin_code.0.min(127) as i8;
            let args = tflite::OperatorCodeArgs {
                builtin_code,
                deprecated_builtin_code,
                version: 1,
                ..Default::default()
            };
            tflite::OperatorCode::create(builder, &args)
        };
        let codes: Vec<_> = self.codes.iter().map(code).collect();
        let args = tflite::ModelArgs {
            version: 3,
            operator_codes: Some(builder.create_vector(&codes)),
            subgraphs: Some(builder.create_vector(&[subgraph])),
            buffers: Some(builder.create_vector(&buffers)),
            description: Some(builder.create_string("written by ocelli")),
            ..Default::default()
        };
        let model = tflite::Model::create(builder, &args);
        tflite::finish_model_buffer(builder, model);
        builder.finished_data().to_vec()
    }
}

fn bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Data::I8(values) => values.iter().map(|&value| value as u8).collect(),
        Data::U8(values) => values.clone(),
        Data::I32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Data::I64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests;
