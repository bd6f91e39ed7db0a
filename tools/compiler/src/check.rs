//! The rules that every [`Graph`] keeps: what importers are held to and what later verbs may rely on.
//!
//! A model file is input from outside. Its own claims about shapes are never believed: each node's
//! result is worked out here from its operands and compared.

mod moves;

use crate::graph::{Data, Element, Graph, Node, Op, Tensor, TensorId, Unary, Window};

/// Largest number of elements of one tensor; an artefact counts bytes in 32 bits.
pub const MAX_ELEMENTS: usize = 1 << 30;

/// Checks tensors, nodes and the order of computation. The error says where and what.
pub fn check(graph: &Graph) -> Result<(), String> {
    for (id, tensor) in graph.tensors.iter().enumerate() {
        check_tensor(tensor).map_err(|problem| format!("tensor {id} `{}`: {problem}", tensor.name))?;
    }
    let mut computed: Vec<bool> = graph.tensors.iter().map(|tensor| tensor.data.is_some()).collect();
    for &id in &graph.inputs {
        let slot = computed.get_mut(id).ok_or_else(|| format!("graph input {id} is no tensor"))?;
        if std::mem::replace(slot, true) {
            return Err(format!("graph input `{}` is a constant or stands twice", graph.tensors[id].name));
        }
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        check_order(graph, node, &mut computed)
            .and_then(|()| check_node(graph, node))
            .map_err(|problem| format!("node {index} `{}` ({}): {problem}", node.name, node.op.name()))?;
    }
    for &id in &graph.outputs {
        match computed.get(id) {
            Some(true) if graph.tensors[id].data.is_none() => {}
            Some(_) => return Err(format!("graph output `{}` is never computed", graph.tensors[id].name)),
            None => return Err(format!("graph output {id} is no tensor")),
        }
    }
    Ok(())
}

/// Operands are computed before they are read, results are computed once.
pub fn check_order(graph: &Graph, node: &Node, computed: &mut [bool]) -> Result<(), String> {
    for &id in &node.inputs {
        match computed.get(id) {
            Some(true) => {}
            Some(false) => {
                return Err(format!(
                    "operand `{}` has no data and no earlier node computes it (a cycle, or nodes out of order)",
                    graph.tensors[id].name
                ));
            }
            None => return Err(format!("operand {id} is no tensor")),
        }
    }
    for &id in &node.outputs {
        let slot = computed.get_mut(id).ok_or_else(|| format!("result {id} is no tensor"))?;
        if std::mem::replace(slot, true) {
            return Err(format!(
                "result `{}` is a constant, an input or another node's result already",
                graph.tensors[id].name
            ));
        }
    }
    Ok(())
}

/// Shape, data and quantization of one tensor agree and are finite.
pub fn check_tensor(tensor: &Tensor) -> Result<(), String> {
    let mut elements = 1usize;
    for &extent in &tensor.shape {
        if extent == 0 {
            return Err(format!("shape {:?} has an empty axis", tensor.shape));
        }
        elements = elements
            .checked_mul(extent)
            .filter(|&count| count <= MAX_ELEMENTS)
            .ok_or_else(|| format!("shape {:?} has more than {MAX_ELEMENTS} elements", tensor.shape))?;
    }
    if let Some(data) = &tensor.data {
        if data.len() != elements {
            return Err(format!(
                "shape {:?} wants {elements} values, there are {}",
                tensor.shape,
                data.len()
            ));
        }
        if data.element() != tensor.element {
            return Err(format!("{:?} values in a tensor of {:?}", data.element(), tensor.element));
        }
        if let Data::F32(values) = data
            && let Some(at) = values.iter().position(|value| !value.is_finite())
        {
            return Err(format!(
                "value {at} is {}; every constant must be finite: train or export the model again",
                values[at]
            ));
        }
    }
    let Some(quantization) = &tensor.quantization else { return Ok(()) };
    let channels = quantization.scales.len();
    if channels == 0 || quantization.zero_points.len() != channels {
        return Err(format!("{channels} scales with {} zero points", quantization.zero_points.len()));
    }
    if let Some(scale) = quantization.scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
        return Err(format!("scale {scale} is not a positive number"));
    }
    let (lowest, highest) = match tensor.element {
        Element::I8 => (-128, 127),
        Element::I16 => (0, 0),
        Element::U8 => (0, 255),
        Element::I32 => (0, 0),
        Element::F32 | Element::I64 => return Err(format!("{:?} with a quantization", tensor.element)),
    };
    if let Some(point) = quantization.zero_points.iter().find(|point| !(lowest..=highest).contains(*point)) {
        return Err(format!("zero point {point} is outside {lowest}..={highest}"));
    }
    if channels > 1 && tensor.shape.get(quantization.axis) != Some(&channels) {
        return Err(format!(
            "{channels} scales along axis {} of shape {:?}",
            quantization.axis, tensor.shape
        ));
    }
    Ok(())
}

