//! Operators that move or pool values and keep their scale: operands of another scale pass a table first.

use ocelli_format::model::{Element, TensorId};
use ocelli_format::{Operator, WideClamp};
use ocelli_kernels::InterpolateParameters;

use super::builder::{Builder, bytes_of_i32, narrow, operands};
use super::{LowerError, factor, weighted};
use crate::graph::{Activation, Node, Op, Window};
use crate::moves::Walk;

pub(super) fn pool(
    builder: &mut Builder<'_>,
    node: &Node,
    window: &Window,
    activation: Activation,
) -> Result<(), LowerError> {
    let output = builder.affine(&node.name, node.outputs[0])?;
    let window = weighted::window_of(node, window)?;
    let clamp = factor::clamp(activation, output.scale, output.zero_point);
    let wide_clamp = factor::wide_clamp(activation, output.scale);
    let is_average = matches!(node.op, Op::AveragePool2d { .. });
    let operator = match (is_average, builder.is_wide(node.outputs[0])) {
        (true, false) => Operator::AveragePool2d { window, clamp },
        (false, false) => Operator::MaxPool2d { window, clamp },
        (true, true) => Operator::WideAveragePool2d { window, clamp: wide_clamp },
        (false, true) => Operator::WideMaxPool2d { window, clamp: wide_clamp },
    };
    keep_scale(builder, node, operator)
}

pub(super) fn mean(builder: &mut Builder<'_>, node: &Node) -> Result<(), LowerError> {
    let &[_, height, width, _] = builder.shape(node.inputs[0]) else {
        return Err(operands(node, "a mean is taken over H and W of [N, H, W, C] only".into()));
    };
    if builder.is_wide(node.outputs[0]) {
        // On int16 the scale stays, so that a mean is a pool of one window.
        let filter = [narrow(node, "a height", height)?, narrow(node, "a width", width)?];
        let window = ocelli_format::Window { filter, stride: [1; 2], dilation: [1; 2], padding: [0; 2] };
        let clamp = WideClamp { min: i16::MIN, max: i16::MAX };
        return keep_scale(builder, node, Operator::WideAveragePool2d { window, clamp });
    }
    let input = builder.affine(&node.name, node.inputs[0])?;
    let output = builder.affine(&node.name, node.outputs[0])?;
    let factor = factor::rescale_factor(input.scale, output.scale)
        .ok_or_else(|| LowerError::Factor { node: node.name.clone() })?;
    let inputs = vec![builder.activation(&node.name, node.inputs[0])?];
    let outputs = vec![builder.activation(&node.name, node.outputs[0])?];
    builder.node(&node.name, Operator::Mean { factor }, inputs, outputs);
    Ok(())
}

pub(super) fn concatenate(builder: &mut Builder<'_>, node: &Node, axis: usize) -> Result<(), LowerError> {
    let rank = builder.shape(node.outputs[0]).len();
    if axis >= rank {
        return Err(operands(node, format!("axis {axis} of a tensor with {rank} axes")));
    }
    let operator = if node.inputs.len() == 1 {
        Operator::Reshape
    } else {
        Operator::Concatenate { axis: narrow(node, "an axis", axis)? }
    };
    keep_scale(builder, node, operator)
}

pub(super) fn pad(
    builder: &mut Builder<'_>,
    node: &Node,
    before: &[usize],
    after: &[usize],
    value: f32,
) -> Result<(), LowerError> {
    let rank = builder.shape(node.inputs[0]).len();
    if rank > 4 || before.len() != rank || after.len() != rank {
        return Err(operands(node, format!("padding of {} axes of a tensor with {rank}", before.len())));
    }
    let mut sides = [[0u16; 4]; 2];
    for (side, widths) in sides.iter_mut().zip([before, after]) {
        for (to, &width) in side[4 - rank..].iter_mut().zip(widths) {
            *to = narrow(node, "a padding", width)?;
        }
    }
    let output = builder.affine(&node.name, node.outputs[0])?;
    let value = ((value / output.scale).round() as i32).saturating_add(output.zero_point);
    let value = value.clamp(-128, 127) as i8;
    keep_scale(builder, node, Operator::Pad { before: sides[0], after: sides[1], value })
}

