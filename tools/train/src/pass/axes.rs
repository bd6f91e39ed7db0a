//! Axes of the graph as axes of a pass.

use burn::tensor::Tensor;

/// `[N, H, W, C]` of an activation of this shape; missing axes stand between the batch and the rest.
pub(super) fn batched(shape: &[usize], batch: usize) -> [usize; 4] {
    let mut padded = [1; 4];
    if let Some((first, rest)) = shape.split_first() {
        let start = 4usize.saturating_sub(rest.len());
        padded[start..].copy_from_slice(&rest[rest.len().saturating_sub(3)..]);
        padded[0] = first * batch;
    }
    padded
}

/// `[N, H, W, C]` of a constant, whose first axes broadcast.
pub(super) fn constant_shape(shape: &[usize]) -> Option<[usize; 4]> {
    let mut padded = [1; 4];
    padded.get_mut(4usize.checked_sub(shape.len())?..)?.copy_from_slice(shape);
    Some(padded)
}

/// Where axis `axis` of a graph's tensor of rank `rank` is in `[N, C, H, W]`.
pub(super) fn place(axis: usize, rank: usize) -> usize {
    const IN_CHANNELS_FIRST: [usize; 4] = [0, 2, 3, 1];
    if axis == 0 { 0 } else { IN_CHANNELS_FIRST[4 + axis - rank] }
}

/// `[N, C, H, W]` as rows of `features` numbers in the graph's own order.
pub(crate) fn to_rows(tensor: Tensor<4>, features: usize) -> Tensor<2> {
    let rows = tensor.dims().iter().product::<usize>() / features.max(1);
    tensor.permute([0, 2, 3, 1]).reshape([rows, features])
}

/// Numbers in the graph's own order as `[N, C, H, W]` of an activation of this shape.
pub(crate) fn from_rows(rows: Tensor<2>, shape: &[usize], batch: usize) -> Tensor<4> {
    rows.reshape(batched(shape, batch)).permute([0, 3, 1, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_axes_stand_behind_the_batch() {
        assert_eq!(batched(&[1, 7], 5), [5, 1, 1, 7]);
        assert_eq!(batched(&[1, 6, 4], 5), [5, 1, 6, 4]);
        assert_eq!(batched(&[1, 2, 3, 4], 5), [5, 2, 3, 4]);
        assert_eq!(constant_shape(&[3, 4]), Some([1, 1, 3, 4]));
        assert_eq!(constant_shape(&[1; 5]), None);
        assert_eq!([place(0, 4), place(1, 4), place(2, 4), place(3, 4)], [0, 2, 3, 1]);
        assert_eq!([place(0, 2), place(1, 2)], [0, 1]);
    }
}
