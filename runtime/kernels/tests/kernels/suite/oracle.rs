//! The contract as short as it can be said, in plain loops and wide integers.

use alloc::vec;
use alloc::vec::Vec;

use ocelli_kernels::*;

/// `value * multiplier * 2^(shift - 31)`, rounded as the contract says.
pub fn requantize(value: i32, factor: Requantize) -> i64 {
    let shifted = i128::from(value) << factor.shift.max(0);
    let high = (2 * shifted * i128::from(factor.multiplier) + (1 << 31)) >> 32;
    divide(high as i64, (-factor.shift).max(0) as u32)
}

/// `value / 2^exponent`, halves away from zero.
pub fn divide(value: i64, exponent: u32) -> i64 {
    let divisor = 1 << exponent;
    (2 * value.abs() + divisor) / (2 * divisor) * value.signum()
}

/// A sum on its way to int8.
pub fn finish(sum: i32, factor: Requantize, zero_point: i8, min: i8, max: i8) -> i8 {
    (requantize(sum, factor) + i64::from(zero_point)).clamp(min.into(), max.into()) as i8
}

/// The element of a tensor `[N, H, W, C]`.
pub fn at(shape: [usize; 4], [n, y, x, c]: [usize; 4]) -> usize {
    ((n * shape[1] + y) * shape[2] + x) * shape[3] + c
}

/// All positions of a tensor.
pub fn positions(shape: [usize; 4]) -> impl Iterator<Item = [usize; 4]> {
    (0..shape.iter().product()).map(move |i| {
        let (rest, c) = (i / shape[3], i % shape[3]);
        let (rest, x) = (rest / shape[2], rest % shape[2]);
        [rest / shape[1], rest % shape[1], x, c]
    })
}

/// Where a tap looks, if inside.
fn look(axis: Axis, output: usize, tap: usize, input: usize) -> Option<usize> {
    (output * axis.stride + tap * axis.dilation)
        .checked_sub(axis.padding)
        .filter(|&position| position < input)
}

/// Both taps of every element under a window, with the element's position.
fn window(axes: [Axis; 2], y: usize, x: usize, [_, height, width, _]: [usize; 4]) -> Vec<[usize; 4]> {
    let mut taps = Vec::new();
    for ky in 0..axes[0].filter {
        for kx in 0..axes[1].filter {
            if let (Some(y), Some(x)) = (look(axes[0], y, ky, height), look(axes[1], x, kx, width)) {
                taps.push([ky, kx, y, x]);
            }
        }
    }
    taps
}

/// A factor of a filter.
fn factor(filter: &Filter, channel: usize) -> Requantize {
    let channel = if filter.multipliers.len() == 1 { 0 } else { channel };
    Requantize { multiplier: filter.multipliers[channel], shift: filter.shifts[channel] }
}

/// 2-d convolution.
pub fn conv_2d(p: &Conv2dParameters, filter: &Filter, input: &[i8]) -> Vec<i8> {
    let axes = [p.vertical, p.horizontal];
    let channels = p.input_shape[3] / p.groups;
    let output = positions(p.output_shape).map(|[n, y, x, o]| {
        let mut sum = filter.bias.get(o).copied().unwrap_or(0);
        let first = o / (p.output_shape[3] / p.groups) * channels;
        for [ky, kx, y, x] in window(axes, y, x, p.input_shape) {
            for c in 0..channels {
                let weight = filter.weights[((o * axes[0].filter + ky) * axes[1].filter + kx) * channels + c];
                let value = input[at(p.input_shape, [n, y, x, first + c])];
                sum += (i32::from(value) - i32::from(p.input_zero_point)) * i32::from(weight);
            }
        }
        finish(sum, factor(filter, o), p.output_zero_point, p.activation_min, p.activation_max)
    });
    output.collect()
}

/// Transposed 2-d convolution: a convolution of the image with its pixels `stride` apart and nothing between.
pub fn transpose_conv_2d(p: &Conv2dParameters, filter: &Filter, input: &[i8]) -> Vec<i8> {
    let [batches, height, width, channels] = p.input_shape;
    let [tall, wide] = [height * p.vertical.stride, width * p.horizontal.stride];
    let apart = [batches, tall, wide, channels];
    let mut stretched = vec![p.input_zero_point; batches * tall * wide * channels];
    for [n, y, x, c] in positions(p.input_shape) {
        let to = [n, y * p.vertical.stride, x * p.horizontal.stride, c];
        stretched[at(apart, to)] = input[at(p.input_shape, [n, y, x, c])];
    }
    let dense = |axis: Axis| Axis { stride: 1, ..axis };
    let (vertical, horizontal) = (dense(p.vertical), dense(p.horizontal));
    conv_2d(&Conv2dParameters { input_shape: apart, vertical, horizontal, ..*p }, filter, &stretched)
}

