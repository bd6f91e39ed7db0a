//! Operators over axes: reductions, products of computed matrices, normalizations.

use ocelli_format::Operator;
use ocelli_format::model::Element;

use super::builder::{Affine, Builder, bytes_of_i32, narrow, operands};
use super::{LowerError, factor, power};
use crate::check::reduced_view;
use crate::graph::{Node, Reduction};

/// Places are stored as such: scale 1, the first one the least of int8.
pub(super) const PLACES: Affine = Affine { scale: 1.0, zero_point: -128 };

pub(super) fn reduce(
    builder: &mut Builder<'_>,
    node: &Node,
    reduction: Reduction,
    axes: &[usize],
) -> Result<(), LowerError> {
    let (name, input) = (&node.name, node.inputs[0]);
    let shape = builder.shape(input);
    let [outer, count, inner] = reduced_view(shape, axes)
        .ok_or_else(|| operands(node, format!("axes {axes:?} of {shape:?} are no neighbours")))?;
    let view = [outer, count, 1, inner];
    let (of_input, output) = (builder.affine(name, input)?, builder.affine(name, node.outputs[0])?);
    let factor = || {
        let factor = factor::rescale_factor(of_input.scale, output.scale);
        factor.ok_or_else(|| LowerError::Factor { node: node.name.clone() })
    };
    let keeps_scale = matches!(reduction, Reduction::Maximum | Reduction::Minimum);
    let mut from = if keeps_scale {
        builder.activation_as(node, input, output)?
    } else {
        builder.activation(name, input)?
    };
    let of_values = if keeps_scale { output } else { of_input };
    // The largest of the values upside down is the smallest.
    let upside_down = matches!(reduction, Reduction::Minimum | Reduction::ArgMin { .. });
    if upside_down {
        let turned = builder.intermediate(format!("{name}/upside_down"), shape, of_values);
        builder.lookup(&format!("{name}/upside_down"), from, turned, &UPSIDE_DOWN);
        from = turned;
    }
    if shape != view {
        let viewed = builder.intermediate(format!("{name}/view"), &view, of_values);
        builder.node(&format!("{name}/view"), Operator::Reshape, vec![from], vec![viewed]);
        from = viewed;
    }
    let to = builder.activation(name, node.outputs[0])?;
    let operator = match reduction {
        Reduction::Mean => Operator::Mean { factor: factor()? },
        Reduction::Sum => Operator::Sum { factor: factor()? },
        Reduction::ArgMax { last } | Reduction::ArgMin { last } => {
            if output != PLACES {
                return Err(operands(node, format!("places with {output:?}, not {PLACES:?}")));
            }
            if count > 256 {
                return Err(operands(node, format!("{count} places; int8 tells 256 apart")));
            }
            Operator::ArgMax { last }
        }
        Reduction::Maximum | Reduction::Minimum => {
            let filter = [narrow(node, "an axis", count)?, 1];
            let window = ocelli_format::Window { filter, stride: [1, 1], dilation: [1, 1], padding: [0, 0] };
            let clamp = ocelli_format::Clamp { min: -128, max: 127 };
            let pooled = builder.intermediate(format!("{name}/pooled"), &[outer, 1, 1, inner], output);
            builder.node(name, Operator::MaxPool2d { window, clamp }, vec![from], vec![pooled]);
            from = pooled;
            if upside_down {
                let shape = [outer, 1, 1, inner];
                let turned = builder.intermediate(format!("{name}/turned"), &shape, output);
                builder.lookup(&format!("{name}/turned"), from, turned, &UPSIDE_DOWN);
                from = turned;
            }
            Operator::Reshape
        }
    };
    builder.node(name, operator, vec![from], vec![to]);
    Ok(())
}

/// `-1 - x` for every stored `x`: the same order from the other end, nothing lost.
const UPSIDE_DOWN: [i8; 256] = {
    let mut table = [0; 256];
    let mut bits = 0;
    while bits < 256 {
        table[bits] = !(bits as u8 as i8);
        bits += 1;
    }
    table
};

pub(super) fn batch_matmul(
    builder: &mut Builder<'_>,
    node: &Node,
    right_transposed: bool,
) -> Result<(), LowerError> {
    let name = &node.name;
    let (left, right) = (builder.affine(name, node.inputs[0])?, builder.affine(name, node.inputs[1])?);
    let output = builder.affine(name, node.outputs[0])?;
    let factor = factor::mul_factor(left.scale, right.scale, output.scale)
        .ok_or_else(|| LowerError::Factor { node: node.name.clone() })?;
    let inputs = vec![builder.activation(name, node.inputs[0])?, builder.activation(name, node.inputs[1])?];
    let outputs = vec![builder.activation(name, node.outputs[0])?];
    builder.node(name, Operator::BatchMatmul { right_transposed, factor }, inputs, outputs);
    Ok(())
}

/// Neighbours, and the numbers of the formula.
pub(super) struct LocalResponse {
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) alpha: f32,
    pub(super) beta: f32,
    pub(super) bias: f32,
}

