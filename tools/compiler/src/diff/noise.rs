//! What rounding explains of a layer's own error.
//!
//! The result is rounded once; each weight is off by up to half a step of its channel, evenly spread, so
//! that a sum of products is off by what independent errors of that variance add up to: the same window
//! over the squares of the operands.

use super::layer::Stage;
use super::weights::Beside;
use crate::graph::{Activation, Data, Graph, Op};
use crate::oracle::{Oracle, OracleError};

/// Variance of a number rounded to whole steps.
const ROUNDING: f32 = 1.0 / 12.0;

/// The error's variance in real numbers of the artefact: one for each number of the result, or one for
/// all. `inputs` are the real numbers that the artefact's layer read, `scale` is its result's.
pub(super) fn variance(
    stage: &Stage,
    beside: Option<&Beside>,
    inputs: &[Vec<f32>],
    scale: f32,
) -> Result<Vec<f32>, OracleError> {
    let Some(beside) = beside else {
        // Tables, rescaled sums and means: a whole step covers what they round in between.
        return Ok(vec![scale * scale]);
    };
    let squares: Vec<Vec<f32>> =
        inputs.iter().map(|values| values.iter().map(|value| value * value).collect()).collect();
    let mut graph = stage.graph.clone();
    spread(&mut graph, beside);
    let mut variances = Oracle::new(&graph)?.run(&squares)?.swap_remove(0);
    // The result's rounding takes two roundings in fixed point.
    variances.iter_mut().for_each(|variance| *variance += 2.0 * ROUNDING * scale * scale);
    Ok(variances)
}

/// Makes every weight the variance of its error, without bias and activation. Twice, because the bias was
/// corrected for the mean error on other pictures.
fn spread(graph: &mut Graph, beside: &Beside) {
    let node = &mut graph.nodes[0];
    node.inputs.truncate(2);
    let weights = node.inputs[1];
    let innermost = matches!(node.op, Op::DepthwiseConv2d { .. });
    match &mut node.op {
        Op::Conv2d { activation, .. }
        | Op::DepthwiseConv2d { activation, .. }
        | Op::TransposeConv2d { activation, .. }
        | Op::FullyConnected { activation } => *activation = Activation::Linear,
        _ => {}
    }
    if let Some(Data::F32(values)) = &mut graph.tensors[weights].data {
        let outputs = beside.steps.len();
        let taps = (values.len() / outputs).max(1);
        for (index, value) in values.iter_mut().enumerate() {
            let step = beside.steps[if innermost { index % outputs } else { index / taps }];
            *value = 2.0 * ROUNDING * step * step;
        }
    }
}
