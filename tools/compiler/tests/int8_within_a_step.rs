//! Int8 against the float operator applied to the dequantized inputs: within one step of each output.

use std::path::Path;

use ocelli_compiler::check::check;
use ocelli_compiler::execute::Executor;
use ocelli_compiler::fold::fold;
use ocelli_compiler::graph::Graph;
use ocelli_compiler::import::import;
use ocelli_compiler::lower::lower;
use ocelli_compiler::oracle::Oracle;
use ocelli_compiler::plan::plan;
use ocelli_compiler::quantize::{Method, Options, quantize};

/// Pseudo-random numbers from -1 to 1.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as i32 as f32 / 2f32.powi(31)
        })
        .collect()
}

/// Largest distance of each output in steps of its own scale, constants counting as they are stored.
fn distances(float: &Graph) -> Vec<f64> {
    let inputs = |seed: u32| -> Vec<Vec<f32>> {
        (seed * 64 + 1..)
            .zip(&float.inputs)
            .map(|(seed, &id)| numbers(seed, float.tensors[id].elements()))
            .collect()
    };
    let samples: Vec<_> = (0..8).map(inputs).collect();
    let options = Options { method: Method::MinMax, ..Options::default() };
    let quantized =
        quantize(float.clone(), &samples, &options).unwrap_or_else(|error| panic!("{error}")).graph;
    check(&quantized).unwrap();
    let mut model = lower(&quantized).unwrap_or_else(|error| panic!("{error}")).model;
    model.schedules.push(plan(&model).unwrap());
    let mut executor = Executor::new(&model).unwrap();
    // The float function of what the integers stand for.
    let oracle = Oracle::new(float).unwrap();
    let affine = |id: usize| {
        let quantization = quantized.tensors[id].quantization.as_ref().unwrap();
        (quantization.scales[0], quantization.zero_points[0])
    };
    let mut worst = vec![0f64; float.outputs.len()];
    for sample in &samples {
        let stored: Vec<Vec<i8>> = sample
            .iter()
            .zip(&quantized.inputs)
            .map(|(values, &id)| {
                let (scale, zero_point) = affine(id);
                values
                    .iter()
                    .map(|value| ((value / scale).round() as i32 + zero_point).clamp(-128, 127) as i8)
                    .collect()
            })
            .collect();
        let real: Vec<Vec<f32>> = stored
            .iter()
            .zip(&quantized.inputs)
            .map(|(values, &id)| {
                let (scale, zero_point) = affine(id);
                values.iter().map(|&value| (i32::from(value) - zero_point) as f32 * scale).collect()
            })
            .collect();
        let (found, wanted) = (executor.run(&stored).unwrap(), oracle.run(&real).unwrap());
        for (index, &id) in quantized.outputs.iter().enumerate() {
            let (scale, zero_point) = affine(id);
            for (&found, &wanted) in found[index].iter().zip(&wanted[index]) {
                let wanted =
                    (f64::from(wanted) / f64::from(scale) + f64::from(zero_point)).clamp(-128.0, 127.0);
                worst[index] = worst[index].max((f64::from(found) - wanted).abs());
            }
        }
    }
    worst
}

/// The graph with one output, and nothing that the others alone need.
fn with_output(graph: &Graph, output: usize) -> Graph {
    let mut graph = graph.clone();
    graph.outputs = vec![graph.outputs[output]];
    ocelli_compiler::fold::drop_unused(&mut graph);
    graph
}

fn every_output_is_near(file: &str, steps: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models").join(file);
    let mut graph = import(&path).unwrap_or_else(|error| panic!("{error}"));
    fold(&mut graph);
    let mut far = Vec::new();
    for output in 0..graph.outputs.len() {
        let part = with_output(&graph, output);
        let name = part.tensors[part.outputs[0]].name.clone();
        let distance = distances(&part)[0];
        println!("{file} {name}: {distance:.3} steps");
        if distance > steps {
            far.push(name);
        }
    }
    assert_eq!(far, Vec::<String>::new(), "farther than {steps} steps");
}

#[test]
fn element_wise_operators() {
    every_output_is_near("element_wise.onnx", 1.0);
}
