//! Operators with weights: factors for every output channel, biases, and the bound of their sums.

use ocelli_format::model::Element;
use ocelli_format::{Factor, Operator, Window};

use ocelli_kernels::MAX_WIDE_SHIFT;

use super::builder::{Affine, Builder, bytes_of_i8, bytes_of_i32, narrow, operands};
use super::{LowerError, factor};
use crate::graph::{self, Activation, Data, Node};

pub(super) fn conv_2d(
    builder: &mut Builder<'_>,
    node: &Node,
    window: &graph::Window,
    groups: usize,
    activation: Activation,
) -> Result<(), LowerError> {
    let weights = weights_of(builder, node)?;
    let &[outputs, height, width, inputs] = weights.shape else {
        return Err(operands(node, format!("weights of shape {:?} are not [O, H, W, I]", weights.shape)));
    };
    if groups == 0 || outputs % groups != 0 {
        return Err(operands(node, format!("{outputs} output channels do not divide into {groups} groups")));
    }
    let channels = builder.shape(node.inputs[0]).last().copied();
    if channels != Some(inputs * groups) {
        return Err(operands(
            node,
            format!("input has {channels:?} channels, weights want {}", inputs * groups),
        ));
    }
    let taps = height * width * inputs;
    let of_channel = |channel: usize, tap: usize| weights.values[channel * taps + tap];
    let output = builder.affine(&node.name, node.outputs[0])?;
    let window = window_of(node, window)?;
    let operator = if builder.is_wide(node.outputs[0]) {
        Operator::WideConv2d { window, clamp: factor::wide_clamp(activation, output.scale) }
    } else {
        Operator::Conv2d { window, clamp: factor::clamp(activation, output.scale, output.zero_point) }
    };
    let channels = Channels {
        count: outputs,
        taps,
        shape: weights.shape,
        values: weights.values,
        in_single_precision: false,
    };
    emit(builder, node, &weights, channels, of_channel, operator)
}

pub(super) fn depthwise_conv_2d(
    builder: &mut Builder<'_>,
    node: &Node,
    window: &graph::Window,
    depth_multiplier: usize,
    activation: Activation,
) -> Result<(), LowerError> {
    let weights = weights_of(builder, node)?;
    let &[1, height, width, outputs] = weights.shape else {
        return Err(operands(node, format!("weights of shape {:?} are not [1, H, W, O]", weights.shape)));
    };
    let channels = builder.shape(node.inputs[0]).last().copied().unwrap_or(0);
    if channels.checked_mul(depth_multiplier) != Some(outputs) {
        return Err(operands(
            node,
            format!("{channels} input channels by multiplier {depth_multiplier} are not {outputs} outputs"),
        ));
    }
    let of_channel = |channel: usize, tap: usize| weights.values[tap * outputs + channel];
    let output = builder.affine(&node.name, node.outputs[0])?;
    let window = window_of(node, window)?;
    let depth_multiplier = narrow(node, "a depth multiplier", depth_multiplier)?;
    let operator = if builder.is_wide(node.outputs[0]) {
        let clamp = factor::wide_clamp(activation, output.scale);
        Operator::WideDepthwiseConv2d { window, depth_multiplier, clamp }
    } else {
        let clamp = factor::clamp(activation, output.scale, output.zero_point);
        Operator::DepthwiseConv2d { window, depth_multiplier, clamp }
    };
    let channels = Channels {
        count: outputs,
        taps: height * width,
        shape: weights.shape,
        values: weights.values,
        in_single_precision: false,
    };
    emit(builder, node, &weights, channels, of_channel, operator)
}

pub(super) fn transpose_conv_2d(
    builder: &mut Builder<'_>,
    node: &Node,
    window: &graph::Window,
    activation: Activation,
) -> Result<(), LowerError> {
    let weights = weights_of(builder, node)?;
    let &[outputs, height, width, inputs] = weights.shape else {
        return Err(operands(node, format!("weights of shape {:?} are not [O, H, W, I]", weights.shape)));
    };
    // The device gathers, so its filter is turned by half a circle, and so is its padding.
    let taps = height * width * inputs;
    let mut turned = Vec::with_capacity(weights.values.len());
    for filter in weights.values.chunks(taps.max(1)) {
        turned.extend(filter.chunks(inputs.max(1)).rev().flatten());
    }
    let mut window = *window;
    for axis in 0..2 {
        let reach = window.filter[axis].saturating_sub(1) * window.dilation[axis];
        window.before[axis] = reach
            .checked_sub(window.before[axis])
            .ok_or_else(|| operands(node, format!("{} cut off a reach of {reach}", window.before[axis])))?;
    }
    let of_channel = |channel: usize, tap: usize| turned[channel * taps + tap];
    let output = builder.affine(&node.name, node.outputs[0])?;
    let operator = Operator::TransposeConv2d {
        window: window_of(node, &window)?,
        clamp: factor::clamp(activation, output.scale, output.zero_point),
    };
    let channels =
        Channels { count: outputs, taps, shape: weights.shape, values: &turned, in_single_precision: false };
    emit(builder, node, &weights, channels, of_channel, operator)
}

