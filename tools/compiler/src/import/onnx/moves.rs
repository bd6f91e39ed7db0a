//! Operators that pick, repeat and surround: each as one of the graph's moves, in the order in which the
//! operand's axes are stored.

use tract_core::internal::DimLike;
use tract_core::model::{OutletId, TypedNode};
use tract_core::ops::array::{Pad, PadMode, Slice, StridedSlice, Tile};
use tract_core::ops::downsample::Downsample;

use super::layout::{Layout, Pending, Value, permuted};
use super::lower::Lowering;
use crate::graph::Op;
use crate::import::Problem;
use crate::moves::{Edge, continued};

impl Lowering<'_> {
    /// A range of one axis.
    pub(super) fn slice(&mut self, node: &TypedNode, op: &Slice) -> Result<Value, Problem> {
        let begin =
            op.start.to_usize().map_err(|error| Problem::Form(format!("a computed start: {error:#}")))?;
        self.cut(node, &[(op.axis, begin, 1)])
    }

    /// Every so many of one axis, from its end where the stride is negative.
    pub(super) fn downsample(&mut self, node: &TypedNode, op: &Downsample) -> Result<Value, Problem> {
        let extent = self.shape(node.inputs[0])?[op.axis];
        let begin = if op.stride > 0 { op.modulo } else { extent - 1 };
        if op.stride < 0 && op.modulo != 0 {
            return Err(Problem::Form(format!("stride {} with offset {}", op.stride, op.modulo)));
        }
        self.cut(node, &[(op.axis, begin, op.stride)])
    }

    /// Ranges of several axes, in steps.
    pub(super) fn strided_slice(&mut self, node: &TypedNode, op: &StridedSlice) -> Result<Value, Problem> {
        let shape = self.shape(node.inputs[0])?;
        if [op.begin_mask, op.end_mask, op.shrink_axis_mask] != [0; 3] {
            return Err(Problem::Form("a slice with masks".into()));
        }
        let starts = self.integers(node.inputs[1])?;
        let listed = |input: Option<usize>, otherwise: Vec<i64>| {
            input.map_or(Ok(otherwise), |input| self.integers(node.inputs[input]))
        };
        let axes = listed(op.optional_axes_input, (0..starts.len() as i64).collect())?;
        let steps = listed(op.optional_steps_input, vec![1; starts.len()])?;
        let mut cuts = Vec::new();
        for ((axis, start), step) in axes.into_iter().zip(starts).zip(steps) {
            let axis = usize::try_from(if axis < 0 { axis + shape.len() as i64 } else { axis });
            let axis = axis.ok().filter(|&axis| axis < shape.len());
            let axis = axis.ok_or_else(|| Problem::Invalid(format!("an axis beyond {}", shape.len())))?;
            let extent = shape[axis] as i64;
            let first = if start < 0 { start.saturating_add(extent) } else { start };
            cuts.push((axis, first.clamp(0, extent - 1) as usize, step as isize));
        }
        self.cut(node, &cuts)
    }

    /// From a first place on, in steps, along some axes; the result's shape says how many.
    fn cut(&mut self, node: &TypedNode, cuts: &[(usize, usize, isize)]) -> Result<Value, Problem> {
        let value = self.settled(node.inputs[0])?;
        let order = value.order()?.to_vec();
        let (mut begin, mut steps) = (vec![0; order.len()], vec![1; order.len()]);
        for &(axis, first, step) in cuts {
            let place = place(&order, axis)?;
            (begin[place], steps[place]) = (first, step);
        }
        let shape = permuted(&self.shape(OutletId::new(node.id, 0))?, &order);
        let tensor = self.emit(&node.name, Op::Slice { begin, steps }, vec![value.tensor], shape)?;
        Ok(Value { tensor, ..value })
    }

    /// The numbers of a constant of integers.
    fn integers(&self, outlet: OutletId) -> Result<Vec<i64>, Problem> {
        let constant =
            self.constant(outlet).ok_or_else(|| Problem::Form("places that are computed".into()))?;
        let integers = constant.cast_to::<i64>().and_then(|constant| {
            Ok(constant.to_plain_array_view::<i64>()?.iter().copied().collect::<Vec<i64>>())
        });
        integers.map_err(|error| Problem::Form(format!("places that are no integers: {error:#}")))
    }

    /// Constant places of one axis, which becomes as many axes as the places have.
    pub(super) fn gather(&mut self, node: &TypedNode, axis: usize) -> Result<Value, Problem> {
        let mut from = self.shape(node.inputs[0])?;
        let extent = from[axis] as i64;
        let places = self
            .integers(node.inputs[1])?
            .into_iter()
            .map(|place| usize::try_from(if place < 0 { place + extent } else { place }))
            .collect::<Result<Vec<usize>, _>>()
            .map_err(|_| Problem::Invalid(format!("places beyond {extent}")))?;
        let value = self.settled(node.inputs[0])?;
        let value = self.at(node, value, &from, axis, places.clone())?;
        from[axis] = places.len();
        let to = self.shape(OutletId::new(node.id, 0))?;
        if from == to { Ok(value) } else { self.reshape(node, value, &from, &to) }
    }

    /// The listed places of an axis.
    pub(super) fn at(
        &mut self,
        node: &TypedNode,
        value: Value,
        from: &[usize],
        axis: usize,
        indices: Vec<usize>,
    ) -> Result<Value, Problem> {
        let order = value.order()?.to_vec();
        let mut shape = from.to_vec();
        shape[axis] = indices.len();
        let op = Op::Gather { axis: place(&order, axis)?, indices };
        let tensor = self.emit(&node.name, op, vec![value.tensor], permuted(&shape, &order))?;
        Ok(Value { tensor, ..value })
    }

    /// Axes of extent 1, or missing ones in front, repeat to the result's shape.
    pub(super) fn broadcast_to(&mut self, node: &TypedNode) -> Result<Value, Problem> {
        let value = self.settled(node.inputs[0])?;
        let (from, to) = (self.shape(node.inputs[0])?, self.shape(OutletId::new(node.id, 0))?);
        let missing = to.len().saturating_sub(from.len());
        let mut order: Vec<usize> = (0..missing).collect();
        order.extend(value.order()?.iter().map(|&axis| axis + missing));
        let full: Vec<usize> = std::iter::repeat_n(1, missing).chain(from).collect();
        let input = match missing {
            0 => value.tensor,
            _ => self.emit(&node.name, Op::Reshape, vec![value.tensor], permuted(&full, &order))?,
        };
        let tensor = self.emit(&node.name, Op::Expand, vec![input], permuted(&to, &order))?;
        Ok(Value { tensor, layout: Layout::Axes(order), pending: Pending::None })
    }

    /// The whole operand several times along each axis: an axis of repetitions before it, joined with it.
    pub(super) fn tile(&mut self, node: &TypedNode, op: &Tile) -> Result<Value, Problem> {
        let mut value = self.settled(node.inputs[0])?;
        let order = value.order()?.to_vec();
        let mut stored = permuted(&self.shape(node.inputs[0])?, &order);
        for (place, &axis) in order.iter().enumerate() {
            let times = op.multipliers[axis]
                .to_usize()
                .map_err(|error| Problem::Form(format!("computed repetitions: {error:#}")))?;
            if times == 1 {
                continue;
            }
            stored.insert(place, 1);
            let apart = self.emit(&node.name, Op::Reshape, vec![value.tensor], stored.clone())?;
            stored[place] = times;
            let repeated = self.emit(&node.name, Op::Expand, vec![apart], stored.clone())?;
            stored.remove(place);
            stored[place] = stored[place].saturating_mul(times);
            value.tensor = self.emit(&node.name, Op::Reshape, vec![repeated], stored.clone())?;
        }
        Ok(value)
    }

    pub(super) fn pad(&mut self, node: &TypedNode, op: &Pad) -> Result<Value, Problem> {
        let mut value = self.settled(node.inputs[0])?;
        let mut shape = self.shape(node.inputs[0])?;
        let edge = match &op.mode {
            PadMode::Constant(number) => {
                let number = *number.cast_to_scalar::<f32>().as_ref().map_err(|error| {
                    Problem::Form(format!("padding with a constant that is no number: {error:#}"))
                })?;
                return self.surround(node, op, value, number);
            }
            PadMode::Reflect => Edge::Reflect,
            PadMode::Edge => Edge::Repeat,
        };
        for (axis, &(before, after)) in op.pads.iter().enumerate() {
            if before + after > 0 {
                let indices = continued(shape[axis], before, after, edge)
                    .ok_or_else(|| Problem::Form(format!("{before} and {after} places around an axis")))?;
                value = self.at(node, value, &shape, axis, indices)?;
                shape[axis] += before + after;
            }
        }
        Ok(value)
    }

    fn surround(&mut self, node: &TypedNode, op: &Pad, value: Value, number: f32) -> Result<Value, Problem> {
        let order = value.order()?.to_vec();
        let before = order.iter().map(|&axis| op.pads[axis].0).collect();
        let after = order.iter().map(|&axis| op.pads[axis].1).collect();
        let shape = permuted(&self.shape(OutletId::new(node.id, 0))?, &order);
        let op = Op::Pad { before, after, value: number };
        let tensor = self.emit(&node.name, op, vec![value.tensor], shape)?;
        Ok(Value { tensor, ..value })
    }
}

/// Where an axis of ONNX is stored.
pub(super) fn place(order: &[usize], axis: usize) -> Result<usize, Problem> {
    order
        .iter()
        .position(|&stored| stored == axis)
        .ok_or_else(|| Problem::Invalid(format!("axis {axis} of {}", order.len())))
}
