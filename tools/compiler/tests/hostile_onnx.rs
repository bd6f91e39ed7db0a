//! ONNX files that are wrong in one way each: every error says where and what to do next. The files stand in
//! `golden/models/hostile`, made by `golden/generate_hostile_onnx.py`.

use std::path::Path;

use ocelli_compiler::import::{import_bytes, import_bytes_as};

fn bytes(model: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models/hostile");
    std::fs::read(folder.join(model)).unwrap_or_else(|error| panic!("{model}: {error}"))
}

#[test]
fn every_error_says_where_and_what_to_do() {
    for (model, words) in [
        ("open_size.onnx", &["`x`", "--input-shape"][..]),
        ("nan_weights.onnx", &["conv", "NaN", "finite"]),
        ("infinite_weights.onnx", &["conv", "inf", "finite"]),
        ("empty_axis.onnx", &["`x`", "empty shape", "--input-shape"]),
        ("empty_weights.onnx", &["w"]),
        ("external_weights.onnx", &["`w`", "weights.bin", "save the model with its weights inside"]),
        ("cycle.onnx", &["cycle"]),
        ("no_source.onnx", &["nowhere"]),
        ("control_flow.onnx", &["choice", "If, Loop, Scan"]),
    ] {
        let error = match import_bytes(model, &bytes(model)) {
            Ok(_) => panic!("{model} is imported"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(model), "{model} is not named: {error}");
        for word in words {
            assert!(error.contains(word), "{model}: {word:?} is missing: {error}");
        }
    }
}

#[test]
fn an_open_size_can_be_given() {
    let open = bytes("open_size.onnx");
    let given = |name: &str, extents: &[usize]| {
        import_bytes_as("open_size.onnx", &open, &[(name.into(), extents.to_vec())])
    };
    for name in ["x", ""] {
        let graph = given(name, &[1, 2, 5, 7]).unwrap();
        assert_eq!(graph.tensors[graph.inputs[0]].shape, [1, 5, 7, 2]);
    }
    for (name, extents, words) in [
        ("y", &[1, 2, 5, 7][..], "no input `y`"),
        ("x", &[1, 3, 5, 7], "extent 1 is 2"),
        ("x", &[1, 2, 5], "4 axes"),
        ("x", &[1, 2, 5, 0], "--input-shape"),
    ] {
        let error = given(name, extents).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
