//! How much the boxes of a detector move with every number of every layer: gradients, taken backwards.
//!
//! For a weight `u` drawn as +1 or -1 for every output that counts, the square of the gradient of
//! `sum(u * output)` has the sum of squared partial derivatives as its mean. A few draws an image are
//! enough, because they are summed over images and places.

mod elementwise;

use crate::graph::{Activation, Data, Graph, Node, Op, TensorId, Unary, Window};

/// Values or gradients by tensor.
pub(super) type ByTensor = Vec<Option<Vec<f32>>>;

/// Hands out the gradient of each activation, from those of some, last ones first; `None` when an operator on the way
/// has no derivative here. A gradient is dropped once it is handed out: all of them together would double what a run
/// holds.
pub(super) fn backward(
    graph: &Graph,
    values: &[Option<Vec<f32>>],
    seeds: &[(TensorId, Vec<f32>)],
    mut take: impl FnMut(TensorId, &[f32]),
) -> Option<()> {
    let mut gradients: ByTensor = vec![None; graph.tensors.len()];
    for (id, seed) in seeds {
        accumulate(&mut gradients, *id, seed.clone());
    }
    for node in graph.nodes.iter().rev() {
        let result = node.outputs[0];
        let Some(mut gradient) = gradients[result].take() else { continue };
        take(result, &gradient);
        mask(activation(&node.op), values[result].as_deref()?, &mut gradient);
        for (id, gradient) in step(graph, node, values, &gradient)? {
            accumulate(&mut gradients, id, gradient);
        }
    }
    for (id, gradient) in gradients.iter().enumerate() {
        if let Some(gradient) = gradient {
            take(id, gradient);
        }
    }
    Some(())
}

/// The activation fused into an operator.
pub(super) fn activation(op: &Op) -> Activation {
    match op {
        Op::Conv2d { activation, .. }
        | Op::DepthwiseConv2d { activation, .. }
        | Op::TransposeConv2d { activation, .. }
        | Op::FullyConnected { activation }
        | Op::AveragePool2d { activation, .. }
        | Op::MaxPool2d { activation, .. }
        | Op::Add { activation }
        | Op::Mul { activation }
        | Op::Binary { activation, .. } => *activation,
        Op::Unary(Unary::Relu) => Activation::Relu,
        Op::Unary(Unary::Relu6) => Activation::Relu6,
        Op::Unary(Unary::ReluN1To1) => Activation::ReluN1To1,
        _ => Activation::Linear,
    }
}

/// No gradient passes where an activation is flat.
fn mask(activation: Activation, output: &[f32], gradient: &mut [f32]) {
    let open: fn(f32) -> bool = match activation {
        Activation::Linear => return,
        Activation::Relu => |value| value > 0.0,
        Activation::Relu6 => |value| value > 0.0 && value < 6.0,
        Activation::ReluN1To1 => |value| value > -1.0 && value < 1.0,
    };
    for (gradient, &value) in gradient.iter_mut().zip(output) {
        if !open(value) {
            *gradient = 0.0;
        }
    }
}

fn accumulate(gradients: &mut ByTensor, id: TensorId, gradient: Vec<f32>) {
    match &mut gradients[id] {
        Some(sum) => sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value),
        empty => *empty = Some(gradient),
    }
}