/// Operand count, element types and shapes of one node.
pub fn check_node(graph: &Graph, node: &Node) -> Result<(), String> {
    let operands: Vec<&Tensor> = fetch(graph, &node.inputs)?;
    let results: Vec<&Tensor> = fetch(graph, &node.outputs)?;
    let [output] = results[..] else {
        return Err(format!("one result expected, {} found", results.len()));
    };
    let expected = match &node.op {
        Op::Conv2d { window, groups, .. } => conv_2d(&operands, window, *groups)?,
        Op::DepthwiseConv2d { window, depth_multiplier, .. } => {
            depthwise_conv_2d(&operands, window, *depth_multiplier)?
        }
        Op::TransposeConv2d { window, .. } => transpose_conv_2d(&operands, window, output)?,
        Op::FullyConnected { .. } => fully_connected(&operands, output)?,
        Op::AveragePool2d { window, .. } | Op::MaxPool2d { window, .. } => {
            let [input] = take(&operands)?;
            let [batch, height, width, channels] = image(input)?;
            let [rows, columns] = slide(height, width, window)?;
            for (axis, (extent, result)) in [(height, rows), (width, columns)].into_iter().enumerate() {
                if !never_empty(window, axis, extent, result) {
                    return Err(format!(
                        "padding {:?}/{:?} leaves a window of {:?} without anything to pool",
                        window.before, window.after, window.filter
                    ));
                }
            }
            vec![batch, rows, columns, channels]
        }
        Op::Mean => {
            let [input] = take(&operands)?;
            let [batch, _, _, channels] = image(input)?;
            if output.shape == [batch, channels] { output.shape.clone() } else { vec![batch, 1, 1, channels] }
        }
        Op::Add { .. } | Op::Mul { .. } | Op::Binary { .. } => {
            let [left, right] = take(&operands)?;
            broadcast(&left.shape, &right.shape)?
        }
        Op::Select => {
            let [condition, yes, no] = take(&operands)?;
            broadcast(&condition.shape, &broadcast(&yes.shape, &no.shape)?)?
        }
        Op::Prelu => {
            let [input, slopes] = take(&operands)?;
            let ones = slopes.shape.iter().take_while(|&&extent| extent == 1).count();
            // Halves reach their operator through a dequantization, which folding removes.
            let computed = slopes.data.is_none() && slopes.element != Element::F32;
            if computed || !input.shape.ends_with(&slopes.shape[ones..]) {
                return Err(format!(
                    "slopes `{}` of shape {:?}; constants for the innermost axes of {:?} are supported",
                    slopes.name, slopes.shape, input.shape
                ));
            }
            input.shape.clone()
        }
        Op::Reduce { axes, .. } => {
            let [input] = take(&operands)?;
            reduced(&input.shape, axes, &output.shape)?
        }
        Op::BatchMatmul { right_transposed } => {
            let [left, right] = take(&operands)?;
            batch_matmul(&left.shape, &right.shape, *right_transposed)?
        }
        Op::LocalResponseNormalization { alpha, beta, bias, .. } => {
            let [input] = take(&operands)?;
            let sound = *bias > 0.0 && *alpha >= 0.0 && *beta >= 0.0;
            if input.shape.is_empty() || !sound || ![*alpha, *beta, *bias].iter().all(|x| x.is_finite()) {
                return Err(format!("alpha {alpha}, beta {beta}, bias {bias}"));
            }
            input.shape.clone()
        }
        Op::Normalize { view, epsilon, .. } => {
            let [input, gains, offsets] = take(&operands)?;
            let repeats = |values: &Tensor| {
                values
                    .floats()
                    .is_some_and(|values| (view[1] * view[2] * view[3]).is_multiple_of(values.len()))
            };
            let sound = epsilon.is_finite() && *epsilon >= 0.0 && gains.elements() == offsets.elements();
            let whole = view.iter().product::<usize>() == input.elements();
            if !(sound && whole && repeats(gains) && repeats(offsets)) {
                return Err(format!("a normalization of {:?} as {view:?}", input.shape));
            }
            if output.elements() != input.elements() {
                return Err(format!("{:?} from {:?}", output.shape, input.shape));
            }
            output.shape.clone()
        }
        Op::Concatenate { axis } => concatenate(&operands, *axis)?,
        Op::Pad { .. }
        | Op::Reshape
        | Op::Transpose { .. }
        | Op::Slice { .. }
        | Op::Expand
        | Op::Gather { .. }
        | Op::Interpolate { .. } => {
            let [input] = take(&operands)?;
            moves::shape(&node.op, input, output)?
        }
        Op::ResizeNearest { .. } | Op::ResizeBilinear { .. } => {
            let [input] = take(&operands)?;
            let [batch, _, _, channels] = image(input)?;
            let [_, rows, columns, _] = image(output)?;
            vec![batch, rows, columns, channels]
        }
        Op::Softmax { beta } => {
            let [input] = take(&operands)?;
            if !(beta.is_finite() && *beta > 0.0) {
                return Err(format!("beta {beta} is not a positive number"));
            }
            if input.shape.is_empty() {
                return Err("softmax of a scalar".into());
            }
            input.shape.clone()
        }
        Op::Unary(unary) => {
            let [input] = take(&operands)?;
            let sound = match *unary {
                Unary::LeakyRelu { alpha } | Unary::Elu { alpha } => alpha.is_finite(),
                Unary::Power { exponent } => exponent.is_finite(),
                Unary::Clip { low, high } => low <= high,
                _ => true,
            };
            if !sound {
                return Err(format!("{unary:?}"));
            }
            input.shape.clone()
        }
        Op::Function(_) => {
            let [input] = take(&operands)?;
            input.shape.clone()
        }
    };
    if output.shape != expected {
        return Err(format!("result is {expected:?}, but the file says {:?}", output.shape));
    }
    check_elements(node, &operands, output)
}

