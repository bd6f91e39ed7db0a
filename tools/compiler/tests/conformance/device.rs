//! The graph in int8, on the engine, against the float operator on the real values of the same integers.

use ocelli_compiler::coverage::rows;
use ocelli_compiler::execute::Executor;
use ocelli_compiler::fold::dequantized;
use ocelli_compiler::graph::{Element, Graph, Quantization};
use ocelli_compiler::import::onnx_operators;
use ocelli_compiler::oracle::Oracle;
use ocelli_compiler::quantize::{Options, quantize};
use ocelli_compiler::{lower::lower, plan::plan};
use ocelli_format::OperatorKind;
use ocelli_format::model::Model;

use crate::case::Case;

/// How far an output may be from the real number, in steps of its scale. Float arithmetic adds a little.
const STEPS: f64 = 1.001;

/// Whether every output of the engine is within [`STEPS`].
pub fn check(case: &Case, graph: &Graph, inputs: &[Vec<f32>]) -> Result<(), String> {
    let quantized =
        quantize(graph.clone(), &[inputs.to_vec()], &Options::default()).map_err(|e| e.to_string())?.graph;
    let mut model = lower(&quantized).map_err(|error| error.to_string())?.model;
    listed(case, &model)?;
    let schedule = plan(&model).map_err(|error| error.to_string())?;
    model.schedules.push(schedule);

    let stored: Vec<Vec<i8>> =
        quantized.inputs.iter().zip(inputs).map(|(&id, values)| store(of(&quantized, id), values)).collect();
    let real: Vec<Vec<f32>> = quantized
        .inputs
        .iter()
        .zip(&stored)
        .map(|(&id, values)| {
            let quantization = of(&quantized, id);
            values.iter().map(|&value| steps(quantization, value) as f32 * quantization.scales[0]).collect()
        })
        .collect();
    let oracle = Oracle::new(&in_float(&quantized)).map_err(|error| error.to_string())?;
    let wanted = oracle.run(&real).map_err(|error| error.to_string())?;
    let found =
        Executor::new(&model).and_then(|mut engine| engine.run(&stored)).map_err(|e| e.to_string())?;
    for (index, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
        let quantization = of(&quantized, quantized.outputs[index]);
        if found.len() != wanted.len() {
            return Err(format!("output {index} has {} numbers, not {}", found.len(), wanted.len()));
        }
        for (position, (&found, &wanted)) in found.iter().zip(wanted).enumerate() {
            // Rounded, an operand at the border of an operator's domain may be outside, where it has no value.
            if wanted.is_nan() {
                continue;
            }
            let error = steps(quantization, found) - f64::from(wanted) / f64::from(quantization.scales[0]);
            let close = error.abs() <= STEPS;
            if !close {
                let place = format!("output {index} at {position}");
                return Err(format!(
                    "{place} is {error:.2} steps from {wanted}, step {}",
                    quantization.scales[0]
                ));
            }
        }
    }
    Ok(())
}

/// Whether `ocelli ops` tells which of the device's operators the case becomes.
fn listed(case: &Case, model: &Model) -> Result<(), String> {
    let operators = case.operators();
    let becomes: Vec<&str> = onnx_operators()
        .filter(|(name, _)| operators.iter().any(|operator| operator == name))
        .flat_map(|(_, becomes)| becomes.iter().copied())
        .collect();
    if operators.iter().any(|operator| onnx_operators().all(|(name, _)| name != operator)) {
        return Ok(());
    }
    let mut kinds = vec![OperatorKind::Lookup, OperatorKind::Reshape];
    if case.name.ends_with("_expanded") {
        // Recognised in what it is spelled with.
        kinds.push(OperatorKind::Normalize);
    }
    for row in rows() {
        if becomes.contains(&row.operator) {
            kinds.extend(row.device.kinds());
        }
    }
    match model.operators.iter().map(|node| node.operator.kind()).find(|kind| !kinds.contains(kind)) {
        Some(kind) => {
            Err(format!("`ocelli ops` does not say that {} may become {kind}", operators.join(", ")))
        }
        None => Ok(()),
    }
}

/// The quantized graph on real numbers: constants count with what they stand for, nothing is rounded or clamped.
fn in_float(quantized: &Graph) -> Graph {
    let mut graph = quantized.clone();
    for tensor in &mut graph.tensors {
        if let Some(real) = dequantized(tensor) {
            *tensor = real;
        }
        (tensor.element, tensor.quantization) = (Element::F32, None);
    }
    graph
}

fn of(graph: &Graph, id: usize) -> &Quantization {
    graph.tensors[id].quantization.as_ref().expect("a quantized graph")
}

fn store(quantization: &Quantization, values: &[f32]) -> Vec<i8> {
    let (scale, point) = (quantization.scales[0], quantization.zero_points[0]);
    values
        .iter()
        .map(|value| ((value / scale).round() as i32).saturating_add(point).clamp(-128, 127) as i8)
        .collect()
}

fn steps(quantization: &Quantization, stored: i8) -> f64 {
    f64::from(i32::from(stored) - quantization.zero_points[0])
}
