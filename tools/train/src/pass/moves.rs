//! Operators that move numbers or reduce axes.

use burn::tensor::{Int, Tensor, TensorData};
use ocelli_compiler::graph::{Node, Op, Reduction};

use super::{Pass, axes, from_rows};
use crate::error::TrainError;

impl Pass<'_> {
    /// The operators that are neither layers with weights nor elementwise.
    pub(super) fn moved(&self, node: &Node) -> Result<Tensor<4>, TrainError> {
        let input = self.first(node)?;
        let rank = self.graph().tensors[node.inputs[0]].shape.len();
        if rank > 4 || self.graph().tensors[node.outputs[0]].shape.len() > 4 {
            return Err(Pass::refused(node, "it has more than 4 axes"));
        }
        let out_rank = self.graph().tensors[node.outputs[0]].shape.len();
        match &node.op {
            Op::Reshape => self.reshaped(node, input),
            Op::Concatenate { axis } => {
                let parts = node.inputs.iter().map(|&id| self.operand(node, id));
                Ok(Tensor::cat(parts.collect::<Result<Vec<_>, _>>()?, axes::place(*axis, out_rank)))
            }
            Op::Pad { before, after, value } => {
                let mut pairs = [(0, 0); 4];
                for axis in 0..rank {
                    pairs[axes::place(axis, rank)] = (before[axis], after[axis]);
                }
                if pairs[0] != (0, 0) {
                    return Err(Pass::refused(node, "it pads the batch"));
                }
                Ok(input.pad(pairs, *value))
            }
            Op::Transpose { order } => self.transposed(node, input, order),
            Op::Slice { begin, steps } => {
                let shape = &self.graph().tensors[node.outputs[0]].shape;
                let mut sliced = input;
                for axis in 1..rank {
                    let places: Vec<i32> = (0..shape[axis])
                        .map(|index| (begin[axis] as isize + index as isize * steps[axis]) as i32)
                        .collect();
                    sliced = self.selected(sliced, axes::place(axis, rank), &places);
                }
                Ok(sliced)
            }
            Op::Gather { axis, indices } if *axis > 0 => {
                let places: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
                Ok(self.selected(input, axes::place(*axis, rank), &places))
            }
            Op::Expand => {
                let shape = axes::batched(&self.graph().tensors[node.outputs[0]].shape, self.batch);
                let [n, h, w, c] = shape;
                Ok(input.expand([n, c, h, w]))
            }
            Op::ResizeNearest { .. } | Op::ResizeBilinear { .. } | Op::Interpolate { .. } => {
                self.resized(node, input)
            }
            Op::Reduce { reduction, axes: reduced } => {
                let mut result = input;
                for &axis in reduced.iter() {
                    if axis == 0 {
                        return Err(Pass::refused(node, "it reduces the batch"));
                    }
                    let place = axes::place(axis, rank);
                    result = match reduction {
                        Reduction::Mean => result.mean_dim(place),
                        Reduction::Sum => result.sum_dim(place),
                        Reduction::Maximum => result.max_dim(place),
                        Reduction::Minimum => result.neg().max_dim(place).neg(),
                        _ => return Err(Pass::refused(node, "a place has no gradient")),
                    };
                }
                self.reshaped(node, result)
            }
            _ => Err(Pass::refused(node, "training has no form of it")),
        }
    }

    /// The same numbers under the shape of the node's output.
    pub(super) fn reshaped(&self, node: &Node, input: Tensor<4>) -> Result<Tensor<4>, TrainError> {
        let shape = &self.graph().tensors[node.outputs[0]].shape;
        if shape.first() != Some(&1) || shape.len() > 4 {
            return Err(Pass::refused(node, format!("its output {shape:?} has no axis for the batch")));
        }
        let features = input.dims().iter().product::<usize>() / self.batch;
        Ok(from_rows(axes::to_rows(input, features), shape, self.batch))
    }

    fn transposed(&self, node: &Node, input: Tensor<4>, order: &[usize]) -> Result<Tensor<4>, TrainError> {
        if order[0] != 0 {
            return Err(Pass::refused(node, "it moves the batch"));
        }
        let rank = order.len();
        let mut places = [0, 1, 2, 3];
        for (axis, &source) in order.iter().enumerate() {
            places[axes::place(axis, rank)] = axes::place(source, rank);
        }
        Ok(input.permute(places))
    }

    fn selected(&self, input: Tensor<4>, place: usize, places: &[i32]) -> Tensor<4> {
        let is_all = places.len() == input.dims()[place]
            && places.iter().enumerate().all(|(at, &from)| at as i32 == from);
        if is_all {
            return input;
        }
        let indices = TensorData::new(places.to_vec(), [places.len()]);
        input.select(place, Tensor::<1, Int>::from_data(indices, &self.device))
    }

    /// Resizing is a product with a constant matrix for each axis, as in the float oracle.
    fn resized(&self, node: &Node, input: Tensor<4>) -> Result<Tensor<4>, TrainError> {
        let of = |id: usize| match self.graph().tensors[id].shape[..] {
            [_, height, width, _] => Ok([height, width]),
            _ => Err(Pass::refused(node, "it resizes no picture")),
        };
        let (from, to) = (of(node.inputs[0])?, of(node.outputs[0])?);
        let matrices = [0, 1].map(|axis| {
            let rows = ocelli_compiler::resize_matrix(&node.op, axis, from[axis], to[axis]);
            Tensor::<2>::from_data(TensorData::new(rows, [to[axis], from[axis]]), &self.device)
        });
        let [rows, columns] = matrices;
        let rows = rows.reshape([1, 1, to[0], from[0]]);
        let columns = columns.transpose().reshape([1, 1, from[1], to[1]]);
        Ok(rows.matmul(input).matmul(columns))
    }
}