/// Which element types may meet in a node, and that quantized ones say how they are quantized.
fn check_elements(node: &Node, operands: &[&Tensor], output: &Tensor) -> Result<(), String> {
    for tensor in operands.iter().copied().chain([output]) {
        if quantized(tensor) && tensor.quantization.is_none() {
            return Err(format!("{:?} tensor `{}` has no scale", tensor.element, tensor.name));
        }
        if tensor.data.is_none() && tensor.quantization.as_ref().is_some_and(|q| q.scales.len() > 1) {
            return Err(format!("activation `{}` has one scale a channel; one is supported", tensor.name));
        }
    }
    if let Op::Unary(Unary::Requantize) = node.op {
        return match (operands[0].element, output.element) {
            (from, to) if is_activation(from) && is_activation(to) => Ok(()),
            (from, to) => Err(format!("from {from:?} to {to:?}")),
        };
    }
    let bias = match node.op {
        Op::Conv2d { .. }
        | Op::DepthwiseConv2d { .. }
        | Op::TransposeConv2d { .. }
        | Op::FullyConnected { .. } => operands.get(2),
        _ => None,
    };
    let same = match node.op {
        // Gains and offsets stay float.
        Op::Normalize { .. } => 1,
        _ => operands.len() - usize::from(bias.is_some()),
    };
    if let Some(other) = operands[..same].iter().find(|operand| operand.element != output.element) {
        return Err(format!(
            "`{}` is {:?} but the result is {:?}",
            other.name, other.element, output.element
        ));
    }
    let bias_element = match output.element {
        Element::F32 => Element::F32,
        Element::I16 => Element::I64,
        _ => Element::I32,
    };
    match bias {
        Some(bias) if bias.element != bias_element => {
            Err(format!("bias `{}` is {:?}; {bias_element:?} is supported", bias.name, bias.element))
        }
        _ if matches!(output.element, Element::I32 | Element::I64) => {
            Err(format!("arithmetic on {:?}", output.element))
        }
        _ => Ok(()),
    }
}

