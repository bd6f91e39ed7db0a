//! Operators value by value: sums and products of two tensors, softmax, and tables of one number.

use ocelli_format::Operator;

use super::builder::{Affine, Builder, operands};
use super::{LowerError, factor, table};
use crate::graph::{Activation, Binary, Function, Node, Unary};

pub(super) fn binary(
    builder: &mut Builder<'_>,
    node: &Node,
    binary: Binary,
    activation: Activation,
) -> Result<(), LowerError> {
    let name = &node.name;
    let [first, second] = [builder.affine(name, node.inputs[0])?, builder.affine(name, node.inputs[1])?];
    let output = builder.affine(name, node.outputs[0])?;
    let no_factor = || LowerError::Factor { node: node.name.clone() };
    let clamp = factor::clamp(activation, output.scale, output.zero_point);
    let is_wide = builder.is_wide(node.outputs[0]);
    let left_shift = if is_wide { factor::WIDE_ADD_LEFT_SHIFT } else { factor::ADD_LEFT_SHIFT };
    let sum =
        || factor::add_factors(first.scale, second.scale, output.scale, left_shift).ok_or_else(no_factor);
    let operator = match binary {
        Binary::Add if is_wide => {
            let clamp = factor::wide_clamp(activation, output.scale);
            let (inputs, output) = sum()?;
            Operator::WideAdd { left_shift, inputs, output, clamp }
        }
        Binary::Add => {
            let (inputs, output) = sum()?;
            Operator::Add { left_shift, inputs, output, clamp }
        }
        Binary::Sub => {
            let (inputs, output) = sum()?;
            Operator::Sub { left_shift, inputs, output, clamp }
        }
        Binary::Mul => {
            let factor = factor::mul_factor(first.scale, second.scale, output.scale).ok_or_else(no_factor)?;
            Operator::Mul { factor, clamp }
        }
        Binary::Div => {
            let factor = factor::div_factor(first.scale, second.scale, output.scale).ok_or_else(no_factor)?;
            Operator::Div { factor, clamp }
        }
        Binary::SquaredDifference if activation == Activation::Linear => {
            let (inputs, output) =
                factor::squared_difference_factors(first.scale, second.scale, output.scale)
                    .ok_or_else(no_factor)?;
            let left_shift = factor::SQUARED_DIFFERENCE_LEFT_SHIFT;
            Operator::SquaredDifference { left_shift, inputs, output }
        }
        Binary::Minimum if activation == Activation::Linear => Operator::Minimum,
        Binary::Maximum if activation == Activation::Linear => Operator::Maximum,
        _ => return Err(operands(node, "of two activations has no form on the device".into())),
    };
    let keeps_scale = matches!(operator, Operator::Minimum | Operator::Maximum);
    let mut inputs = Vec::with_capacity(2);
    for &input in &node.inputs {
        inputs.push(if keeps_scale {
            builder.activation_as(node, input, output)?
        } else {
            builder.activation(name, input)?
        });
    }
    let outputs = vec![builder.activation(name, node.outputs[0])?];
    builder.node(name, operator, inputs, outputs);
    Ok(())
}

pub(super) fn softmax(builder: &mut Builder<'_>, node: &Node, beta: f32) -> Result<(), LowerError> {
    let name = &node.name;
    let input = builder.affine(name, node.inputs[0])?;
    let output = builder.affine(name, node.outputs[0])?;
    if output != (Affine { scale: 1.0 / 256.0, zero_point: -128 }) {
        return Err(LowerError::Quantization {
            node: name.clone(),
            tensor: builder.graph.tensors[node.outputs[0]].name.clone(),
            why: format!("a softmax yields scale 1/256 and zero point -128, not {output:?}"),
        });
    }
    let (factor, difference_min) =
        factor::softmax_factor(beta, input.scale).ok_or_else(|| LowerError::Factor { node: name.clone() })?;
    let inputs = vec![builder.activation(name, node.inputs[0])?];
    let outputs = vec![builder.activation(name, node.outputs[0])?];
    builder.node(name, Operator::Softmax { factor, difference_min }, inputs, outputs);
    Ok(())
}

pub(super) fn unary(builder: &mut Builder<'_>, node: &Node, unary: Unary) -> Result<(), LowerError> {
    let name = &node.name;
    let input = builder.affine(name, node.inputs[0])?;
    let output = builder.affine(name, node.outputs[0])?;
    let no_factor = || LowerError::Factor { node: name.clone() };
    let from = builder.activation(name, node.inputs[0])?;
    let to = builder.activation(name, node.outputs[0])?;
    if unary == Unary::Requantize && [node.inputs[0], node.outputs[0]].iter().any(|&id| builder.is_wide(id)) {
        let factor = factor::rescale_factor(input.scale, output.scale).ok_or_else(no_factor)?;
        builder.node(name, Operator::Requantize { factor }, vec![from], vec![to]);
        return Ok(());
    }
    let table = table::fill(unary, input, output).ok_or_else(no_factor)?;
    builder.lookup(name, from, to, &table);
    Ok(())
}

pub(super) fn function(
    builder: &mut Builder<'_>,
    node: &Node,
    function: &Function,
) -> Result<(), LowerError> {
    let input = builder.affine(&node.name, node.inputs[0])?;
    let output = builder.affine(&node.name, node.outputs[0])?;
    let table = table::rounded(|x| function.real(x), input, output);
    let from = builder.activation(&node.name, node.inputs[0])?;
    let to = builder.activation(&node.name, node.outputs[0])?;
    builder.lookup(&node.name, from, to, &table);
    Ok(())
}

pub(super) fn prelu(builder: &mut Builder<'_>, node: &Node) -> Result<(), LowerError> {
    let name = &node.name;
    if builder.graph.tensors[node.inputs[1]].data.is_none() {
        return Err(operands(node, "slopes that are computed have no form on the device".into()));
    }
    let input = builder.affine(name, node.inputs[0])?;
    let slopes = builder.affine(name, node.inputs[1])?;
    let output = builder.affine(name, node.outputs[0])?;
    let (positive, negative) = factor::prelu_factors(input.scale, slopes.scale, output.scale)
        .ok_or_else(|| LowerError::Factor { node: node.name.clone() })?;
    let inputs = vec![builder.activation(name, node.inputs[0])?, builder.activation(name, node.inputs[1])?];
    let outputs = vec![builder.activation(name, node.outputs[0])?];
    builder.node(name, Operator::Prelu { positive, negative }, inputs, outputs);
    Ok(())
}
