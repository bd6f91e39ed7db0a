//! The shapes of operators that move values.

use super::{broadcasts_to, image, quantized};
use crate::graph::{Op, Tensor};

/// The shape of an operator's result; the output's own where it says how much is moved.
pub(super) fn shape(op: &Op, input: &Tensor, output: &Tensor) -> Result<Vec<usize>, String> {
    Ok(match op {
        Op::Pad { before, after, value } => {
            if before.len() != input.shape.len() || after.len() != input.shape.len() {
                return Err(format!("padding {before:?}/{after:?} of shape {:?}", input.shape));
            }
            if !value.is_finite() {
                return Err(format!("padding with {value}"));
            }
            (0..before.len())
                .map(|axis| before[axis].saturating_add(after[axis]).saturating_add(input.shape[axis]))
                .collect()
        }
        Op::Reshape => {
            if input.elements() != output.elements() {
                return Err(format!("shape {:?} cannot become {:?}", input.shape, output.shape));
            }
            if quantized(input) && input.quantization != output.quantization {
                return Err("a reshape between two quantizations".into());
            }
            output.shape.clone()
        }
        Op::Transpose { order } => {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..input.shape.len()) {
                return Err(format!("{order:?} is no order of the axes of {:?}", input.shape));
            }
            order.iter().map(|&axis| input.shape[axis]).collect()
        }
        Op::Slice { begin, steps } => {
            let rank = input.shape.len();
            if [begin.len(), steps.len(), output.shape.len()] != [rank; 3] {
                return Err(format!("a slice {begin:?}, {steps:?} of {:?}", input.shape));
            }
            for axis in 0..rank {
                let last = begin[axis] as i128 + (output.shape[axis] as i128 - 1) * steps[axis] as i128;
                if begin[axis] >= input.shape[axis] || !(0..input.shape[axis] as i128).contains(&last) {
                    return Err(format!("a slice to {:?} that leaves {:?}", output.shape, input.shape));
                }
            }
            output.shape.clone()
        }
        Op::Expand => {
            if input.shape.len() != output.shape.len() || !broadcasts_to(&input.shape, &output.shape) {
                return Err(format!("{:?} does not repeat to {:?}", input.shape, output.shape));
            }
            output.shape.clone()
        }
        Op::Gather { axis, indices } => {
            let Some(&extent) = input.shape.get(*axis) else {
                return Err(format!("axis {axis} of {:?}", input.shape));
            };
            if let Some(index) = indices.iter().find(|&&index| index >= extent) {
                return Err(format!("place {index} of {extent}"));
            }
            let mut shape = input.shape.clone();
            shape[*axis] = indices.len();
            shape
        }
        Op::Interpolate { positions } => {
            let [batch, height, width, channels] = image(input)?;
            for (positions, extent) in positions.iter().zip([height, width]) {
                let inside = |position: &&f32| !(0.0..=(extent - 1) as f32).contains(*position);
                if let Some(position) = positions.iter().find(inside) {
                    return Err(format!("position {position} between {extent} pixels"));
                }
            }
            vec![batch, positions[0].len(), positions[1].len(), channels]
        }
        _ => return Err("moves nothing".into()),
    })
}
