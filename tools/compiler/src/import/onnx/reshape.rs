//! Reshapes of values whose axes are stored in another order than ONNX sees.
//!
//! A reshape splits axes and joins neighbours. Where the axes that it joins stand side by side in memory too,
//! the others keep their order and nothing is moved; otherwise one transpose brings them together.

use tract_core::model::TypedNode;

use super::layout::{Layout, Pending, Value, permuted};
use super::lower::Lowering;
use crate::graph::Op;
use crate::import::Problem;

/// Axes of one side of a reshape that hold the same numbers as those of the other side.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    from: Vec<usize>,
    to: Vec<usize>,
}

impl Lowering<'_> {
    /// A value under another shape, as ONNX sees both.
    pub(super) fn reshape(
        &mut self,
        node: &TypedNode,
        value: Value,
        from: &[usize],
        to: &[usize],
    ) -> Result<Value, Problem> {
        if let Layout::Flattened { shape, order } = &value.layout
            && to[1..] == shape[..]
        {
            // What was flattened gets its axes back.
            let order: Vec<usize> = std::iter::once(0).chain(order.iter().map(|&axis| axis + 1)).collect();
            return self.renamed(node, value, to, order);
        }
        let order = value.order()?.to_vec();
        let blocks =
            blocks(from, to).ok_or_else(|| Problem::Invalid(format!("reshape of {from:?} to {to:?}")))?;
        if let Some(order) = carried(&blocks, from, to, &order) {
            return self.renamed(node, value, to, order);
        }
        // Rows of a flattened image: the next matrix product takes its columns in this order.
        if to.len() == 2 && to[0] == from[0] && order[0] == 0 {
            let stored = permuted(from, &order);
            let tensor = self.emit(&node.name, Op::Reshape, vec![value.tensor], to.to_vec())?;
            let layout = Layout::Flattened {
                shape: from[1..].to_vec(),
                order: order[1..].iter().map(|&axis| axis - 1).collect(),
            };
            debug_assert_eq!(stored[0], to[0]);
            return Ok(Value { tensor, layout, pending: Pending::None });
        }
        let together = together(&blocks, from, &order);
        let tensor = self.arrange(&value, from, &together)?;
        let value = Value { tensor, layout: Layout::Axes(together.clone()), pending: Pending::None };
        let order = carried(&blocks, from, to, &together)
            .ok_or_else(|| Problem::Invalid(format!("reshape of {from:?} to {to:?}")))?;
        self.renamed(node, value, to, order)
    }

    fn renamed(
        &mut self,
        node: &TypedNode,
        value: Value,
        to: &[usize],
        order: Vec<usize>,
    ) -> Result<Value, Problem> {
        let tensor = self.emit(&node.name, Op::Reshape, vec![value.tensor], permuted(to, &order))?;
        Ok(Value { tensor, layout: Layout::Axes(order), pending: Pending::None })
    }
}

/// The smallest blocks; axes of extent 1 belong to none.
fn blocks(from: &[usize], to: &[usize]) -> Option<Vec<Block>> {
    let long = |shape: &[usize]| (0..shape.len()).filter(|&axis| shape[axis] != 1).collect::<Vec<usize>>();
    let (mut rest_from, mut rest_to) = (long(from).into_iter(), long(to).into_iter());
    let mut blocks = Vec::new();
    while let Some(first) = rest_from.next() {
        let mut block = Block { from: vec![first], to: vec![rest_to.next()?] };
        let (mut left, mut right) = (from[first], to[block.to[0]]);
        while left != right {
            if left < right {
                let axis = rest_from.next()?;
                left = left.checked_mul(from[axis])?;
                block.from.push(axis);
            } else {
                let axis = rest_to.next()?;
                right = right.checked_mul(to[axis])?;
                block.to.push(axis);
            }
        }
        blocks.push(block);
    }
    rest_to.next().is_none().then_some(blocks)
}

/// The order in which the new axes stand when nothing is moved; `None` where axes that are joined stand apart.
fn carried(blocks: &[Block], from: &[usize], to: &[usize], order: &[usize]) -> Option<Vec<usize>> {
    let stored: Vec<usize> = order.iter().copied().filter(|&axis| from[axis] != 1).collect();
    let mut result: Vec<usize> = Vec::with_capacity(to.len());
    let mut rest = &stored[..];
    while let Some(first) = rest.first() {
        let block = blocks.iter().find(|block| block.from[0] == *first)?;
        rest = rest.strip_prefix(&block.from[..])?;
        result.extend(&block.to);
    }
    // An axis of extent 1 can stand anywhere; behind its neighbour it is found most easily.
    for axis in (0..to.len()).filter(|&axis| to[axis] == 1) {
        let behind = axis.checked_sub(1).and_then(|before| result.iter().position(|&other| other == before));
        result.insert(behind.map_or(0, |place| place + 1), axis);
    }
    Some(result)
}

/// The order with the axes of each block side by side, where the first of them stood.
fn together(blocks: &[Block], from: &[usize], order: &[usize]) -> Vec<usize> {
    let mut result: Vec<usize> = order.iter().copied().filter(|&axis| from[axis] == 1).collect();
    for axis in order {
        if let Some(block) = blocks.iter().find(|block| block.from.contains(axis))
            && !result.contains(axis)
        {
            result.extend(&block.from);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[N, C, H, W]` stored as `[N, H, W, C]`.
    const IMAGE: [usize; 4] = [0, 2, 3, 1];

    #[test]
    fn channels_split_where_they_stand() {
        let (from, to) = ([2, 6, 4, 5], [2, 3, 2, 4, 5]);
        let blocks = blocks(&from, &to).unwrap();
        assert_eq!(blocks[1], Block { from: vec![1], to: vec![1, 2] });
        assert_eq!(carried(&blocks, &from, &to, &IMAGE), Some(vec![0, 3, 4, 1, 2]));
    }

    #[test]
    fn neighbours_in_memory_join_and_others_are_brought_together() {
        let (from, to) = ([2, 6, 4, 5], [2, 6, 20]);
        let blocks_of_rows = blocks(&from, &to).unwrap();
        assert_eq!(carried(&blocks_of_rows, &from, &to, &IMAGE), Some(vec![0, 2, 1]));
        let to = [2, 24, 5];
        let blocks = blocks(&from, &to).unwrap();
        assert_eq!(carried(&blocks, &from, &to, &IMAGE), None);
        let order = together(&blocks, &from, &IMAGE);
        assert_eq!(order, [0, 1, 2, 3]);
        assert_eq!(carried(&blocks, &from, &to, &order), Some(vec![0, 1, 2]));
    }

    #[test]
    fn axes_of_extent_one_come_and_go() {
        let (from, to) = ([1, 8, 1, 1], [8]);
        let blocks_of_8 = blocks(&from, &to).unwrap();
        assert_eq!(carried(&blocks_of_8, &from, &to, &IMAGE), Some(vec![0]));
        let blocks_of_1 = blocks(&[8], &from).unwrap();
        assert_eq!(carried(&blocks_of_1, &[8], &from, &[0]), Some(vec![0, 1, 2, 3]));
        assert_eq!(blocks(&[2, 3], &[7]), None);
    }
}
