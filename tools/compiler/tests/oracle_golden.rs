//! The float oracle against other float engines: LiteRT on TFLite files, ONNX's own on ONNX files.

use std::path::{Path, PathBuf};

use ocelli_compiler::check::check;
use ocelli_compiler::fold::fold;
use ocelli_compiler::graph::Graph;
use ocelli_compiler::import::import;
use ocelli_compiler::oracle::{Observer, Oracle};

/// Where a model may stand: committed fixtures, then what this machine has besides.
fn find(file: &str) -> Option<PathBuf> {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![
        crate_root.join("tests/golden/models"),
        crate_root.join("../../../shared/models"),
        crate_root.join("../../../shared/models/mlperf_tiny"),
    ];
    folders.extend(std::env::var_os("OCELLI_MODELS").map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(file)).find(|path| path.exists())
}

/// Input bytes of the golden files: see `golden/golden.py`.
fn sequence(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            f32::from(state as u8 as i8) / 128.0
        })
        .collect()
}

fn run(graph: &Graph, seed: u32) -> Vec<Vec<f32>> {
    check(graph).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    let inputs: Vec<Vec<f32>> =
        (seed..).zip(&graph.inputs).map(|(seed, &id)| sequence(seed, graph.tensors[id].elements())).collect();
    let oracle = Oracle::new(graph).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    let outputs = oracle.run(&inputs).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    let observer = Observer::new(graph).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    let all = observer.run_all(&inputs).unwrap_or_else(|error| panic!("{}: {error}", graph.name));
    for (&id, output) in graph.outputs.iter().zip(&outputs) {
        let again = all[id].as_ref().expect("an output is an activation");
        assert!(difference(again, output) <= 1e-4, "{}: run and run_all differ", graph.name);
    }
    outputs
}

/// Largest difference, relative where the numbers are large.
fn difference(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    left.iter()
        .zip(right)
        .map(|(left, right)| (left - right).abs() / right.abs().max(1.0))
        .fold(0.0, f32::max)
}

/// Compares each line of an expectation file; returns how many models ran.
fn compare(expected: &str, tolerance: f32) -> usize {
    let mut outputs: Option<(String, Vec<Vec<f32>>)> = None;
    let mut models = Vec::new();
    for line in expected.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[file, seed, index, count, stride, values] = &fields[..] else { panic!("{line}") };
        let Some(path) = find(file) else {
            eprintln!("skipped: {file} is not on this machine");
            continue;
        };
        let key = format!("{file} {seed}");
        if outputs.as_ref().is_none_or(|(ran, _)| *ran != key) {
            let graph = import(&path).unwrap_or_else(|error| panic!("{error}"));
            let seed = seed.parse().unwrap();
            let plain = run(&graph, seed);
            let mut folded = graph;
            fold(&mut folded);
            let after = run(&folded, seed);
            for (before, after) in plain.iter().zip(&after) {
                assert!(difference(after, before) <= 1e-4, "{file}: folding changed the outputs");
            }
            outputs = Some((key, after));
            models.push(file);
        }
        let (_, outputs) = outputs.as_ref().unwrap();
        let output = &outputs[index.parse::<usize>().unwrap()];
        assert_eq!(output.len(), count.parse::<usize>().unwrap(), "{file} output {index}");
        let sample: Vec<f32> = output.iter().copied().step_by(stride.parse().unwrap()).collect();
        let wanted: Vec<f32> = values.split(' ').map(|value| value.parse().unwrap()).collect();
        let worst = difference(&sample, &wanted);
        println!("{file} seed {seed} output {index}: largest difference {worst:e}");
        assert!(worst <= tolerance, "{file} seed {seed} output {index}: {worst:e}\n{sample:?}\n{wanted:?}");
    }
    models.dedup();
    models.len()
}

#[test]
fn tflite_models_equal_litert() {
    let models = compare(include_str!("golden/expected_tflite.tsv"), 1e-4);
    assert!(models >= 3, "{models}");
}

#[test]
fn onnx_models_equal_the_reference_evaluator() {
    let models = compare(include_str!("golden/expected_onnx.tsv"), 1e-4);
    assert!(models >= 4, "{models}");
}