/// Gradients of a node's operands from that of its result before the activation.
fn step(
    graph: &Graph,
    node: &Node,
    values: &[Option<Vec<f32>>],
    gradient: &[f32],
) -> Option<Vec<(TensorId, Vec<f32>)>> {
    let input = node.inputs[0];
    let constant = |index: usize| match &graph.tensors[node.inputs[index]].data {
        Some(Data::F32(values)) => Some(&values[..]),
        _ => None,
    };
    let (from, to) = (&graph.tensors[input].shape, &graph.tensors[node.outputs[0]].shape);
    Some(match &node.op {
        Op::Conv2d { window, groups: 1, .. } => {
            let weights = constant(1)?;
            let taps = |y: usize, x: usize, outer: &[f32], inner: &mut [f32]| {
                let [height, width] = window.filter;
                for (channel, &outer) in outer.iter().enumerate().filter(|(_, outer)| **outer != 0.0) {
                    let start = ((channel * height + y) * width + x) * inner.len();
                    for (inner, weight) in inner.iter_mut().zip(&weights[start..]) {
                        *inner += outer * weight;
                    }
                }
            };
            vec![(input, slide(from, to, window, gradient, taps)?)]
        }
        Op::DepthwiseConv2d { window, depth_multiplier, .. } => {
            let weights = constant(1)?;
            let taps = |y: usize, x: usize, outer: &[f32], inner: &mut [f32]| {
                let start = (y * window.filter[1] + x) * outer.len();
                let products = outer.iter().zip(&weights[start..]).map(|(outer, weight)| outer * weight);
                for (channel, product) in products.enumerate() {
                    inner[channel / depth_multiplier] += product;
                }
            };
            vec![(input, slide(from, to, window, gradient, taps)?)]
        }
        Op::FullyConnected { .. } => {
            let weights = constant(1)?;
            let &[outputs, inputs] = &graph.tensors[node.inputs[1]].shape[..] else { return None };
            let mut result = vec![0.0; graph.tensors[input].elements()];
            for (outer, inner) in gradient.chunks(outputs).zip(result.chunks_mut(inputs)) {
                for (outer, weights) in outer.iter().zip(weights.chunks(inputs)) {
                    inner.iter_mut().zip(weights).for_each(|(inner, weight)| *inner += outer * weight);
                }
            }
            vec![(input, result)]
        }
        Op::AveragePool2d { window, .. } => {
            let share = 1.0 / (window.filter[0] * window.filter[1]) as f32;
            let taps = |_: usize, _: usize, outer: &[f32], inner: &mut [f32]| {
                inner.iter_mut().zip(outer).for_each(|(inner, outer)| *inner += outer * share);
            };
            vec![(input, slide(from, to, window, gradient, taps)?)]
        }
        Op::MaxPool2d { window, .. } => {
            let (input_values, output_values) =
                (values[input].as_deref()?, values[node.outputs[0]].as_deref()?);
            vec![(input, max_pool(from, to, window, gradient, input_values, output_values)?)]
        }
        Op::Mean => {
            let &[1, height, width, channels] = &from[..] else { return None };
            let share = 1.0 / (height * width) as f32;
            let pixel: Vec<f32> = gradient.iter().map(|gradient| gradient * share).collect();
            vec![(input, pixel.iter().copied().cycle().take(height * width * channels).collect())]
        }
        Op::Add { .. } => {
            let variable = |&&id: &&TensorId| graph.tensors[id].data.is_none();
            if node.inputs.iter().filter(variable).any(|&id| graph.tensors[id].shape != *to) {
                return None;
            }
            node.inputs.iter().filter(variable).map(|&id| (id, gradient.to_vec())).collect()
        }
        Op::Mul { .. } => elementwise::product(graph, node, values, gradient)?,
        Op::Concatenate { axis } => elementwise::parts(graph, node, *axis, gradient),
        op @ (Op::ResizeNearest { .. } | Op::ResizeBilinear { .. } | Op::Interpolate { .. }) => {
            vec![(input, elementwise::resized(op, from, to, gradient)?)]
        }
        Op::Softmax { beta } => {
            let output = values[node.outputs[0]].as_deref()?;
            vec![(input, elementwise::softmax(*beta, *to.last()?, output, gradient))]
        }
        Op::Pad { before, .. } => vec![(input, crop(from, to, before, gradient)?)],
        Op::Reshape => vec![(input, gradient.to_vec())],
        op @ (Op::Transpose { .. } | Op::Slice { .. } | Op::Expand) => {
            vec![(input, elementwise::moved(op, from, to, gradient)?)]
        }
        Op::Unary(Unary::Relu | Unary::Relu6 | Unary::ReluN1To1 | Unary::Requantize) => {
            vec![(input, gradient.to_vec())]
        }
        Op::Unary(unary) => vec![(input, through(|x| unary.real(x), values[input].as_deref()?, gradient))],
        Op::Function(function) => {
            vec![(input, through(|x| function.real(x), values[input].as_deref()?, gradient))]
        }
        Op::Prelu => {
            let slopes = constant(1)?;
            let bend = |(index, (&gradient, &value)): (usize, (&f32, &f32))| {
                if value < 0.0 { gradient * slopes[index % slopes.len()] } else { gradient }
            };
            vec![(input, gradient.iter().zip(values[input].as_deref()?).enumerate().map(bend).collect())]
        }
        _ => return None,
    })
}

