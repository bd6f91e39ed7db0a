//! Products of matrices: Gemm, MatMul and what else tract states as an Einstein sum.

use tract_core::model::{OutletId, TypedNode};
use tract_core::ops::einsum::EinSum;

use super::layout::{Layout, Pending, Value, numbers, same_memory, transpose};
use super::lower::Lowering;
use crate::graph::{Activation, Op};
use crate::import::Problem;

impl Lowering<'_> {
    pub(super) fn product(&mut self, node: &TypedNode, sum: &EinSum) -> Result<Value, Problem> {
        let refuse = || {
            Problem::Form(format!("the sum {}; an activation times a constant matrix is supported", sum.axes))
        };
        if sum.q_params.is_some() || node.inputs.len() != 2 {
            return Err(refuse());
        }
        let (slot, matrix) = match (self.constant(node.inputs[0]), self.constant(node.inputs[1])) {
            (None, Some(matrix)) => (0, matrix),
            (Some(matrix), None) => (1, matrix),
            _ => return self.product_of_values(node, sum),
        };
        let input = node.inputs[slot];
        let (shape, result) = (self.shape(input)?, self.shape(OutletId::new(node.id, 0))?);

        // The axis that is summed, the matrix's own, and those that only pass through.
        let (mut summed, mut own, mut through) = (None, None, Vec::new());
        let mut matrix_order = [None; 2];
        let mut spare = Vec::new();
        for axis in sum.axes.iter_all_axes() {
            let single = |places: &[usize]| match places {
                [] => Ok(None),
                &[place] => Ok(Some(place)),
                _ => Err(refuse()),
            };
            let of_input = single(&axis.inputs[slot])?;
            let of_matrix = single(&axis.inputs[1 - slot])?;
            let of_result = single(&axis.outputs[0])?;
            match (of_input, of_matrix, of_result) {
                (Some(input), Some(place), None) if summed.is_none() => {
                    summed = Some(input);
                    matrix_order[1] = Some(place);
                }
                (None, Some(place), Some(result)) if own.is_none() && matrix.shape()[place] != 1 => {
                    own = Some(result);
                    matrix_order[0] = Some(place);
                }
                (None, Some(place), Some(result)) if matrix.shape()[place] == 1 => {
                    spare.push((place, Some(result)))
                }
                (None, Some(place), None) if matrix.shape()[place] == 1 => spare.push((place, None)),
                (Some(input), Some(place), Some(result)) if matrix.shape()[place] == 1 => {
                    through.push((input, result));
                    spare.push((place, None));
                }
                (Some(input), None, Some(result)) => through.push((input, result)),
                _ => return Err(refuse()),
            }
        }
        // A matrix with a single row or column has its own axis among those of extent 1.
        if own.is_none() {
            let at = spare.iter().rposition(|(_, result)| result.is_some()).ok_or_else(refuse)?;
            let (place, result) = spare.remove(at);
            (own, matrix_order[0]) = (result, Some(place));
        }
        if spare.iter().any(|(_, result)| result.is_some()) {
            return Err(refuse());
        }
        let (Some(summed), Some(own), Some(rows), Some(columns)) =
            (summed, own, matrix_order[0], matrix_order[1])
        else {
            return Err(refuse());
        };

        let mut order: Vec<usize> = spare.iter().map(|&(place, _)| place).collect();
        order.extend([rows, columns]);
        let mut weights = transpose(&numbers(&matrix)?, matrix.shape(), &order);
        let (outputs, depth) = (matrix.shape()[rows], matrix.shape()[columns]);
        let value = self.settled_flat(input)?;
        let (stored, passed) = match &value.layout {
            Layout::Flattened { shape: image, order } => {
                if summed != 1 {
                    return Err(refuse());
                }
                weights = weights.chunks_exact(depth).flat_map(|row| transpose(row, image, order)).collect();
                (value.tensor, vec![0])
            }
            Layout::Axes(natural) => {
                let passed: Vec<usize> = natural.iter().copied().filter(|&axis| axis != summed).collect();
                let mut wanted = passed.clone();
                wanted.push(summed);
                (self.arrange(&value, &shape, &wanted)?, passed)
            }
        };
        let weights = self.float(format!("{}.weights", node.name), vec![outputs, depth], weights);
        self.note_weights(weights, node.inputs[1 - slot], rows, 0);
        let mut layout = Vec::with_capacity(result.len());
        for axis in passed {
            let &(_, place) = through.iter().find(|&&(input, _)| input == axis).ok_or_else(refuse)?;
            layout.push(place);
        }
        layout.push(own);
        let stored_shape = layout.iter().map(|&axis| result[axis]).collect();
        let op = Op::FullyConnected { activation: Activation::Linear };
        let tensor = self.emit(&node.name, op, vec![stored, weights], stored_shape)?;
        Ok(Value { tensor, layout: Layout::Axes(layout), pending: Pending::None })
    }

    /// A product of two computed matrices, batch by batch.
    fn product_of_values(&mut self, node: &TypedNode, sum: &EinSum) -> Result<Value, Problem> {
        let refuse = || Problem::Form(format!("the sum {} of two computed values", sum.axes));
        let (mut batch, mut rows, mut columns, mut depth) = (Vec::new(), None, None, None);
        for axis in sum.axes.iter_all_axes() {
            match (&axis.inputs[0][..], &axis.inputs[1][..], &axis.outputs[0][..]) {
                (&[left], &[right], &[result]) => batch.push([left, right, result]),
                (&[left], &[], &[result]) if rows.is_none() => rows = Some([left, result]),
                (&[], &[right], &[result]) if columns.is_none() => columns = Some([right, result]),
                (&[left], &[right], &[]) if depth.is_none() => depth = Some([left, right]),
                _ => return Err(refuse()),
            }
        }
        let (Some(rows), Some(columns), Some(depth)) = (rows, columns, depth) else { return Err(refuse()) };
        batch.sort_unstable();
        let order = |side: usize, last: [usize; 2]| -> Vec<usize> {
            batch.iter().map(|axis| axis[side]).chain(last).collect()
        };
        let (left, right) = (self.settled(node.inputs[0])?, self.settled(node.inputs[1])?);
        let (left_shape, right_shape) = (self.shape(node.inputs[0])?, self.shape(node.inputs[1])?);
        let first = self.arrange(&left, &left_shape, &order(0, [rows[0], depth[0]]))?;
        let transposed = order(1, [columns[0], depth[1]]);
        let right_transposed = same_memory(&right_shape, right.order()?, &transposed);
        let wanted = if right_transposed { transposed } else { order(1, [depth[1], columns[0]]) };
        let second = self.arrange(&right, &right_shape, &wanted)?;
        let layout = order(2, [rows[1], columns[1]]);
        let result = self.shape(OutletId::new(node.id, 0))?;
        let stored = layout.iter().map(|&axis| result[axis]).collect();
        let tensor =
            self.emit(&node.name, Op::BatchMatmul { right_transposed }, vec![first, second], stored)?;
        Ok(Value { tensor, layout: Layout::Axes(layout), pending: Pending::None })
    }
}