pub(super) fn local_response_normalization(
    builder: &mut Builder<'_>,
    node: &Node,
    parameters: &LocalResponse,
) -> Result<(), LowerError> {
    let name = &node.name;
    let (input, output) = (builder.affine(name, node.inputs[0])?, builder.affine(name, node.outputs[0])?);
    let [alpha, beta, bias, scale] =
        [parameters.alpha, parameters.beta, parameters.bias, input.scale].map(f64::from);
    // bias + alpha * scale^2 * sum = unit * (sum + bias / unit)
    let unit = (alpha * scale * scale).max(bias * libm::exp2(-60.0));
    let channels = builder.shape(node.inputs[0]).last().copied().unwrap_or(1);
    let sum = power::Sum::new(bias / unit, channels as f64 * 65_536.0);
    let constant = scale / f64::from(output.scale) * libm::pow(unit / sum.unit(), -beta);
    let table = power::table(beta, constant);
    let table = builder.constant(format!("{name}/power"), Element::I32, &[table.len()], bytes_of_i32(&table));
    let operator = Operator::LocalResponseNormalization {
        before: narrow(node, "neighbours", parameters.before)?,
        after: narrow(node, "neighbours", parameters.after)?,
        shift: sum.shift,
        offset: sum.offset,
    };
    let inputs = vec![builder.activation(name, node.inputs[0])?, table];
    let outputs = vec![builder.activation(name, node.outputs[0])?];
    builder.node(name, operator, inputs, outputs);
    Ok(())
}

/// How [`crate::graph::Op::Normalize`] normalizes.
pub(super) struct Normalization {
    pub(super) view: [usize; 4],
    pub(super) centered: bool,
    pub(super) mean: bool,
    pub(super) epsilon: f32,
}

pub(super) fn normalize(
    builder: &mut Builder<'_>,
    node: &Node,
    parameters: &Normalization,
) -> Result<(), LowerError> {
    let name = &node.name;
    let (input, output) = (builder.affine(name, node.inputs[0])?, builder.affine(name, node.outputs[0])?);
    let (scale, step) = (f64::from(input.scale), f64::from(output.scale));
    let [_, count, _, inner] = parameters.view;
    let numbers = (count * inner) as f64;
    // The device's sum, in units of squared steps, and what makes a normalized number of its ratio to the root.
    let (unit, gain) = match (parameters.centered, parameters.mean) {
        (true, true) => (numbers * numbers, 1.0),
        (true, false) => (numbers * numbers, numbers.sqrt().recip()),
        (false, true) => (numbers, numbers.sqrt()),
        (false, false) => (1.0, 1.0),
    };
    let largest = if parameters.centered { numbers * numbers } else { numbers } * 65_536.0;
    let epsilon = match (parameters.centered, parameters.mean) {
        // A sum of squared differences is that many times their mean.
        (true, false) => f64::from(parameters.epsilon) / numbers,
        _ => f64::from(parameters.epsilon),
    };
    let sum = power::Sum::new(epsilon * unit / (scale * scale), largest);
    let table = power::table(0.5, gain * sum.unit().sqrt());
    let floats = |id: usize| builder.graph.tensors[id].floats().map(<[f32]>::to_vec);
    let not_float = |id: usize| LowerError::NotQuantized {
        node: name.clone(),
        tensor: builder.graph.tensors[id].name.clone(),
    };
    let gains = floats(node.inputs[1]).ok_or_else(|| not_float(node.inputs[1]))?;
    let offsets = floats(node.inputs[2]).ok_or_else(|| not_float(node.inputs[2]))?;
    let largest = gains.iter().fold(0f64, |largest, &gain| largest.max((f64::from(gain) / step).abs()));
    // 29 bits for the largest.
    let gain_bits = (29.0 - libm::log2(largest.max(1e-9)).ceil()).clamp(0.0, 30.0);
    let fixed = |real: f64, bits: f64| {
        (real * libm::exp2(bits)).round().clamp(f64::from(i32::MIN + 1), f64::from(i32::MAX)) as i32
    };
    let gains: Vec<i32> = gains.iter().map(|&gain| fixed(f64::from(gain) / step, gain_bits)).collect();
    let zero_point = f64::from(output.zero_point);
    let offsets: Vec<i32> =
        offsets.iter().map(|&offset| fixed(f64::from(offset) / step + zero_point, 16.0)).collect();
    let mut from = builder.activation(name, node.inputs[0])?;
    if builder.shape(node.inputs[0]) != parameters.view {
        let viewed = builder.intermediate(format!("{name}/view"), &parameters.view, input);
        builder.node(&format!("{name}/view"), Operator::Reshape, vec![from], vec![viewed]);
        from = viewed;
    }
    let mut inputs = vec![from];
    for (part, values) in [("power", &table), ("gains", &gains), ("offsets", &offsets)] {
        let bytes = bytes_of_i32(values);
        inputs.push(builder.constant(format!("{name}/{part}"), Element::I32, &[values.len()], bytes));
    }
    let outputs = vec![builder.activation(name, node.outputs[0])?];
    let (centered, shift, offset) = (parameters.centered, sum.shift, sum.offset);
    let operator = Operator::Normalize { centered, shift, offset, gain_bits: gain_bits as u8 };
    builder.node(name, operator, inputs, outputs);
    Ok(())
}