/// The gradient before a function of one number, by its slope around each value.
fn through(function: impl Fn(f64) -> f64, values: &[f32], gradient: &[f32]) -> Vec<f32> {
    let slope = |value: f32| {
        let (x, step) = (f64::from(value), 1e-4 * f64::from(value.abs()).max(1.0));
        ((function(x + step) - function(x - step)) / (2.0 * step)) as f32
    };
    let finite = |slope: f32| if slope.is_finite() { slope } else { 0.0 };
    gradient.iter().zip(values).map(|(gradient, &value)| gradient * finite(slope(value))).collect()
}

/// Walks a window over `[1, H, W, C]` and hands out, for every tap inside the image, the gradient of
/// the output pixel and that of the input pixel.
fn slide(
    from: &[usize],
    to: &[usize],
    window: &Window,
    gradient: &[f32],
    taps: impl Fn(usize, usize, &[f32], &mut [f32]),
) -> Option<Vec<f32>> {
    let (&[1, height, width, inputs], &[1, rows, columns, outputs]) = (from, to) else { return None };
    let mut result = vec![0.0; height * width * inputs];
    for (pixel, outer) in gradient.chunks_exact(outputs).enumerate().take(rows * columns) {
        if outer.iter().all(|&value| value == 0.0) {
            continue;
        }
        let (row, column) = (pixel / columns, pixel % columns);
        for tap_y in 0..window.filter[0] {
            let y = (row * window.stride[0] + tap_y * window.dilation[0]).wrapping_sub(window.before[0]);
            for tap_x in 0..window.filter[1] {
                let x =
                    (column * window.stride[1] + tap_x * window.dilation[1]).wrapping_sub(window.before[1]);
                if y < height && x < width {
                    let start = (y * width + x) * inputs;
                    taps(tap_y, tap_x, outer, &mut result[start..start + inputs]);
                }
            }
        }
    }
    Some(result)
}

/// The gradient goes to the pixel that won.
fn max_pool(
    from: &[usize],
    to: &[usize],
    window: &Window,
    gradient: &[f32],
    input: &[f32],
    output: &[f32],
) -> Option<Vec<f32>> {
    let (&[1, height, width, channels], &[1, _, columns, _]) = (from, to) else { return None };
    let mut result = vec![0.0; height * width * channels];
    for (index, (&gradient, &won)) in gradient.iter().zip(output).enumerate() {
        if gradient == 0.0 {
            continue;
        }
        let (pixel, channel) = (index / channels, index % channels);
        let (row, column) = (pixel / columns, pixel % columns);
        let places = (0..window.filter[0]).flat_map(|y| (0..window.filter[1]).map(move |x| (y, x)));
        let winner = places
            .map(|(y, x)| {
                let y = (row * window.stride[0] + y).wrapping_sub(window.before[0]);
                (y, (column * window.stride[1] + x).wrapping_sub(window.before[1]))
            })
            .filter(|&(y, x)| y < height && x < width)
            .map(|(y, x)| (y * width + x) * channels + channel)
            .find(|&place| input[place] == won);
        if let Some(place) = winner {
            result[place] += gradient;
        }
    }
    Some(result)
}

/// What of a padded tensor came from inside.
fn crop(from: &[usize], to: &[usize], before: &[usize], gradient: &[f32]) -> Option<Vec<f32>> {
    let elements: usize = from.iter().product();
    let mut result = Vec::with_capacity(elements);
    for position in 0..elements {
        let (mut rest, mut place, mut step) = (position, 0, 1);
        for axis in (0..from.len()).rev() {
            place += (rest % from[axis] + before[axis]) * step;
            rest /= from[axis];
            step *= to[axis];
        }
        result.push(*gradient.get(place)?);
    }
    Some(result)
}