/// Depthwise 2-d convolution.
pub fn depthwise_conv_2d(p: &DepthwiseConv2dParameters, filter: &Filter, input: &[i8]) -> Vec<i8> {
    let axes = [p.vertical, p.horizontal];
    let channels = p.output_shape[3];
    let output = positions(p.output_shape).map(|[n, y, x, o]| {
        let mut sum = filter.bias.get(o).copied().unwrap_or(0);
        for [ky, kx, y, x] in window(axes, y, x, p.input_shape) {
            let weight = filter.weights[(ky * axes[1].filter + kx) * channels + o];
            let value = input[at(p.input_shape, [n, y, x, o / (channels / p.input_shape[3])])];
            sum += (i32::from(value) - i32::from(p.input_zero_point)) * i32::from(weight);
        }
        finish(sum, factor(filter, o), p.output_zero_point, p.activation_min, p.activation_max)
    });
    output.collect()
}

/// Fully connected layer.
pub fn fully_connected(p: &FullyConnectedParameters, filter: &Filter, input: &[i8]) -> Vec<i8> {
    let mut output = Vec::new();
    for vector in input.chunks(p.input_depth) {
        for o in 0..p.output_depth {
            let mut sum = filter.bias.get(o).copied().unwrap_or(0);
            for (i, &value) in vector.iter().enumerate() {
                let weight = filter.weights[o * p.input_depth + i];
                sum += (i32::from(value) - i32::from(p.input_zero_point)) * i32::from(weight);
            }
            output.push(finish(
                sum,
                factor(filter, o),
                p.output_zero_point,
                p.activation_min,
                p.activation_max,
            ));
        }
    }
    output
}

/// The values under every window of a pool.
fn pooled(p: &Pool2dParameters, input: &[i8]) -> impl Iterator<Item = Vec<i8>> {
    positions(p.output_shape).map(move |[n, y, x, c]| {
        // Room before the taps: what was allocated last is freed first, as the firmware's heap wants it.
        let mut values = Vec::with_capacity(p.vertical.filter * p.horizontal.filter);
        let taps = window([p.vertical, p.horizontal], y, x, p.input_shape);
        values.extend(taps.iter().map(|&[_, _, y, x]| input[at(p.input_shape, [n, y, x, c])]));
        values
    })
}

/// 2-d maximum pool.
pub fn max_pool_2d(p: &Pool2dParameters, input: &[i8]) -> Vec<i8> {
    pooled(p, input)
        .map(|values| values.into_iter().max().unwrap_or(i8::MIN).clamp(p.activation_min, p.activation_max))
        .collect()
}

/// 2-d average pool.
pub fn average_pool_2d(p: &Pool2dParameters, input: &[i8]) -> Vec<i8> {
    let average = |values: Vec<i8>| {
        let (sum, count) = (values.iter().map(|&v| i32::from(v)).sum::<i32>(), values.len().max(1) as i32);
        let magnitude = (2 * sum.abs() + count) / (2 * count);
        ((magnitude * sum.signum()) as i8).clamp(p.activation_min, p.activation_max)
    };
    pooled(p, input).map(average).collect()
}

/// Constant padding.
pub fn pad(p: &PadParameters, input: &[i8]) -> Vec<i8> {
    let output = positions(p.output_shape).map(|position| {
        let mut inside = [0; 4];
        for (i, inside) in inside.iter_mut().enumerate() {
            match position[i].checked_sub(p.before[i]).filter(|&k| k < p.input_shape[i]) {
                Some(k) => *inside = k,
                None => return p.value,
            }
        }
        input[at(p.input_shape, inside)]
    });
    output.collect()
}

/// Any walk over the input.
pub fn rearrange(p: &RearrangeParameters, input: &[i8]) -> Vec<i8> {
    let output = (0..p.output_shape.iter().product()).map(|mut rest: usize| {
        let mut from = p.start as isize;
        for axis in (0..p.output_shape.len()).rev() {
            from += (rest % p.output_shape[axis]) as isize * p.strides[axis];
            rest /= p.output_shape[axis];
        }
        input[from as usize]
    });
    output.collect()
}

/// Places along the middle axis of `[outer, extent, inner]`.
pub fn gather(p: &GatherParameters, indices: &[i32], input: &[i8]) -> Vec<i8> {
    let mut output = Vec::new();
    for block in 0..p.outer {
        for &index in indices {
            for inner in 0..p.inner {
                output.push(input[(block * p.extent + index as usize) * p.inner + inner]);
            }
        }
    }
    output
}

/// Mean over the middle axis of `[outer, count, inner]`.
pub fn mean(p: &MeanParameters, input: &[i8]) -> Vec<i8> {
    let count = p.count as i64;
    let bits = (63 - count.leading_zeros() as i32).min(32).min(31 + i32::from(p.requantize.shift));
    let multiplier = ((i64::from(p.requantize.multiplier) << bits) / count) as i32;
    let factor = Requantize { multiplier, shift: (i32::from(p.requantize.shift) - bits) as i8 };
    let mut output = Vec::new();
    for o in 0..p.outer {
        for i in 0..p.inner {
            let values = (0..p.count).map(|k| i32::from(input[(o * p.count + k) * p.inner + i]));
            let sum = values.sum::<i32>() - i32::from(p.input_zero_point) * p.count as i32;
            output.push(finish(sum, factor, p.output_zero_point, i8::MIN, i8::MAX));
        }
    }
    output
}