pub(super) fn fully_connected(
    builder: &mut Builder<'_>,
    node: &Node,
    activation: Activation,
) -> Result<(), LowerError> {
    let weights = weights_of(builder, node)?;
    let &[outputs, inputs] = weights.shape else {
        return Err(operands(node, format!("weights of shape {:?} are not [O, I]", weights.shape)));
    };
    let elements: usize = builder.shape(node.inputs[0]).iter().product();
    if inputs == 0 || !elements.is_multiple_of(inputs) {
        return Err(operands(node, format!("an input of {elements} values is no rows of {inputs}")));
    }
    let of_channel = |channel: usize, tap: usize| weights.values[channel * inputs + tap];
    let output = builder.affine(&node.name, node.outputs[0])?;
    let operator = if builder.is_wide(node.outputs[0]) {
        Operator::WideFullyConnected { clamp: factor::wide_clamp(activation, output.scale) }
    } else {
        Operator::FullyConnected { clamp: factor::clamp(activation, output.scale, output.zero_point) }
    };
    let channels = Channels {
        count: outputs,
        taps: inputs,
        shape: weights.shape,
        values: weights.values,
        in_single_precision: weights.scales.len() == 1,
    };
    emit(builder, node, &weights, channels, of_channel, operator)
}

/// Int8 weights of a node.
struct Weights<'a> {
    name: &'a str,
    shape: &'a [usize],
    values: &'a [i8],
    scales: &'a [f32],
}

fn weights_of<'a>(builder: &Builder<'a>, node: &Node) -> Result<Weights<'a>, LowerError> {
    let tensor = &builder.graph.tensors[node.inputs[1]];
    let (Some(Data::I8(values)), Some(quantization)) = (&tensor.data, &tensor.quantization) else {
        return Err(LowerError::NotQuantized { node: node.name.clone(), tensor: tensor.name.clone() });
    };
    let wrong = |why| LowerError::Quantization { node: node.name.clone(), tensor: tensor.name.clone(), why };
    if let Some(zero_point) = quantization.zero_points.iter().find(|&&zero_point| zero_point != 0) {
        return Err(wrong(format!("weights with zero point {zero_point} are not symmetric")));
    }
    if let Some(scale) = quantization.scales.iter().find(|scale| !scale.is_finite() || **scale < 0.0) {
        return Err(wrong(format!("scale {scale} is no positive number")));
    }
    if values.len() != tensor.shape.iter().product::<usize>() {
        return Err(wrong(format!("{} values for shape {:?}", values.len(), tensor.shape)));
    }
    Ok(Weights { name: &tensor.name, shape: &tensor.shape, values, scales: &quantization.scales })
}

/// How a weight tensor divides into output channels.
struct Channels<'a> {
    count: usize,
    taps: usize,
    shape: &'a [usize],
    values: &'a [i8],
    in_single_precision: bool,
}

/// Adds the constants and the operator.
fn emit(
    builder: &mut Builder<'_>,
    node: &Node,
    weights: &Weights<'_>,
    channels: Channels<'_>,
    of_channel: impl Fn(usize, usize) -> i8,
    operator: Operator,
) -> Result<(), LowerError> {
    let input = builder.affine(&node.name, node.inputs[0])?;
    let output = builder.affine(&node.name, node.outputs[0])?;
    let count = channels.count;
    if weights.scales.len() != 1 && weights.scales.len() != count {
        let why = format!("{} scales for {count} output channels", weights.scales.len());
        return Err(LowerError::Quantization { node: node.name.clone(), tensor: weights.name.into(), why });
    }
    let bias = bias_of(builder, node, count)?;
    let is_wide = builder.is_wide(node.outputs[0]);
    let mut factors = Vec::with_capacity(count);
    for (channel, &offset) in bias.iter().enumerate() {
        let scale = weights.scales[if weights.scales.len() == 1 { 0 } else { channel }];
        let factor = if channels.in_single_precision {
            factor::fully_connected_factor(input.scale, scale, output.scale)
        } else {
            factor::convolution_factor(input.scale, scale, output.scale)
        };
        let factor = factor.ok_or_else(|| LowerError::Factor { node: node.name.clone() })?;
        let taps = (0..channels.taps).map(|tap| of_channel(channel, tap));
        if is_wide {
            check_wide_accumulator(node, channel, taps, offset, factor)?;
        } else {
            check_accumulator(node, channel, taps, offset, input, factor)?;
        }
        factors.push(factor);
    }
    let display = if weights.scales.len() == 1 { weights.scales[0] } else { 0.0 };
    let multipliers: Vec<i32> = factors.iter().map(|factor| factor.multiplier).collect();
    let shifts: Vec<i8> = factors.iter().map(|factor| factor.shift).collect();
    let name = &node.name;
    let (bias_element, bias_bytes) = if is_wide {
        (Element::I64, bias.iter().flat_map(|bias| bias.to_le_bytes()).collect())
    } else {
        // Within 32 bits, as its accumulator is.
        (Element::I32, bias.iter().flat_map(|&bias| (bias as i32).to_le_bytes()).collect())
    };
    let inputs = vec![
        builder.activation(name, node.inputs[0])?,
        builder.weights(weights.name, channels.shape, display, channels.values),
        builder.constant(format!("{name}/bias"), bias_element, &[count], bias_bytes),
        builder.constant(format!("{name}/multipliers"), Element::I32, &[count], bytes_of_i32(&multipliers)),
        builder.constant(format!("{name}/shifts"), Element::I8, &[count], bytes_of_i8(&shifts)),
    ];
    let outputs = vec![builder.activation(name, node.outputs[0])?];
    builder.node(name, operator, inputs, outputs);
    Ok(())
}

