//! The imported graph in float: tract's operators and our lowering.

use ocelli_compiler::graph::Graph;
use ocelli_compiler::oracle::Oracle;

use crate::case::Case;

/// Largest difference, absolute below 1 and relative above.
const TOLERANCE: f32 = 1e-4;

/// Whether the graph gives the case's outputs.
pub fn check(case: &Case, graph: &Graph, inputs: &[Vec<f32>]) -> Result<(), String> {
    let found =
        Oracle::new(graph).and_then(|oracle| oracle.run(inputs)).map_err(|error| error.to_string())?;
    for (index, (found, wanted)) in found.iter().zip(case.outputs_for(graph)).enumerate() {
        if found.len() != wanted.len() {
            return Err(format!("output {index} has {} numbers, not {}", found.len(), wanted.len()));
        }
        for (position, (&found, wanted)) in found.iter().zip(wanted).enumerate() {
            // A NaN is not close to anything.
            let close = (found - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0);
            if found != wanted && !close {
                return Err(format!("output {index} is {found} at {position}, not {wanted}"));
            }
        }
    }
    Ok(())
}