/// Operators that are a walk over their input; one that visits all of it in order is a reshape.
pub(super) fn rearrange(builder: &mut Builder<'_>, node: &Node) -> Result<(), LowerError> {
    let (from, to) = (builder.shape(node.inputs[0]), builder.shape(node.outputs[0]));
    let walk = Walk::of(&node.op, from, to).ok_or_else(|| operands(node, "is no walk".into()))?;
    if walk.stays() && from.iter().product::<usize>() == to.iter().product::<usize>() {
        return keep_scale(builder, node, Operator::Reshape);
    }
    let mut strides = [0; 6];
    if to.len() > strides.len() {
        return Err(operands(node, format!("a result of {} axes; at most 6 are supported", to.len())));
    }
    for (to, &stride) in strides.iter_mut().zip(&walk.strides) {
        *to = i32::try_from(stride).map_err(|_| operands(node, format!("a stride of {stride}")))?;
    }
    let start = narrow(node, "a start", walk.start)?;
    keep_scale(builder, node, Operator::Rearrange { start, strides })
}

pub(super) fn gather(
    builder: &mut Builder<'_>,
    node: &Node,
    axis: usize,
    indices: &[usize],
) -> Result<(), LowerError> {
    let axis = narrow(node, "an axis", axis)?;
    let indices: Vec<i32> =
        indices.iter().map(|&index| narrow(node, "a place", index)).collect::<Result<_, _>>()?;
    let indices = list(builder, node, "indices", &indices);
    keep_scale_with(builder, node, Operator::Gather { axis }, &[indices])
}

pub(super) fn interpolate(
    builder: &mut Builder<'_>,
    node: &Node,
    positions: &[Vec<f32>; 2],
) -> Result<(), LowerError> {
    let [rows, columns] = positions.each_ref().map(|positions| {
        let unit = InterpolateParameters::PIXEL as f32;
        positions.iter().map(|position| (position * unit).round() as i32).collect::<Vec<i32>>()
    });
    let lists = [list(builder, node, "rows", &rows), list(builder, node, "columns", &columns)];
    keep_scale_with(builder, node, Operator::Interpolate, &lists)
}

/// A list of numbers beside the operands.
fn list(builder: &mut Builder<'_>, node: &Node, what: &str, values: &[i32]) -> TensorId {
    builder.constant(format!("{}/{what}", node.name), Element::I32, &[values.len()], bytes_of_i32(values))
}

pub(super) fn resize(builder: &mut Builder<'_>, node: &Node) -> Result<(), LowerError> {
    let operator = match node.op {
        Op::ResizeNearest { align_corners, half_pixel_centers } => {
            Operator::ResizeNearest { align_corners, half_pixel_centers }
        }
        Op::ResizeBilinear { align_corners, half_pixel_centers } => {
            Operator::ResizeBilinear { align_corners, half_pixel_centers }
        }
        _ => return Err(operands(node, "is no resize".into())),
    };
    keep_scale(builder, node, operator)
}

/// Adds an operator whose operands all have the scale and zero point of its result.
fn keep_scale(builder: &mut Builder<'_>, node: &Node, operator: Operator) -> Result<(), LowerError> {
    keep_scale_with(builder, node, operator, &[])
}

/// As [`keep_scale`], with lists behind the operands.
fn keep_scale_with(
    builder: &mut Builder<'_>,
    node: &Node,
    operator: Operator,
    lists: &[TensorId],
) -> Result<(), LowerError> {
    let wanted = builder.affine(&node.name, node.outputs[0])?;
    let mut inputs = node
        .inputs
        .iter()
        .map(|&input| builder.activation_as(node, input, wanted))
        .collect::<Result<Vec<_>, _>>()?;
    inputs.extend(lists);
    let outputs = vec![builder.activation(&node.name, node.outputs[0])?];
    builder.node(&node.name, operator, inputs, outputs);
    Ok(())
}