fn fetch<'a>(graph: &'a Graph, ids: &[TensorId]) -> Result<Vec<&'a Tensor>, String> {
    ids.iter().map(|&id| graph.tensors.get(id).ok_or_else(|| format!("operand {id} is no tensor"))).collect()
}

fn take<'a, const N: usize>(operands: &[&'a Tensor]) -> Result<[&'a Tensor; N], String> {
    operands.try_into().map_err(|_| format!("{N} operands expected, {} found", operands.len()))
}

fn image(tensor: &Tensor) -> Result<[usize; 4], String> {
    tensor.shape[..].try_into().map_err(|_| {
        format!("`{}` has shape {:?}; four axes [N, H, W, C] are needed", tensor.name, tensor.shape)
    })
}

fn quantized(tensor: &Tensor) -> bool {
    matches!(tensor.element, Element::I8 | Element::I16 | Element::U8)
}

fn is_activation(element: Element) -> bool {
    matches!(element, Element::F32 | Element::I8 | Element::I16 | Element::U8)
}

fn slide(height: usize, width: usize, window: &Window) -> Result<[usize; 2], String> {
    let mut result = [0; 2];
    for (axis, extent) in [height, width].into_iter().enumerate() {
        let (stride, dilation, filter) = (window.stride[axis], window.dilation[axis], window.filter[axis]);
        if stride == 0 || dilation == 0 || filter == 0 {
            return Err(format!("stride {stride}, dilation {dilation}, filter {filter}"));
        }
        let reach = (filter - 1).checked_mul(dilation).and_then(|reach| reach.checked_add(1));
        let padded =
            extent.checked_add(window.before[axis]).and_then(|sum| sum.checked_add(window.after[axis]));
        result[axis] = match (reach, padded) {
            (Some(reach), Some(padded)) if padded >= reach => (padded - reach) / stride + 1,
            _ => return Err(format!("a window of {filter} (dilation {dilation}) does not fit {extent}")),
        };
    }
    Ok(result)
}

/// Whether every position of a pool's window has a tap inside the input.
fn never_empty(window: &Window, axis: usize, extent: usize, result: usize) -> bool {
    let (before, dilation) = (window.before[axis], window.dilation[axis]);
    let first = |position: usize| {
        let start = position * window.stride[axis];
        // The first tap that is not in the padding before.
        let tap = before.saturating_sub(start).div_ceil(dilation);
        (tap < window.filter[axis]).then(|| start + tap * dilation - before)
    };
    [0, result - 1].into_iter().all(|position| first(position).is_some_and(|place| place < extent))
        && (dilation == 1 || (0..result).all(|position| first(position).is_some_and(|place| place < extent)))
}

