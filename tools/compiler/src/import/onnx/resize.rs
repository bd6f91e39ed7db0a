//! Resizing. ONNX has dozens of variants; ours are those of the TFLite reference. Whether one of them
//! is meant is found out by running the file's operator on a test image.

use tract_core::internal::{IntoArcTensor, TValue, Tensor as TractTensor, tvec};
use tract_core::model::{OutletId, TypedNode};

use super::layout::{Value, numbers, permuted, transpose};
use super::lower::Lowering;
use crate::graph::Op;
use crate::import::Problem;
use crate::resample::Sampling;

impl Lowering<'_> {
    pub(super) fn resize(&mut self, node: &TypedNode) -> Result<Value, Problem> {
        let (from, to) = (self.shape(node.inputs[0])?, self.shape(OutletId::new(node.id, 0))?);
        let value = self.settled(node.inputs[0])?;
        let order = value.order()?.to_vec();
        let kept = |axis: usize| from[order[axis]] == to[order[axis]];
        if order.len() != 4 || !kept(0) || !kept(3) {
            return Err(Problem::Form(format!(
                "resize of {from:?} to {to:?}; H and W of an image are supported"
            )));
        }
        let (rows, columns) = ([from[order[1]], to[order[1]]], [from[order[2]], to[order[2]]]);

        // A test image in every channel, none of whose pixels are alike.
        let image: Vec<f32> = (0..rows[0] * columns[0])
            .map(|pixel| ((pixel * 7919 + pixel / 3 * 104_729) % 1009) as f32)
            .collect();
        let stored_shape = permuted(&from, &order);
        let repeated: Vec<f32> = (0..stored_shape[0])
            .flat_map(|_| image.iter().flat_map(|&pixel| std::iter::repeat_n(pixel, stored_shape[3])))
            .collect();
        let mut back = vec![0; 4];
        for (stored, &axis) in order.iter().enumerate() {
            back[axis] = stored;
        }
        let probe = transpose(&repeated, &stored_shape, &back);
        let failed = |error| Problem::Invalid(format!("{error:#}"));
        let mut inputs = tvec![TValue::from(TractTensor::from_shape(&from, &probe).map_err(failed)?)];
        for &input in &node.inputs[1..] {
            let constant =
                self.constant(input).ok_or_else(|| Problem::Form("a size that is computed".into()))?;
            inputs.push(TValue::from_const(constant));
        }
        let answer = node.op.eval_out_of_plan(inputs).map_err(failed)?;
        let answer = answer.and_then(|results| results.into_iter().next()).ok_or(Problem::Operator)?;
        let answer = numbers(&answer.into_arc_tensor())?;
        let answer = transpose(&answer, &to, &order);
        let first_channel: Vec<f32> = answer.iter().copied().step_by(stored_shape[3]).collect();

        for (align_corners, half_pixel_centers) in [(false, false), (false, true), (true, false)] {
            let sampling = Sampling { align_corners, half_pixel_centers };
            let candidates = [
                (
                    Op::ResizeNearest { align_corners, half_pixel_centers },
                    sampling.nearest(rows[0], rows[1]),
                    sampling.nearest(columns[0], columns[1]),
                ),
                (
                    Op::ResizeBilinear { align_corners, half_pixel_centers },
                    sampling.bilinear(rows[0], rows[1]),
                    sampling.bilinear(columns[0], columns[1]),
                ),
            ];
            for (op, tall, wide) in candidates {
                let ours = apply(&image, columns[0], &tall, &wide);
                if ours.iter().zip(&first_channel).all(|(ours, theirs)| (ours - theirs).abs() < 0.05) {
                    let tensor = self.emit(&node.name, op, vec![value.tensor], permuted(&to, &order))?;
                    return Ok(Value { tensor, ..value });
                }
            }
        }
        Err(Problem::Form(
            "this way to resize; nearest or linear with asymmetric, half_pixel or align_corners coordinates are \
             supported"
                .into(),
        ))
    }
}

/// `tall * image * transposed(wide)`.
fn apply(image: &[f32], columns: usize, tall: &[f32], wide: &[f32]) -> Vec<f32> {
    let rows = image.len() / columns;
    let mut result = Vec::new();
    for down in tall.chunks_exact(rows) {
        let line: Vec<f32> = (0..columns)
            .map(|column| {
                down.iter().enumerate().map(|(row, share)| share * image[row * columns + column]).sum()
            })
            .collect();
        result.extend(
            wide.chunks_exact(columns)
                .map(|across| across.iter().zip(&line).map(|(share, pixel)| share * pixel).sum::<f32>()),
        );
    }
    result
}