/// Sum over the middle axis of `[outer, count, inner]`.
pub fn sum(p: &MeanParameters, input: &[i8]) -> Vec<i8> {
    let output = (0..p.outer * p.inner).map(|place| {
        let (block, column) = (place / p.inner, place % p.inner);
        let at = |row: usize| i32::from(input[(block * p.count + row) * p.inner + column]);
        let sum: i32 = (0..p.count).map(|row| at(row) - i32::from(p.input_zero_point)).sum();
        finish(sum, p.requantize, p.output_zero_point, i8::MIN, i8::MAX)
    });
    output.collect()
}

/// Products of matrices.
pub fn batch_matmul(p: &BatchMatmulParameters, left: &[i8], right: &[i8]) -> Vec<i8> {
    let output = (0..p.batches * p.rows * p.columns).map(|place| {
        let (column, row) = (place % p.columns, place / p.columns);
        let matrix = row / p.rows % p.right_batches * p.depth * p.columns;
        let product = |k: usize| {
            let inside = if p.right_transposed { column * p.depth + k } else { k * p.columns + column };
            let left = i32::from(left[row * p.depth + k]) - i32::from(p.left_zero_point);
            left * (i32::from(right[matrix + inside]) - i32::from(p.right_zero_point))
        };
        let sum = (0..p.depth).map(product).sum();
        finish(sum, p.requantize, p.output_zero_point, i8::MIN, i8::MAX)
    });
    output.collect()
}

/// PReLU of one element.
pub fn prelu(p: &PreluParameters, slope: i8, value: i8) -> i8 {
    let value = i32::from(value) - i32::from(p.input_zero_point);
    let slope = i32::from(slope) - i32::from(p.slope_zero_point);
    let (sum, factor) = if value >= 0 { (value, p.positive) } else { (value * slope, p.negative) };
    finish(sum, factor, p.output_zero_point, i8::MIN, i8::MAX)
}

/// Addition.
pub fn add(p: &AddParameters, left: i8, right: i8) -> i8 {
    let left = requantize((i32::from(left) - i32::from(p.left_zero_point)) << 20, p.left_requantize);
    let right = requantize((i32::from(right) - i32::from(p.right_zero_point)) << 20, p.right_requantize);
    finish(
        (left + right) as i32,
        p.output_requantize,
        p.output_zero_point,
        p.activation_min,
        p.activation_max,
    )
}

/// Subtraction.
pub fn sub(p: &AddParameters, left: i8, right: i8) -> i8 {
    let left = requantize((i32::from(left) - i32::from(p.left_zero_point)) << 20, p.left_requantize);
    let right = requantize((i32::from(right) - i32::from(p.right_zero_point)) << 20, p.right_requantize);
    let bounds = (p.activation_min, p.activation_max);
    finish((left - right) as i32, p.output_requantize, p.output_zero_point, bounds.0, bounds.1)
}

/// Squared difference.
pub fn squared_difference(p: &SquaredDifferenceParameters, left: i8, right: i8) -> i8 {
    let left = requantize((i32::from(left) - i32::from(p.left_zero_point)) << 7, p.left_requantize);
    let right = requantize((i32::from(right) - i32::from(p.right_zero_point)) << 7, p.right_requantize);
    let square = (left - right) * (left - right);
    finish(square as i32, p.output_requantize, p.output_zero_point, i8::MIN, i8::MAX)
}

/// The real quotient of a division, in steps of the output.
pub fn quotient(p: &DivParameters, left: i8, right: i8) -> f64 {
    let left = f64::from(i32::from(left) - i32::from(p.left_zero_point));
    let right = f64::from(i32::from(right) - i32::from(p.right_zero_point));
    // The bits of a power of two, which `core` alone does not raise.
    let power = f64::from_bits(((1023 - 31 + i64::from(p.requantize.shift)) as u64) << 52);
    let factor = f64::from(p.requantize.multiplier) * power;
    left / right * factor + f64::from(p.output_zero_point)
}

/// The element of an operand that stands at a place of the output it repeats to.
pub fn repeated(operand: &[i8], shape: &[u32], output: &[u32], place: usize) -> i8 {
    let (mut rest, mut index, mut step) = (place, 0, 1);
    for axis in (0..output.len()).rev() {
        let (extent, own) = (output[axis] as usize, shape[axis] as usize);
        index += rest % extent % own * step;
        (rest, step) = (rest / extent, step * own);
    }
    operand[index]
}

/// Multiplication.
pub fn mul(p: &MulParameters, left: i8, right: i8) -> i8 {
    let left = i32::from(left) - i32::from(p.left_zero_point);
    let right = i32::from(right) - i32::from(p.right_zero_point);
    finish(left * right, p.requantize, p.output_zero_point, p.activation_min, p.activation_max)
}