/// The bias, or zeros where there is none.
fn bias_of(builder: &Builder<'_>, node: &Node, count: usize) -> Result<Vec<i64>, LowerError> {
    let Some(&id) = node.inputs.get(2) else {
        return Ok(vec![0; count]);
    };
    let tensor = &builder.graph.tensors[id];
    match &tensor.data {
        Some(Data::I32(values)) if values.len() == count => {
            Ok(values.iter().map(|&value| value.into()).collect())
        }
        Some(Data::I64(values)) if values.len() == count && builder.is_wide(node.outputs[0]) => {
            Ok(values.clone())
        }
        Some(Data::I32(_) | Data::I64(_)) => {
            Err(operands(node, format!("a bias of {} values for {count} output channels", tensor.elements())))
        }
        _ => Err(LowerError::NotQuantized { node: node.name.clone(), tensor: tensor.name.clone() }),
    }
}

/// Refuses a channel whose sum, for any input, could leave the accumulator or be shifted out of it.
fn check_accumulator(
    node: &Node,
    channel: usize,
    weights: impl Iterator<Item = i8>,
    bias: i64,
    input: Affine,
    factor: Factor,
) -> Result<(), LowerError> {
    let (lowest, highest) = (-128 - i64::from(input.zero_point), 127 - i64::from(input.zero_point));
    let (mut least, mut most) = (0i64, 0i64);
    for weight in weights {
        let (low, high) = (i64::from(weight) * lowest, i64::from(weight) * highest);
        least += low.min(high).min(0);
        most += low.max(high).max(0);
    }
    let bound = [most, -least, most + bias, -(least + bias)].into_iter().max().unwrap_or(0);
    let room = i64::from(i32::MAX) >> factor.shift.max(0);
    if bound > room {
        return Err(LowerError::Accumulator { node: node.name.clone(), channel, bound });
    }
    Ok(())
}

/// The same of a layer on int16, whose sums have 48 bits, and whose factors a smaller shift.
fn check_wide_accumulator(
    node: &Node,
    channel: usize,
    weights: impl Iterator<Item = i8>,
    bias: i64,
    factor: Factor,
) -> Result<(), LowerError> {
    const ROOM: i64 = 1 << 47;
    if factor.shift > MAX_WIDE_SHIFT {
        return Err(LowerError::Factor { node: node.name.clone() });
    }
    let most: i64 = weights.map(|weight| i64::from(weight).abs() << 15).sum();
    match bias.checked_abs().and_then(|bias| bias.checked_add(most)) {
        Some(bound) if bound < ROOM => Ok(()),
        bound => {
            let bound = bound.unwrap_or(i64::MAX);
            Err(LowerError::Accumulator { node: node.name.clone(), channel, bound })
        }
    }
}

/// The window in the format's fields.
pub(super) fn window_of(node: &Node, window: &graph::Window) -> Result<Window, LowerError> {
    let pair = |what: &str, values: [usize; 2]| -> Result<[u16; 2], LowerError> {
        Ok([narrow(node, what, values[0])?, narrow(node, what, values[1])?])
    };
    Ok(Window {
        filter: pair("a filter", window.filter)?,
        stride: pair("a stride", window.stride)?,
        dilation: pair("a dilation", window.dilation)?,
        padding: pair("a padding", window.before)?,
    })
}
