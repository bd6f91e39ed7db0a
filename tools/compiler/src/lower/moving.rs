//! Operators that move or pool values and keep their scale: operands of another scale pass a table first.

use ocelli_format::Operator;

use super::builder::{Builder, narrow, operands};
use super::{LowerError, factor, weighted};
use crate::graph::{Activation, Node, Op, Window};

pub(super) fn pool(
    builder: &mut Builder<'_>,
    node: &Node,
    window: &Window,
    activation: Activation,
) -> Result<(), LowerError> {
    let output = builder.affine(&node.name, node.outputs[0])?;
    let window = weighted::window_of(node, window)?;
    let clamp = factor::clamp(activation, output.scale, output.zero_point);
    let operator = if matches!(node.op, Op::AveragePool2d { .. }) {
        Operator::AveragePool2d { window, clamp }
    } else {
        Operator::MaxPool2d { window, clamp }
    };
    keep_scale(builder, node, operator)
}

pub(super) fn mean(builder: &mut Builder<'_>, node: &Node) -> Result<(), LowerError> {
    if builder.shape(node.inputs[0]).len() != 4 {
        return Err(operands(node, "a mean is taken over H and W of [N, H, W, C] only".into()));
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
    if value != 0.0 {
        return Err(operands(node, format!("padding with {value} is not supported, only with 0")));
    }
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
    keep_scale(builder, node, Operator::Pad { before: sides[0], after: sides[1] })
}

pub(super) fn reshape(builder: &mut Builder<'_>, node: &Node) -> Result<(), LowerError> {
    keep_scale(builder, node, Operator::Reshape)
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
    let wanted = builder.affine(&node.name, node.outputs[0])?;
    let inputs = node
        .inputs
        .iter()
        .map(|&input| builder.activation_as(node, input, wanted))
        .collect::<Result<Vec<_>, _>>()?;
    let outputs = vec![builder.activation(&node.name, node.outputs[0])?];
    builder.node(&node.name, operator, inputs, outputs);
    Ok(())
}
