//! Import of the real models in `../shared/models`, when they are there.

use std::path::PathBuf;

use ocelli_compiler::check::check;
use ocelli_compiler::convert::{Options, convert};
use ocelli_compiler::execute::Executor;
use ocelli_compiler::fold::fold;
use ocelli_compiler::graph::{Element, Graph, Op};
use ocelli_compiler::import::{import, requantize_u8};
use ocelli_compiler::oracle::Oracle;

fn shared(path: &str) -> Option<Graph> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models").join(path);
    if !path.exists() {
        eprintln!("skipped: {} is not on this machine", path.display());
        return None;
    }
    let graph = import(&path).unwrap_or_else(|error| panic!("{error}"));
    check(&graph).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    Some(graph)
}

fn operators(graph: &Graph) -> usize {
    graph.nodes.len()
}

#[test]
fn int8_models_import_with_their_quantization() {
    for (path, nodes, input) in [
        ("mlperf_tiny/pretrainedResnet_quant.tflite", 16, vec![1, 32, 32, 3]),
        ("mlperf_tiny/vww_96_int8.tflite", 31, vec![1, 96, 96, 3]),
        ("mlperf_tiny/kws_ref_model.tflite", 13, vec![1, 49, 10, 1]),
        ("mlperf_tiny/ad01_int8.tflite", 10, vec![1, 640]),
        ("tflm/person_detect.tflite", 31, vec![1, 96, 96, 1]),
    ] {
        let Some(graph) = shared(path) else { continue };
        assert_eq!(operators(&graph), nodes, "{path}");
        let tensor = &graph.tensors[graph.inputs[0]];
        assert_eq!(tensor.shape, input, "{path}");
        assert_eq!(tensor.element, Element::I8, "{path}");
        assert!(tensor.quantization.is_some(), "{path}");
    }
}

#[test]
fn the_wrong_quantized_dimension_of_person_detect_is_a_warning() {
    let Some(graph) = shared("tflm/person_detect.tflite") else { return };
    assert_eq!(graph.warnings.len(), 14, "{:#?}", graph.warnings);
    assert!(graph.warnings[0].contains("wrong quantized_dimension 3, read as 0"), "{}", graph.warnings[0]);
    for node in &graph.nodes {
        let Op::DepthwiseConv2d { .. } = node.op else { continue };
        let axis = |id: usize| graph.tensors[id].quantization.as_ref().unwrap().axis;
        assert_eq!((axis(node.inputs[1]), axis(node.inputs[2])), (3, 0));
    }
}

#[test]
fn float_models_import() {
    for (path, nodes) in [
        ("mlperf_tiny/pretrainedResnet.tflite", 16),
        ("mlperf_tiny/vww_96_float.tflite", 31),
        ("mlperf_tiny/kws_ref_model_float32.tflite", 13),
        ("mlperf_tiny/ad01_fp32.tflite", 10),
    ] {
        let Some(graph) = shared(path) else { continue };
        assert_eq!(operators(&graph), nodes, "{path}");
        let mut folded = graph.clone();
        fold(&mut folded);
        check(&folded).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!((&folded.name, folded.outputs.len()), (&graph.name, graph.outputs.len()));
        assert!(folded.tensors.iter().all(|tensor| tensor.element == Element::F32), "{path}");
    }
}

#[test]
fn the_uint8_model_keeps_its_zero_points() {
    let Some(graph) = shared("mobilenet_v1_0.25_128_quant.tflite") else { return };
    let points: Vec<i32> = graph
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. }))
        .map(|node| graph.tensors[node.inputs[1]].quantization.as_ref().unwrap().zero_points[0])
        .collect();
    assert_eq!(points.iter().min(), Some(&61));
    assert_eq!(points.iter().max(), Some(&204));
}

#[test]
fn the_uint8_model_becomes_int8_with_nearly_the_same_function() {
    let Some(mut graph) = shared("mobilenet_v1_0.25_128_quant.tflite") else { return };
    let image: Vec<f32> = (0..128 * 128 * 3).map(|index| (index * 37 % 256) as f32 / 128.0 - 1.0).collect();
    let before = Oracle::new(&graph).unwrap().run(std::slice::from_ref(&image)).unwrap();
    let moved = requantize_u8(&mut graph).unwrap();
    check(&graph).unwrap_or_else(|error| panic!("{error}"));
    assert!(graph.tensors.iter().all(|tensor| tensor.element != Element::U8));
    assert!(moved.max_steps > 0.0 && moved.max_steps < 1.0 && moved.rms_steps < 0.5, "{moved:?}");
    let after = Oracle::new(&graph).unwrap().run(&[image]).unwrap();
    let worst =
        before[0].iter().zip(&after[0]).map(|(before, after)| (before - after).abs()).fold(0.0, f32::max);
    println!("{moved:?}, scores moved by at most {worst}");
    assert!(worst < 0.05, "{worst}");

    // The whole way: an artefact whose integers are near the real values.
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
    let conversion = convert(&path.join("mobilenet_v1_0.25_128_quant.tflite"), &Options::default()).unwrap();
    let pixels = (0..128 * 128 * 3).map(|index| (index * 37 % 256 - 128) as i8).collect();
    let scores = Executor::new(&conversion.model).unwrap().run(&[pixels]).unwrap();
    let best = |scores: &[f32]| scores.iter().copied().fold(f32::MIN, f32::max);
    let integer: Vec<f32> = scores[0].iter().map(|&score| (f32::from(score) + 128.0) / 256.0).collect();
    println!("best score {} as int8, {} as reals", best(&integer), best(&after[0]));
    assert!((best(&integer) - best(&after[0])).abs() < 0.1);
}

/// TFLite Micro's integers against the real-valued function of the same graph.
#[test]
fn the_oracle_follows_quantized_models() {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/peers/golden.tsv");
    let Ok(golden) = std::fs::read_to_string(&golden) else {
        eprintln!("skipped: {} is not on this machine", golden.display());
        return;
    };
    for line in golden.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[file, seed, shift, hex] = &fields[..] else { panic!("{line}") };
        let folder = if file == "person_detect.tflite" { "tflm" } else { "mlperf_tiny" };
        let Some(graph) = shared(&format!("{folder}/{file}")) else { continue };
        let quantization = |id: usize| graph.tensors[id].quantization.clone().unwrap();
        let (input, output) = (quantization(graph.inputs[0]), quantization(graph.outputs[0]));
        let mut state: u32 = seed.parse().unwrap();
        let shift: u32 = shift.parse().unwrap();
        let image: Vec<f32> = (0..graph.tensors[graph.inputs[0]].elements())
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                f32::from(state as u8 as i8 >> shift) - input.zero_points[0] as f32
            })
            .map(|steps| steps * input.scales[0])
            .collect();
        let found = Oracle::new(&graph).unwrap().run(&[image]).unwrap();
        let wanted =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap() as i8);
        let steps = |real: f32| real / output.scales[0] + output.zero_points[0] as f32;
        let worst = found[0]
            .iter()
            .zip(wanted)
            .map(|(&real, wanted)| (steps(real) - f32::from(wanted)).abs())
            .fold(0.0, f32::max);
        println!("{file} seed {seed} shift {shift}: at most {worst} steps");
        // A softmax between two likely classes turns half a step of a logit into dozens of its own.
        assert!(worst <= 40.0, "{file} seed {seed} shift {shift}: {worst} steps");
    }
}