fn bias_matches(operands: &[&Tensor], channels: usize) -> Result<(), String> {
    match operands {
        [_, _] => Ok(()),
        [_, _, bias] if bias.shape == [channels] => Ok(()),
        [_, _, bias] => Err(format!("bias has shape {:?}, [{channels}] expected", bias.shape)),
        _ => Err(format!("two or three operands expected, {} found", operands.len())),
    }
}

fn conv_2d(operands: &[&Tensor], window: &Window, groups: usize) -> Result<Vec<usize>, String> {
    let (Some(input), Some(weights)) = (operands.first(), operands.get(1)) else {
        return Err(format!("two or three operands expected, {} found", operands.len()));
    };
    let [batch, height, width, channels] = image(input)?;
    let [out_channels, rows, columns, depth] = image(weights)?;
    if groups == 0 || depth.checked_mul(groups) != Some(channels) || out_channels % groups != 0 {
        return Err(format!(
            "weights {:?} in {groups} groups do not fit an input of {channels} channels",
            weights.shape
        ));
    }
    if window.filter != [rows, columns] {
        return Err(format!("window {:?} over weights {:?}", window.filter, weights.shape));
    }
    bias_matches(operands, out_channels)?;
    let [rows, columns] = slide(height, width, window)?;
    Ok(vec![batch, rows, columns, out_channels])
}

fn depthwise_conv_2d(
    operands: &[&Tensor],
    window: &Window,
    depth_multiplier: usize,
) -> Result<Vec<usize>, String> {
    let (Some(input), Some(weights)) = (operands.first(), operands.get(1)) else {
        return Err(format!("two or three operands expected, {} found", operands.len()));
    };
    let [batch, height, width, channels] = image(input)?;
    let [one, rows, columns, out_channels] = image(weights)?;
    if one != 1 || channels.checked_mul(depth_multiplier) != Some(out_channels) {
        return Err(format!(
            "weights {:?} with depth multiplier {depth_multiplier} do not fit an input of {channels} channels",
            weights.shape
        ));
    }
    if window.filter != [rows, columns] {
        return Err(format!("window {:?} over weights {:?}", window.filter, weights.shape));
    }
    bias_matches(operands, out_channels)?;
    let [rows, columns] = slide(height, width, window)?;
    Ok(vec![batch, rows, columns, out_channels])
}

fn transpose_conv_2d(operands: &[&Tensor], window: &Window, output: &Tensor) -> Result<Vec<usize>, String> {
    let (Some(input), Some(weights)) = (operands.first(), operands.get(1)) else {
        return Err(format!("two or three operands expected, {} found", operands.len()));
    };
    let [batch, height, width, channels] = image(input)?;
    let [out_channels, rows, columns, depth] = image(weights)?;
    if depth != channels || window.filter != [rows, columns] {
        return Err(format!("weights {:?} do not fit an input of {channels} channels", weights.shape));
    }
    bias_matches(operands, out_channels)?;
    let [_, out_height, out_width, _] = image(output)?;
    for (axis, (extent, result)) in [(height, out_height), (width, out_width)].into_iter().enumerate() {
        let (stride, dilation, before) = (window.stride[axis], window.dilation[axis], window.before[axis]);
        let reach = window.filter[axis].saturating_sub(1).saturating_mul(dilation);
        if stride == 0 || dilation == 0 || before > reach {
            return Err(format!("stride {stride}, dilation {dilation}, {before} cut off a reach of {reach}"));
        }
        let most = extent.saturating_mul(stride).saturating_add(reach - before);
        if result > most {
            return Err(format!("{result} rows or columns of a result that has at most {most}"));
        }
    }
    Ok(vec![batch, out_height, out_width, out_channels])
}

