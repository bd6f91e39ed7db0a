//! Resizing. ONNX has dozens of variants. Which pixels the file's operator looks at is found out by running it
//! on ramps: nearest neighbours become places along each axis, interpolation becomes positions.

use std::sync::Arc;

use tract_core::internal::{IntoArcTensor, TValue, Tensor as TractTensor, tvec};
use tract_core::model::{OutletId, TypedNode};

use super::layout::{Value, numbers, permuted};
use super::lower::Lowering;
use super::moves::place;
use crate::graph::{Op, TensorId};
use crate::import::Problem;
use crate::moves::Walk;
use crate::resample::Sampling;

/// Positions this close to a pixel are on it.
const ON_A_PIXEL: f32 = 1e-3;

/// An axis of ONNX, and where along it each of the result's places looks.
type Positions = (usize, Vec<f32>);

/// An image as it is stored, the stored shape of its resized form, and the reference's sampling.
type AsImage = (TensorId, Vec<usize>, Sampling);

/// The part of a result that looks inside the operand, and what stands around it.
struct Inside {
    /// Shape of the whole result.
    whole: Vec<usize>,
    /// First place of the part along each axis.
    begin: Vec<usize>,
    /// Its shape.
    shape: Vec<usize>,
    border: f32,
}

impl Lowering<'_> {
    pub(super) fn resize(&mut self, node: &TypedNode) -> Result<Value, Problem> {
        let from = self.shape(node.inputs[0])?;
        let value = self.settled(node.inputs[0])?;
        let inside = self.inside(node, &from)?;
        // An axis of the same extent stays as it is, unless the operator crops too.
        let changed = |axis: &usize| from[*axis] != inside.shape[*axis];
        let axes = match self.confirmed(node, &from, &inside, (0..from.len()).filter(changed))? {
            Some(axes) => axes,
            None => self.confirmed(node, &from, &inside, 0..from.len())?.ok_or_else(unlike)?,
        };
        let whole = |position: &f32| (position - position.round()).abs() < ON_A_PIXEL;
        let value = match axes.iter().all(|(_, positions)| positions.iter().all(whole)) {
            true => self.nearest(node, value, from, &axes)?,
            false => self.linear(node, value, from, axes)?,
        };
        if inside.shape == inside.whole {
            return Ok(value);
        }
        let order = value.order()?.to_vec();
        let before = permuted(&inside.begin, &order);
        let after = order.iter().map(|&axis| inside.whole[axis] - inside.begin[axis] - inside.shape[axis]);
        let op = Op::Pad { before, after: after.collect(), value: inside.border };
        let tensor = self.emit(&node.name, op, vec![value.tensor], permuted(&inside.whole, &order))?;
        Ok(Value { tensor, ..value })
    }

    /// Which part of the result follows the operand: where ones become ones.
    fn inside(&self, node: &TypedNode, from: &[usize]) -> Result<Inside, Problem> {
        let whole = self.shape(OutletId::new(node.id, 0))?;
        let all = Inside { begin: vec![0; whole.len()], shape: whole.clone(), border: 0.0, whole };
        let filled = |number: f32| self.run(node, from, &all, vec![number; from.iter().product()]);
        let (ones, twos) = (filled(1.0)?, filled(2.0)?);
        let follows: Vec<bool> = ones.iter().zip(&twos).map(|(one, two)| two - one > 0.5).collect();
        let Some(outside) = follows.iter().position(|follows| !follows) else { return Ok(all) };
        let mut inside = Inside { border: ones[outside], ..all };
        let mut inner = follows.len();
        for axis in 0..inside.whole.len() {
            let extent = inside.whole[axis];
            inner /= extent;
            let seen = |place: &usize| {
                follows
                    .iter()
                    .enumerate()
                    .any(|(index, follows)| *follows && index / inner % extent == *place)
            };
            let first = (0..extent).find(seen).ok_or_else(unlike)?;
            let last = (0..extent).rev().find(seen).ok_or_else(unlike)?;
            (inside.begin[axis], inside.shape[axis]) = (first, last + 1 - first);
        }
        // Everything between the first and the last follows, too.
        let count = follows.iter().filter(|follows| **follows).count();
        if count == inside.shape.iter().product::<usize>() { Ok(inside) } else { Err(unlike()) }
    }

    /// Where along an axis each of the result's places looks: what a ramp becomes.
    fn positions(
        &self,
        node: &TypedNode,
        from: &[usize],
        inside: &Inside,
        axis: usize,
    ) -> Result<Vec<f32>, Problem> {
        let to = &inside.shape;
        if from[axis] == 1 {
            return Ok(vec![0.0; to[axis]]);
        }
        let inner: usize = from[axis + 1..].iter().product();
        let ramp =
            (0..from.iter().product()).map(|index: usize| (index / inner % from[axis]) as f32).collect();
        let answer = self.run(node, from, inside, ramp)?;
        let inner: usize = to[axis + 1..].iter().product();
        let positions: Vec<f32> = answer.into_iter().step_by(inner).take(to[axis]).collect();
        let on_it = |position: &f32| (0.0..=(from[axis] - 1) as f32).contains(position);
        if positions.iter().all(on_it) { Ok(positions) } else { Err(unlike()) }
    }

    /// The positions along some axes, if mixing neighbours at these is what the operator does.
    fn confirmed(
        &self,
        node: &TypedNode,
        from: &[usize],
        inside: &Inside,
        axes: impl Iterator<Item = usize>,
    ) -> Result<Option<Vec<Positions>>, Problem> {
        let axes = axes
            .map(|axis| Ok((axis, self.positions(node, from, inside, axis)?)))
            .collect::<Result<Vec<_>, Problem>>()?;
        let wobble = |index: usize| ((index * 7919 + index / 3 * 104_729) % 1009) as f32;
        let image: Vec<f32> = (0..from.iter().product()).map(wobble).collect();
        let theirs = self.run(node, from, inside, image.clone())?;
        let (mut ours, mut shape) = (image, from.to_vec());
        for (axis, positions) in &axes {
            ours = mixed(&ours, &shape, *axis, positions);
            shape[*axis] = inside.shape[*axis];
        }
        let close = |(ours, theirs): (&f32, &f32)| (ours - theirs).abs() < 0.5;
        let alike = ours.len() == theirs.len() && ours.iter().zip(&theirs).all(close);
        Ok(alike.then_some(axes))
    }

    /// The operator's answer to numbers of ours, as far as it looks inside.
    fn run(
        &self,
        node: &TypedNode,
        shape: &[usize],
        inside: &Inside,
        values: Vec<f32>,
    ) -> Result<Vec<f32>, Problem> {
        let failed = |error| Problem::Invalid(format!("{error:#}"));
        let mut inputs = tvec![TValue::from(TractTensor::from_shape(shape, &values).map_err(failed)?)];
        for &input in &node.inputs[1..] {
            let constant: Arc<TractTensor> =
                self.constant(input).ok_or_else(|| Problem::Form("a size that is computed".into()))?;
            inputs.push(TValue::from_const(constant));
        }
        let answer = node.op.eval_out_of_plan(inputs).map_err(failed)?;
        let answer = answer.and_then(|results| results.into_iter().next()).ok_or(Problem::Operator)?;
        let answer = numbers(&answer.into_arc_tensor())?;
        let part = Op::Slice { begin: inside.begin.clone(), steps: vec![1; inside.begin.len()] };
        let walk = Walk::of(&part, &inside.whole, &inside.shape).ok_or(Problem::Operator)?;
        Ok(walk.take(&answer))
    }

    /// Copies of pixels: the reference's resize where it looks at the same ones, else places axis by axis.
    fn nearest(
        &mut self,
        node: &TypedNode,
        mut value: Value,
        mut shape: Vec<usize>,
        axes: &[Positions],
    ) -> Result<Value, Problem> {
        let alike = |sampling: Sampling, from: usize, positions: &[f32]| {
            sampling.nearest(from, positions.len()).into_iter().eq(rounded(positions))
        };
        if let Some((stored, to, sampling)) = self.as_image(&value, &shape, axes, alike)? {
            let Sampling { align_corners, half_pixel_centers } = sampling;
            let op = Op::ResizeNearest { align_corners, half_pixel_centers };
            let tensor = self.emit(&node.name, op, vec![stored], to)?;
            return Ok(Value { tensor, ..value });
        }
        for (axis, positions) in axes {
            let indices: Vec<usize> = rounded(positions).map(|position| position as usize).collect();
            value = self.at(node, value, &shape, *axis, indices)?;
            shape[*axis] = positions.len();
        }
        Ok(value)
    }

    /// Mixtures of pixels: the reference's resize where it looks at the same places, else at listed positions,
    /// two axes at once where they are neighbours in memory.
    fn linear(
        &mut self,
        node: &TypedNode,
        mut value: Value,
        mut shape: Vec<usize>,
        mut axes: Vec<Positions>,
    ) -> Result<Value, Problem> {
        let alike = |sampling: Sampling, from: usize, positions: &[f32]| {
            let ours = sampling.bilinear(from, positions.len());
            ours.iter().zip(positions).all(|(ours, theirs)| (ours - theirs).abs() < ON_A_PIXEL)
        };
        if let Some((stored, to, sampling)) = self.as_image(&value, &shape, &axes, alike)? {
            let Sampling { align_corners, half_pixel_centers } = sampling;
            let op = Op::ResizeBilinear { align_corners, half_pixel_centers };
            let tensor = self.emit(&node.name, op, vec![stored], to)?;
            return Ok(Value { tensor, ..value });
        }
        let order = value.order()?.to_vec();
        while let Some((axis, rows)) = axes.pop() {
            let mut stored = permuted(&shape, &order);
            let first = place(&order, axis)?;
            let neighbour = axes
                .iter()
                .position(|(other, _)| place(&order, *other).is_ok_and(|at| at.abs_diff(first) == 1));
            let (first, axes_of, positions) = match neighbour.map(|index| axes.remove(index)) {
                Some((other, columns)) if place(&order, other)? < first => {
                    (first - 1, vec![other, axis], [columns, rows])
                }
                Some((other, columns)) => (first, vec![axis, other], [rows, columns]),
                None => (first, vec![axis], [rows, vec![0.0]]),
            };
            let last = first + axes_of.len();
            let mut image =
                vec![stored[..first].iter().product(), stored[first], 1, stored[last..].iter().product()];
            if axes_of.len() == 2 {
                image[2] = stored[first + 1];
            }
            let whole = self.emit(&node.name, Op::Reshape, vec![value.tensor], image.clone())?;
            (image[1], image[2]) = (positions[0].len(), positions[1].len());
            for (offset, &axis) in axes_of.iter().enumerate() {
                (stored[first + offset], shape[axis]) = (positions[offset].len(), positions[offset].len());
            }
            let mixed = self.emit(&node.name, Op::Interpolate { positions }, vec![whole], image)?;
            value.tensor = self.emit(&node.name, Op::Reshape, vec![mixed], stored)?;
        }
        Ok(value)
    }

    /// The operand, the result's stored shape and the reference's sampling, where an image is stored in its
    /// order, nothing but height and width change, and the sampling is one of the reference's.
    fn as_image(
        &self,
        value: &Value,
        shape: &[usize],
        axes: &[Positions],
        alike: impl Fn(Sampling, usize, &[f32]) -> bool,
    ) -> Result<Option<AsImage>, Problem> {
        let order = value.order()?;
        let mut to = permuted(shape, order);
        for (axis, positions) in axes {
            let place = place(order, *axis)?;
            if order.len() != 4 || !(1..3).contains(&place) {
                return Ok(None);
            }
            to[place] = positions.len();
        }
        let samplings = [(false, false), (false, true), (true, false)]
            .map(|(align_corners, half_pixel_centers)| Sampling { align_corners, half_pixel_centers });
        let fits = |sampling: &Sampling| {
            let alike = |(axis, positions): &Positions| alike(*sampling, shape[*axis], positions);
            order.len() == 4 && axes.iter().all(alike)
        };
        Ok(samplings.into_iter().find(fits).map(|sampling| (value.tensor, to, sampling)))
    }
}

fn rounded(positions: &[f32]) -> impl Iterator<Item = f32> {
    positions.iter().map(|position| position.round())
}

fn unlike() -> Problem {
    Problem::Form("this way to resize; nearest neighbours and linear interpolation are supported".into())
}

/// Neighbours along an axis mixed at positions.
fn mixed(values: &[f32], shape: &[usize], axis: usize, positions: &[f32]) -> Vec<f32> {
    let inner: usize = shape[axis + 1..].iter().product();
    let mut result = Vec::new();
    for block in values.chunks_exact(shape[axis] * inner) {
        for position in positions {
            let (low, share) = (position.floor() as usize, position.fract());
            let high = (low + 1).min(shape[axis] - 1);
            let pair = (0..inner).map(|place| (block[low * inner + place], block[high * inner + place]));
            result.extend(pair.map(|(low, high)| low * (1.0 - share) + high * share));
        }
    }
    result
}
