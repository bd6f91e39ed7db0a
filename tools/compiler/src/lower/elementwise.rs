//! Operators value by value: sums and products of two tensors, softmax, and tables of one number.

use ocelli_format::Operator;
use ocelli_format::model::TensorId;

use super::builder::{Affine, Builder, operands};
use super::{LowerError, factor, table};
use crate::graph::{self, Activation, Data, Function, Node, Op, Unary};

pub(super) fn binary(
    builder: &mut Builder<'_>,
    node: &Node,
    activation: Activation,
) -> Result<(), LowerError> {
    let name = &node.name;
    let first = builder.affine(name, node.inputs[0])?;
    let second = builder.affine(name, node.inputs[1])?;
    let output = builder.affine(name, node.outputs[0])?;
    let no_factor = || LowerError::Factor { node: node.name.clone() };
    let clamp = factor::clamp(activation, output.scale, output.zero_point);
    let operator = match node.op {
        Op::Add { .. } => {
            let (inputs, sum) =
                factor::add_factors(first.scale, second.scale, output.scale).ok_or_else(no_factor)?;
            Operator::Add { left_shift: factor::ADD_LEFT_SHIFT, inputs, output: sum, clamp }
        }
        Op::Mul { .. } => {
            let factor = factor::mul_factor(first.scale, second.scale, output.scale).ok_or_else(no_factor)?;
            Operator::Mul { factor, clamp }
        }
        _ => return Err(operands(node, "is no operator of two operands".into())),
    };
    let inputs =
        vec![operand(builder, node, node.inputs[0], first)?, operand(builder, node, node.inputs[1], second)?];
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
    let table = table::fill(unary, input, output).ok_or_else(|| LowerError::Factor { node: name.clone() })?;
    let from = builder.activation(name, node.inputs[0])?;
    let to = builder.activation(name, node.outputs[0])?;
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

/// An operand of the output's shape: constants are repeated along the axes on which they broadcast.
fn operand(
    builder: &mut Builder<'_>,
    node: &Node,
    id: graph::TensorId,
    affine: Affine,
) -> Result<TensorId, LowerError> {
    let tensor = &builder.graph.tensors[id];
    let wanted = builder.shape(node.outputs[0]);
    if tensor.shape == wanted {
        return builder.activation(&node.name, id);
    }
    let Some(Data::I8(values)) = &tensor.data else {
        let why = format!(
            "operand {:?} of shape {:?} does not have the output's shape {wanted:?}; only constants broadcast",
            tensor.name, tensor.shape
        );
        return Err(operands(node, why));
    };
    let repeated = broadcast(values, &tensor.shape, wanted).ok_or_else(|| {
        operands(node, format!("constant of shape {:?} does not broadcast to {wanted:?}", tensor.shape))
    })?;
    let id = builder.constant_like(format!("{}/repeated", tensor.name), wanted, affine, &repeated);
    Ok(id)
}

/// Values repeated from `shape` to `wanted`, aligned at the innermost axis.
fn broadcast(values: &[i8], shape: &[usize], wanted: &[usize]) -> Option<Vec<i8>> {
    let missing = wanted.len().checked_sub(shape.len())?;
    let full: Vec<usize> = std::iter::repeat_n(1, missing).chain(shape.iter().copied()).collect();
    let fits = full.iter().zip(wanted).all(|(&have, &want)| have == want || have == 1);
    if !fits || values.len() != shape.iter().product::<usize>() {
        return None;
    }
    let mut repeated = Vec::with_capacity(wanted.iter().product());
    for position in 0..wanted.iter().product::<usize>() {
        let (mut rest, mut index, mut step) = (position, 0, 1);
        for (&have, &want) in full.iter().zip(wanted).rev() {
            if have > 1 {
                index += rest % want * step;
            }
            rest /= want;
            step *= have;
        }
        repeated.push(values[index]);
    }
    Some(repeated)
}

#[cfg(test)]
mod tests {
    use super::broadcast;

    #[test]
    fn constants_repeat_along_missing_and_single_axes() {
        assert_eq!(broadcast(&[1, 2], &[2], &[2, 2]), Some(vec![1, 2, 1, 2]));
        assert_eq!(broadcast(&[1, 2], &[2, 1], &[2, 2]), Some(vec![1, 1, 2, 2]));
        assert_eq!(broadcast(&[7], &[], &[1, 3]), Some(vec![7, 7, 7]));
        assert_eq!(broadcast(&[1, 2], &[2], &[2, 3]), None);
        assert_eq!(broadcast(&[1, 2], &[1, 2], &[2]), None);
    }
}
