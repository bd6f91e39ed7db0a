//! Operators that only move values, as walks over their input: what lowering writes into an artefact, what
//! folding does to constants, and the index lists that importers make of padding.

use crate::graph::Op;

/// Which element of the input becomes which of the output: from `start`, with a stride along each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) start: usize,
    /// Axes of the output.
    pub(crate) shape: Vec<usize>,
    /// In elements of the input, for each axis of the output.
    pub(crate) strides: Vec<isize>,
}

impl Walk {
    /// The walk of an operator between two shapes that were checked; `None` for operators that are no walks.
    pub(crate) fn of(op: &Op, input: &[usize], output: &[usize]) -> Option<Walk> {
        let natural = strides(input);
        let (start, strides): (usize, Vec<isize>) = match op {
            Op::Transpose { order } => (0, order.iter().map(|&axis| natural[axis]).collect()),
            Op::Slice { begin, steps } => {
                let start = begin.iter().zip(&natural).map(|(&begin, &stride)| begin * stride as usize).sum();
                (start, steps.iter().zip(&natural).map(|(step, stride)| step.wrapping_mul(*stride)).collect())
            }
            Op::Expand => {
                let repeats = |axis: usize| if input[axis] == 1 { 0 } else { natural[axis] };
                (0, (0..input.len()).map(repeats).collect())
            }
            Op::Reshape => (0, self::strides(output)),
            _ => return None,
        };
        // Nobody walks along a single place.
        let strides =
            strides.into_iter().zip(output).map(|(stride, &extent)| if extent > 1 { stride } else { 0 });
        Some(Walk { start, shape: output.to_vec(), strides: strides.collect() })
    }

    /// Whether it visits the whole input in order.
    pub(crate) fn stays(&self) -> bool {
        let natural = strides(&self.shape);
        let mut axes = self.shape.iter().zip(self.strides.iter().zip(&natural));
        self.start == 0 && axes.all(|(&extent, (stride, natural))| extent == 1 || stride == natural)
    }

    /// The values that it visits.
    pub(crate) fn take<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let mut index = vec![0; self.shape.len()];
        let mut position = self.start as isize;
        (0..self.shape.iter().product())
            .map(|_| {
                let value = values[position as usize];
                for axis in (0..self.shape.len()).rev() {
                    index[axis] += 1;
                    position += self.strides[axis];
                    if index[axis] < self.shape[axis] {
                        break;
                    }
                    position -= self.strides[axis] * self.shape[axis] as isize;
                    index[axis] = 0;
                }
                value
            })
            .collect()
    }
}

/// Distances of neighbours in memory along each axis.
fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1] as isize;
    }
    strides
}

/// A list of places as its first place and its step, where every step is the same.
pub(crate) fn progression(indices: &[usize]) -> Option<(usize, isize)> {
    let (&first, rest) = indices.split_first()?;
    let step = rest.first().map_or(1, |&second| second as isize - first as isize);
    let even = (0..).zip(indices).all(|(count, &index)| index as isize == first as isize + count * step);
    (even && step != 0).then_some((first, step))
}

/// What continues a tensor beyond its edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The mirror image, the last place not repeated.
    Reflect,
    /// The mirror image, the last place repeated.
    Symmetric,
    /// The last place.
    Repeat,
}

/// More places than any real model adds to an axis.
const MAX_PADDING: usize = 1 << 20;

/// Places of an axis with `before` and `after` more of them; `None` for more than [`MAX_PADDING`].
pub(crate) fn continued(extent: usize, before: usize, after: usize, edge: Edge) -> Option<Vec<usize>> {
    if before.max(after) > MAX_PADDING {
        return None;
    }
    let (last, before) = (extent as i64 - 1, before as i64);
    let place = |index: i64| {
        // Twice there and back.
        let (period, turn) = match edge {
            Edge::Reflect => (2 * last.max(1), 0),
            Edge::Symmetric => (2 * (last + 1), 1),
            Edge::Repeat => return index.clamp(0, last),
        };
        let along = index.rem_euclid(period);
        if along > last { (period - turn - along).min(last) } else { along }
    };
    Some((-before..extent as i64 + after as i64).map(|index| place(index) as usize).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_take_what_they_say() {
        let values: Vec<u8> = (0..6).collect();
        let take = |op: Op, output: &[usize]| Walk::of(&op, &[2, 3], output).unwrap().take(&values);
        assert_eq!(take(Op::Transpose { order: vec![1, 0] }, &[3, 2]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(take(Op::Slice { begin: vec![1, 2], steps: vec![-1, -2] }, &[2, 2]), [5, 3, 2, 0]);
        let expanded = Walk::of(&Op::Expand, &[2, 1], &[2, 2]).unwrap();
        assert_eq!(expanded.take(&[7, 8]), [7, 7, 8, 8]);
        assert!(Walk::of(&Op::Reshape, &[2, 3], &[6]).unwrap().stays());
        assert!(Walk::of(&Op::Transpose { order: vec![1, 0] }, &[1, 3], &[3, 1]).unwrap().stays());
        assert!(!expanded.stays());
    }

    #[test]
    fn edges_continue_as_numpy_pads() {
        assert_eq!(continued(3, 2, 3, Edge::Reflect).unwrap(), [2, 1, 0, 1, 2, 1, 0, 1]);
        assert_eq!(continued(3, 2, 4, Edge::Symmetric).unwrap(), [1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(continued(2, 1, 2, Edge::Repeat).unwrap(), [0, 0, 1, 1, 1]);
        assert_eq!(continued(1, 1, 1, Edge::Reflect).unwrap(), [0, 0, 0]);
        assert_eq!(continued(1, MAX_PADDING + 1, 0, Edge::Repeat), None);
    }

    #[test]
    fn even_lists_are_slices() {
        assert_eq!(progression(&[4, 2, 0]), Some((4, -2)));
        assert_eq!(progression(&[3]), Some((3, 1)));
        assert_eq!(progression(&[0, 0]), None);
        assert_eq!(progression(&[0, 1, 3]), None);
    }
}
