//! In which order the axes of a value are stored, compared with the order that ONNX sees.

use std::sync::Arc;

use tract_core::internal::Tensor as TractTensor;

use crate::graph::{Op, TensorId};
use crate::import::Problem;
use crate::moves::Walk;

/// A value of the ONNX graph in ours.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// The tensor that stores it.
    pub(super) tensor: TensorId,
    pub(super) layout: Layout,
    /// What is still to be applied to every element of the tensor.
    pub(super) pending: Pending,
}

/// Stored axes in terms of ONNX's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Stored axis `i` is ONNX's axis `order[i]`.
    Axes(Vec<usize>),
    /// ONNX sees `[N, product of shape]`; stored are the axes of `shape` in another order, flattened too.
    Flattened {
        /// Extents as ONNX had them before it flattened them.
        shape: Vec<usize>,
        /// Stored axis `i` is axis `order[i]` of `shape`.
        order: Vec<usize>,
    },
}

/// Element-wise steps that tract states as several operators and we as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pending {
    /// Nothing.
    None,
    /// Limits below and above.
    Clamp(f32, f32),
    /// A factor.
    Scale(f32),
}

/// `[N, C, H, W]` stored as `[N, H, W, C]`.
pub(super) const NCHW_AS_NHWC: [usize; 4] = [0, 2, 3, 1];

impl Value {
    /// The order of stored axes, where it is one.
    pub(super) fn order(&self) -> Result<&[usize], Problem> {
        match &self.layout {
            Layout::Axes(order) => Ok(order),
            Layout::Flattened { .. } => {
                Err(Problem::Form("a flattened image that goes elsewhere than into Gemm or MatMul".into()))
            }
        }
    }
}

/// A shape in another order of axes.
pub(super) fn permuted(shape: &[usize], order: &[usize]) -> Vec<usize> {
    order.iter().map(|&axis| shape[axis]).collect()
}

/// Whether two orders differ by axes of extent 1 alone, so that memory is the same.
pub(super) fn same_memory(shape: &[usize], left: &[usize], right: &[usize]) -> bool {
    let long =
        |order: &[usize]| -> Vec<usize> { order.iter().copied().filter(|&axis| shape[axis] != 1).collect() };
    long(left) == long(right)
}

/// Row-major values with their axes in another order.
pub(super) fn transpose<T: Copy>(values: &[T], shape: &[usize], order: &[usize]) -> Vec<T> {
    let transpose = Op::Transpose { order: order.to_vec() };
    Walk::of(&transpose, shape, &permuted(shape, order)).expect("a walk").take(values)
}

/// The numbers of a constant in row-major order.
pub(super) fn numbers(tensor: &Arc<TractTensor>) -> Result<Vec<f32>, Problem> {
    let wrong = |error| Problem::Form(format!("a constant that is not of floats: {error:#}"));
    let floats = tensor.cast_to::<f32>().map_err(wrong)?;
    let view = floats.to_plain_array_view::<f32>().map_err(wrong)?;
    Ok(view.iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_follows_the_order() {
        let values: Vec<u8> = (0..6).collect();
        assert_eq!(transpose(&values, &[2, 3], &[1, 0]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(transpose(&values, &[1, 2, 1, 3], &[0, 2, 3, 1]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(transpose(&[7], &[], &[]), [7]);
        let cube: Vec<u8> = (0..24).collect();
        let there = transpose(&cube, &[2, 3, 4], &[2, 0, 1]);
        assert_eq!(transpose(&there, &[4, 2, 3], &[1, 2, 0]), cube);
    }

    #[test]
    fn axes_of_extent_one_move_freely() {
        assert!(same_memory(&[1, 8, 1, 1], &[0, 1, 2, 3], &NCHW_AS_NHWC));
        assert!(!same_memory(&[1, 8, 2, 1], &[0, 1, 2, 3], &NCHW_AS_NHWC));
    }
}
