//! Files that nobody means well with: each gives a located error or a graph that keeps the rules.

use std::path::{Path, PathBuf};

use flatbuffers::FlatBufferBuilder;
use ocelli_compiler::check::check;
use ocelli_compiler::fold::fold;
use ocelli_compiler::graph::Graph;
use ocelli_compiler::import::{ImportError, import_bytes};
use tract_tflite::tflite;

/// A TFLite file in the making: a chain of RELU over `[1, 2]` floats, which each test then spoils.
#[derive(Clone)]
struct Draft {
    tensors: Vec<DraftTensor>,
    buffers: Vec<Vec<u8>>,
    nodes: Vec<(u32, Vec<i32>, Vec<i32>)>,
    codes: Vec<tflite::BuiltinOperator>,
    inputs: Vec<i32>,
    outputs: Vec<i32>,
}

#[derive(Clone)]
struct DraftTensor {
    shape: Vec<i32>,
    signature: Option<Vec<i32>>,
    type_: tflite::TensorType,
    buffer: u32,
}

impl Draft {
    fn chain(nodes: i32) -> Self {
        let tensor =
            DraftTensor { shape: vec![1, 2], signature: None, type_: tflite::TensorType::FLOAT32, buffer: 0 };
        Self {
            tensors: vec![tensor; nodes as usize + 1],
            buffers: vec![Vec::new()],
            nodes: (0..nodes).map(|index| (0, vec![index], vec![index + 1])).collect(),
            codes: vec![tflite::BuiltinOperator::RELU, tflite::BuiltinOperator::ADD],
            inputs: vec![0],
            outputs: vec![nodes],
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut fbb = FlatBufferBuilder::new();
        let mut tensors = Vec::new();
        for (index, draft) in self.tensors.iter().enumerate() {
            let name = Some(fbb.create_string(&format!("t{index}")));
            let shape = Some(fbb.create_vector(&draft.shape));
            let shape_signature = draft.signature.as_ref().map(|signature| fbb.create_vector(signature));
            tensors.push(tflite::Tensor::create(
                &mut fbb,
                &tflite::TensorArgs {
                    name,
                    shape,
                    shape_signature,
                    type_: draft.type_,
                    buffer: draft.buffer,
                    ..Default::default()
                },
            ));
        }
        let mut operators = Vec::new();
        for (code, inputs, outputs) in &self.nodes {
            let inputs = Some(fbb.create_vector(inputs));
            let outputs = Some(fbb.create_vector(outputs));
            let args = tflite::OperatorArgs { opcode_index: *code, inputs, outputs, ..Default::default() };
            operators.push(tflite::Operator::create(&mut fbb, &args));
        }
        let args = tflite::SubGraphArgs {
            tensors: Some(fbb.create_vector(&tensors)),
            operators: Some(fbb.create_vector(&operators)),
            inputs: Some(fbb.create_vector(&self.inputs)),
            outputs: Some(fbb.create_vector(&self.outputs)),
            ..Default::default()
        };
        let subgraph = tflite::SubGraph::create(&mut fbb, &args);
        let codes: Vec<_> = self
            .codes
            .iter()
            .map(|&builtin_code| {
                let args = tflite::OperatorCodeArgs { builtin_code, ..Default::default() };
                tflite::OperatorCode::create(&mut fbb, &args)
            })
            .collect();
        let buffers: Vec<_> = self
            .buffers
            .iter()
            .map(|bytes| {
                let data = Some(fbb.create_vector(bytes));
                tflite::Buffer::create(&mut fbb, &tflite::BufferArgs { data })
            })
            .collect();
        let args = tflite::ModelArgs {
            version: 3,
            operator_codes: Some(fbb.create_vector(&codes)),
            subgraphs: Some(fbb.create_vector(&[subgraph])),
            buffers: Some(fbb.create_vector(&buffers)),
            ..Default::default()
        };
        let model = tflite::Model::create(&mut fbb, &args);
        tflite::finish_model_buffer(&mut fbb, model);
        fbb.finished_data().to_vec()
    }

    fn import(&self) -> Result<Graph, ImportError> {
        import_bytes("hostile.tflite", &self.bytes())
    }

    /// The message of the error that this file has to give.
    fn error(&self) -> String {
        let text = self.import().expect_err("an error").to_string();
        assert!(text.starts_with("hostile.tflite: "), "{text}");
        text
    }

    fn constant(&mut self, tensor: usize, bytes: Vec<u8>) {
        self.buffers.push(bytes);
        self.tensors[tensor].buffer = self.buffers.len() as u32 - 1;
    }
}

#[test]
fn no_nodes_is_an_error_and_two_thousand_are_not() {
    assert!(Draft::chain(0).error().contains("no operators"));
    let mut graph = Draft::chain(2000).import().unwrap();
    assert_eq!(graph.nodes.len(), 2000);
    fold(&mut graph);
    check(&graph).unwrap();
    assert_eq!(graph.nodes.len(), 2000);
}

#[test]
fn order_is_checked() {
    let mut swapped = Draft::chain(3);
    swapped.nodes.swap(0, 1);
    let text = swapped.error();
    assert!(text.contains("node 0 `t2`, RELU") && text.contains("cycle, or nodes out of order"), "{text}");

    let mut own = Draft::chain(2);
    own.nodes[1].1 = vec![2];
    assert!(own.error().contains("operand `t2` has no data"), "{}", own.error());

    let mut twice = Draft::chain(2);
    twice.nodes[1].2 = vec![1];
    twice.outputs = vec![1];
    assert!(twice.error().contains("another node's result already"), "{}", twice.error());

    let mut never = Draft::chain(2);
    never.nodes.pop();
    assert!(never.error().contains("output `t2` is not computed"), "{}", never.error());
}

#[test]
fn indices_are_checked() {
    for (index, text) in [(99, "tensor 99, which does not exist"), (-2, "tensor -2, which does not exist")] {
        let mut draft = Draft::chain(2);
        draft.nodes[1].1 = vec![index];
        assert!(draft.error().contains(text), "{}", draft.error());
    }
    let mut code = Draft::chain(1);
    code.nodes[0].0 = 7;
    assert!(code.error().contains("operator code 7 of 2 does not exist"), "{}", code.error());
    let mut buffer = Draft::chain(1);
    buffer.tensors[0].buffer = 5;
    assert!(buffer.error().contains("tensor 0 `t0`: buffer 5 of 1 does not exist"), "{}", buffer.error());
    let mut input = Draft::chain(1);
    input.inputs = vec![0, 0];
    assert!(input.error().contains("is two inputs"), "{}", input.error());
    let mut absent = Draft::chain(1);
    absent.nodes[0].1 = vec![-1];
    assert!(absent.error().contains("operand 0 is missing"), "{}", absent.error());
    let mut none = Draft::chain(1);
    none.nodes[0].2 = Vec::new();
    assert!(none.error().contains("no result"), "{}", none.error());
}

#[test]
fn shapes_and_data_are_checked() {
    let mut dynamic = Draft::chain(1);
    dynamic.tensors[0].signature = Some(vec![-1, -1]);
    assert!(dynamic.error().contains("dynamic shape [-1, -1]"), "{}", dynamic.error());
    let mut batch = Draft::chain(1);
    batch.tensors[0].signature = Some(vec![-1, 2]);
    batch.import().unwrap();

    let mut negative = Draft::chain(1);
    negative.tensors[0].shape = vec![1, -2];
    assert!(negative.error().contains("negative extent"), "{}", negative.error());
    let mut huge = Draft::chain(1);
    huge.tensors[0].shape = vec![i32::MAX; 4];
    assert!(huge.error().contains("more than"), "{}", huge.error());
    let mut empty = Draft::chain(1);
    empty.tensors[0].shape = vec![0, 2];
    assert!(empty.error().contains("empty axis"), "{}", empty.error());
    let mut wrong = Draft::chain(2);
    wrong.tensors[2].shape = vec![1, 3];
    let text = wrong.error();
    assert!(
        text.contains("node 1 `t2`") && text.contains("result is [1, 2], but the file says [1, 3]"),
        "{text}"
    );

    let add = |bytes: &[u8]| {
        let mut draft = Draft::chain(1);
        draft.tensors.push(draft.tensors[0].clone());
        draft.nodes[0] = (1, vec![0, 2], vec![1]);
        draft.constant(2, bytes.to_vec());
        draft
    };
    let nan = [1.0f32, f32::NAN].map(f32::to_le_bytes).concat();
    assert!(add(&nan).error().contains("tensor 2 `t2`: value 1 is NaN"), "{}", add(&nan).error());
    assert!(add(&nan[..7]).error().contains("but 7 bytes of data"), "{}", add(&nan[..7]).error());
    add(&[0; 8]).import().unwrap();
}

#[test]
fn every_node_that_cannot_be_imported_is_named() {
    let mut draft = Draft::chain(3);
    draft.codes.extend([tflite::BuiltinOperator::LSTM, tflite::BuiltinOperator(4711)]);
    draft.nodes[0].0 = 2;
    draft.nodes[2].0 = 3;
    let error = draft.import().unwrap_err();
    let ImportError::Nodes { nodes, .. } = &error else { panic!("{error}") };
    let named: Vec<_> = nodes.iter().map(|node| (node.index, &*node.operator, &*node.outputs[0])).collect();
    assert_eq!(named, [(0, "LSTM", "`t1` f32[1, 2]"), (2, "operator 4711", "`t3` f32[1, 2]")]);
    assert!(error.to_string().contains("supported operators: `ocelli ops`"), "{error}");
}

#[test]
fn what_is_no_model_is_said_to_be_none() {
    for bytes in [&b""[..], b"PNG", b"\x89PNG\r\n\x1a\n\0\0\0\0", b"\0\0\0\0TFL"] {
        let error = import_bytes("photo.png", bytes).unwrap_err();
        assert!(matches!(error, ImportError::UnknownFormat { .. }), "{error}");
    }
    let error = import_bytes("short.tflite", b"\x1c\0\0\0TFL3").unwrap_err();
    assert!(matches!(error, ImportError::Malformed { .. }), "{error}");
    let error = import_bytes("short.onnx", b"\x08\x08").unwrap_err();
    assert!(matches!(error, ImportError::Model { .. }), "{error}");
}

/// Imports and, when that works, holds the graph to its rules before and after folding.
fn survive(file: &str, bytes: &[u8]) -> bool {
    let Ok(mut graph) = import_bytes(file, bytes) else { return false };
    check(&graph).unwrap_or_else(|error| panic!("{file}: {error}"));
    fold(&mut graph);
    check(&graph).unwrap_or_else(|error| panic!("{file}, folded: {error}"));
    true
}

fn fixture(file: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn flipped_and_missing_bytes_of_tflite_files_do_no_harm() {
    for file in ["classifier.tflite", "pointwise.tflite", "windows.tflite", "detectors/ssd_like.tflite"] {
        let good = fixture(file);
        assert!(survive(file, &good));
        let (mut imported, mut tried) = (0, 0);
        let step = if good.len() > 8192 { 8 } else { 1 };
        for position in (0..good.len()).step_by(step) {
            tried += 3;
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[position] ^= flip;
                imported += usize::from(survive(file, &bad));
            }
        }
        // Most bytes are weights and names, which a flip changes and does not break.
        assert!(imported > 0 && imported < tried, "{imported}");
        for length in (0..good.len()).step_by(7) {
            survive(file, &good[..length]);
        }
    }
}

/// What is said of a detector that ends in TFLite's own operator, some of its bytes replaced wherever they stand.
fn detector_with(replaced: &[u8], by: &[u8]) -> String {
    let mut bytes = fixture("detectors/ssd_like.tflite");
    for place in 0..bytes.len() - replaced.len() {
        if bytes[place..].starts_with(replaced) {
            bytes[place..][..by.len()].copy_from_slice(by);
        }
    }
    import_bytes("hostile.tflite", &bytes).unwrap_err().to_string()
}

#[test]
fn the_end_of_a_detector_is_checked() {
    let node = "node 16 `TFLite_Detection_PostProcess`, CUSTOM \"TFLite_Detection_PostProcess\"";
    let text = detector_with(b"num_classes", b"num_glasses");
    assert!(text.contains(node) && text.contains("invalid: the file gives no num_classes"), "{text}");
    let text = detector_with(&10f64.to_le_bytes(), &0f64.to_le_bytes());
    assert!(text.contains("x_scale of 0 and y_scale of 0; one number above 0"), "{text}");
    // The middles of the first row.
    let text = detector_with(&(0.5f32 / 8.0).to_le_bytes(), &(0.6f32 / 8.0).to_le_bytes());
    assert!(text.contains("`anchors`: anchor ") && text.contains("row by row, are supported"), "{text}");
    // The widths of the first anchors of all cells.
    let text = detector_with(&(2f32 * 4.0 / 48.0).to_le_bytes(), &0f32.to_le_bytes());
    assert!(
        text.contains("TFLite_Detection_PostProcess: boxes.layout.heads[0] has an anchor whose side"),
        "{text}"
    );
    let text = detector_with(b"TFLite_Detection_PostProcess", b"TFLite_Detection_PreProcess.");
    assert!(text.contains("operator not supported") && text.contains("`ocelli ops`"), "{text}");
}

#[test]
fn flipped_and_missing_bytes_of_onnx_files_do_no_harm() {
    let good = fixture("channels_last.onnx");
    assert!(survive("channels_last.onnx", &good));
    for position in 0..good.len() {
        let mut bad = good.clone();
        bad[position] ^= [0x01, 0x80, 0x7f][position % 3];
        survive("channels_last.onnx", &bad);
    }
    for length in (0..good.len()).step_by(13) {
        survive("channels_last.onnx", &good[..length]);
    }
}

#[test]
fn flipped_bytes_of_quantized_onnx_files_do_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/onnx");
    for model in ["qlinear_conv.onnx", "qdq_matmul_of_rounded_floats.onnx"] {
        let good = std::fs::read(folder.join(model)).unwrap();
        assert!(survive(model, &good));
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= [0x01, 0x80, 0x7f][position % 3];
            survive(model, &bad);
        }
    }
}
