//! The node cases that ONNX publishes for every operator, against import, lowering and the device's kernels.
//!
//! For each case whose operators `ocelli ops` lists: the imported graph, run in tract, gives the case's
//! outputs; and the same graph in int8, run by the engine, is within one step of the output's scale of the
//! float operator applied to the dequantized inputs and weights. A case that is not judged has a reason
//! that is printed. The cases come with Debian's `libonnx-testdata`; `OCELLI_NODE_CASES` names another folder,
//! and `OCELLI_NODE_CASES_ONLY` a part of the names to look at.

mod case;
mod device;
mod excuses;
mod float;
mod report;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use case::Case;
use ocelli_compiler::fold::fold;
use ocelli_compiler::graph::Graph;
use ocelli_compiler::import::{ImportError, Problem, import_bytes, onnx_operators};

/// What became of a case.
pub enum Outcome {
    /// Float and int8 agree with what they are held to.
    Passed {
        /// How many float inputs had to become constants, as weights do.
        constants: usize,
    },
    /// Not judged.
    Skipped(String),
    /// Wrong.
    Failed(String),
}

#[test]
fn node_cases_hold_in_float_and_in_int8() {
    let folder = std::env::var_os("OCELLI_NODE_CASES")
        .map_or_else(|| PathBuf::from("/usr/share/libonnx-testdata/data/node"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there; `cargo xtask conformance` gets it", folder.display());
        return;
    };
    let only = std::env::var("OCELLI_NODE_CASES_ONLY").unwrap_or_default();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut report = report::Report::default();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(&only) {
            let outcome = catch_unwind(AssertUnwindSafe(|| match Case::read(&folder) {
                Ok(case) => judge(&case),
                Err(unreadable) => Outcome::Skipped(unreadable),
            }));
            report.add(name, outcome.unwrap_or_else(|_| Outcome::Failed("a panic".into())));
        }
    }
    report.print(&folder);
    assert!(report.passed > 0 && report.failures.is_empty(), "{} cases failed", report.failures.len());
}

fn judge(case: &Case) -> Outcome {
    let claimed: Vec<&str> = onnx_operators().map(|(name, _)| name).collect();
    let unclaimed = case.operators().into_iter().find(|operator| !claimed.contains(&&**operator));
    let first = match case.first_float_input() {
        Ok(first) => first,
        Err(why) => return Outcome::Skipped(unclaimed.map_or(why, |name| format!("operator {name}"))),
    };
    // All operands computed, where import takes that; otherwise the first alone, the others constants.
    // Gains and offsets of a normalization are weights.
    let normalizes = case.operators().iter().any(|operator| operator.ends_with("Normalization"));
    let floats = case.float_inputs();
    let mut kept = if normalizes { vec![first] } else { floats.clone() };
    let mut imported = import_bytes(&case.name, &case.model(&kept));
    if imported.is_err() && kept.len() > 1 {
        kept = vec![first];
        imported = import_bytes(&case.name, &case.model(&kept));
    }
    let mut graph = match imported {
        Ok(graph) => graph,
        Err(error) => {
            return match (unclaimed, excuses::find(case, &reason(&error))) {
                (Some(operator), _) => Outcome::Skipped(format!("operator {operator}")),
                (None, Some(excuse)) => Outcome::Skipped(excuse.into()),
                (None, None) => Outcome::Failed(format!("import: {}", reason(&error))),
            };
        }
    };
    fold(&mut graph);
    match run(case, &graph, &kept) {
        Ok(()) => Outcome::Passed { constants: floats.len() - kept.len() },
        Err(why) => match excuses::find(case, &why) {
            Some(excuse) => Outcome::Skipped(excuse.into()),
            None => Outcome::Failed(why),
        },
    }
}

fn run(case: &Case, graph: &Graph, kept: &[usize]) -> Result<(), String> {
    let inputs = case.inputs_for(graph, kept);
    float::check(case, graph, &inputs).map_err(|why| format!("float: {why}"))?;
    device::check(case, graph, &inputs).map_err(|why| format!("int8: {why}"))
}

/// What import says, without the file and the names.
fn reason(error: &ImportError) -> String {
    let ImportError::Nodes { nodes, .. } = error else { return error.to_string() };
    let reasons = nodes.iter().map(|node| match &node.problem {
        Problem::Operator => format!("{}: operator not supported", node.operator),
        Problem::Form(why) | Problem::Invalid(why) => format!("{}: {why}", node.operator),
    });
    reasons.collect::<Vec<_>>().join("; ")
}