fn fully_connected(operands: &[&Tensor], output: &Tensor) -> Result<Vec<usize>, String> {
    let (Some(input), Some(weights)) = (operands.first(), operands.get(1)) else {
        return Err(format!("two or three operands expected, {} found", operands.len()));
    };
    let [out_channels, depth] = weights.shape[..] else {
        return Err(format!("weights have shape {:?}; [outputs, inputs] expected", weights.shape));
    };
    if input.elements() % depth != 0 {
        return Err(format!("input {:?} is no whole number of rows of {depth}", input.shape));
    }
    bias_matches(operands, out_channels)?;
    let rows = input.elements() / depth;
    if output.shape.last() != Some(&out_channels) || output.elements() != rows * out_channels {
        return Err(format!("result is [{rows}, {out_channels}], but the file says {:?}", output.shape));
    }
    Ok(output.shape.clone())
}

/// The shape that both repeat to, along axes of extent 1 or missing ones.
fn broadcast(left: &[usize], right: &[usize]) -> Result<Vec<usize>, String> {
    let rank = left.len().max(right.len());
    let extent =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (extent(left, axis), extent(right, axis)) {
            (1, extent) | (extent, 1) => Ok(extent),
            (one, other) if one == other => Ok(one),
            _ => Err(format!("shapes {left:?} and {right:?} do not broadcast")),
        })
        .collect()
}

/// The neighbouring axes over which a reduction runs, as extents before, of and behind them.
pub fn reduced_view(shape: &[usize], axes: &[usize]) -> Option<[usize; 3]> {
    let long = |axis: &usize| shape[*axis] != 1;
    let (mut view, mut place) = ([1; 3], 0);
    for axis in (0..shape.len()).filter(long) {
        if axes.contains(&axis) != (place == 1) {
            place += 1;
        }
        *view.get_mut(place)? *= shape[axis];
    }
    Some(view)
}

fn reduced(shape: &[usize], axes: &[usize], stated: &[usize]) -> Result<Vec<usize>, String> {
    if !axes.is_sorted_by(|left, right| left < right) || axes.last().is_some_and(|&axis| axis >= shape.len())
    {
        return Err(format!("axes {axes:?} of shape {shape:?}"));
    }
    if reduced_view(shape, axes).is_none() {
        return Err(format!("axes {axes:?} of shape {shape:?}; neighbouring axes are supported"));
    }
    let gone: Vec<usize> =
        (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect();
    let kept = shape.iter().enumerate().map(|(axis, &extent)| if axes.contains(&axis) { 1 } else { extent });
    Ok(if stated == gone { gone } else { kept.collect() })
}

fn batch_matmul(left: &[usize], right: &[usize], right_transposed: bool) -> Result<Vec<usize>, String> {
    let refused = || format!("the product of {left:?} and {right:?}");
    let (&[ref outer @ .., rows, depth], &[ref right_outer @ .., first, second]) = (left, right) else {
        return Err(refused());
    };
    let (inner, columns) = if right_transposed { (second, first) } else { (first, second) };
    let fits = inner == depth && (outer == right_outer || right_outer.iter().all(|&extent| extent == 1));
    if !fits || left.len() > 4 || right.len() > left.len() {
        return Err(refused());
    }
    Ok([outer, &[rows, columns]].concat())
}

/// Whether a tensor of shape `from` repeats along axes of extent 1 or missing ones to fill `to`.
pub fn broadcasts_to(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len()
        && from.iter().rev().zip(to.iter().rev()).all(|(&from, &to)| from == to || from == 1)
}

fn concatenate(operands: &[&Tensor], axis: usize) -> Result<Vec<usize>, String> {
    let Some((first, rest)) = operands.split_first() else {
        return Err("no operands".into());
    };
    let mut shape = first.shape.clone();
    if axis >= shape.len() {
        return Err(format!("axis {axis} of shape {shape:?}"));
    }
    for other in rest {
        let fits = other.shape.len() == shape.len()
            && (0..shape.len()).all(|index| index == axis || other.shape[index] == shape[index]);
        if !fits {
            return Err(format!("shapes {:?} and {:?} along axis {axis}", first.shape, other.shape));
        }
        shape[axis] = shape[axis].saturating_add(other.shape[axis]);
    }
    Ok(shape)
}
