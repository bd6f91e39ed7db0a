//! Quantized ONNX in every form that import claims gives onnxruntime's integers, but for a step where the two
//! round differently. The models and bytes stand in `golden/onnx`, made by `golden/generate_onnx.py`.

use std::path::Path;

use ocelli_compiler::convert::{Options, convert};
use ocelli_compiler::execute::Executor;

fn bytes(hex: &str) -> Vec<i8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap() as i8)
        .collect()
}

#[test]
fn every_form_gives_the_bytes_of_onnxruntime() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/onnx");
    let table = std::fs::read_to_string(folder.join("outputs.tsv")).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
    assert!(rows.len() >= 11, "{} models", rows.len());
    for row in rows {
        let fields: Vec<&str> = row.split('\t').collect();
        let &[model, input, output] = &fields[..] else { panic!("{row:?} has no three fields") };
        let conversion = convert(&folder.join(model), &Options::default())
            .unwrap_or_else(|error| panic!("{model}: {error}"));
        let outputs = Executor::new(&conversion.model).unwrap().run(&[bytes(input)]).unwrap();
        let expected = bytes(output);
        assert_eq!(outputs[0].len(), expected.len(), "{model}");
        let off: Vec<u8> =
            outputs[0].iter().zip(&expected).map(|(left, right)| left.abs_diff(*right)).collect();
        // A chain adds up the steps of its operators.
        let allowed = if model.contains("chain") { 2 } else { 1 };
        assert!(off.iter().all(|&steps| steps <= allowed), "{model}: {off:?}");
        let exact = off.iter().filter(|&&steps| steps == 0).count();
        assert!(exact * 2 >= off.len(), "{model}: {exact} of {} exact", off.len());
        // The bytes say something.
        assert!(expected.iter().any(|&value| value != expected[0]), "{model}");
    }
}
