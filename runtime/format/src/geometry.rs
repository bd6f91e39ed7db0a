//! Whether an operator's attributes, constants and shapes fit together, and the work it is.

use ocelli_core::Shape;

use crate::artefact::Artefact;
use crate::error::ParseError;
use crate::graph::OperatorView;
use crate::operator::{Clamp, Factor, Operator, OperatorKind, Window};
use crate::tensor::{Element, TensorId, TensorView};
use crate::weights;

/// The largest shift of a layer on int16, whose sums have 48 bits.
const MAX_WIDE_SHIFT: i8 = 7;

/// Numbers in the table of a power.
const POWER_ENTRIES: usize = 257;

/// No operator of an artefact visits as many values, so that the work of all can be added up.
pub(crate) const MAX_WORK: u64 = u64::MAX >> 16;

/// Checks every operator, and that its work is below [`MAX_WORK`].
pub(crate) fn check(artefact: &Artefact<'_>) -> Result<(), ParseError> {
    for (operator, view) in (0..).zip(artefact.operators()) {
        if !attributes_in_range(&view.operator()) || !factors_in_range(artefact, &view) {
            return Err(ParseError::Attribute { operator });
        }
        if let Some(tensor) = view.inputs.iter().copied().find(|&tensor| !is_sound(artefact, tensor)) {
            return Err(ParseError::Weights { tensor });
        }
        if work(artefact, &view).ok_or(ParseError::Geometry { operator })? >= MAX_WORK {
            return Err(ParseError::Work { operator });
        }
    }
    Ok(())
}

/// Whether a constant can be decoded, whatever its form.
fn is_sound(artefact: &Artefact<'_>, tensor: TensorId) -> bool {
    let view = artefact.tensor(tensor);
    view.data().is_none_or(|data| weights::any_is_sound(view.storage(), data, view.elements()))
}

/// The values that an operator visits, or `None` where its shapes do not fit together.
pub(crate) fn work(artefact: &Artefact<'_>, view: &OperatorView<'_>) -> Option<u64> {
    let operand = |index: usize| artefact.tensor(view.input(index));
    let (input, output) = (operand(0), artefact.tensor(view.output()));
    let (visited, written) = (input.elements() as u64, output.elements() as u64);
    let images = || Some((input.nhwc()?, output.nhwc()?));
    let (fits, work) = match view.operator() {
        Operator::Conv2d { window, .. } | Operator::WideConv2d { window, .. } => {
            let ([batches, height, width, channels], [out_batches, out_height, out_width, out_channels]) =
                images()?;
            let [rows, columns] = window.filter.map(usize::from);
            let [.., depth] = operand(1).nhwc()?;
            let fits = operand(1).nhwc()? == [out_channels, rows, columns, depth]
                && channels.is_multiple_of(depth)
                && out_channels.is_multiple_of(channels / depth)
                && per_channel(artefact, view, out_channels)
                && batches == out_batches
                && slides(window, [height, width], [out_height, out_width]);
            (fits, (written * (rows * columns) as u64).saturating_mul(depth as u64))
        }
        Operator::TransposeConv2d { window, .. } => {
            let ([batches, height, width, channels], [out_batches, out_height, out_width, out_channels]) =
                images()?;
            let [rows, columns] = window.filter.map(usize::from);
            let fits = operand(1).nhwc()? == [out_channels, rows, columns, channels]
                && per_channel(artefact, view, out_channels)
                && batches == out_batches
                && stretches(window, [height, width], [out_height, out_width]);
            (fits, (visited * (rows * columns) as u64).saturating_mul(out_channels as u64))
        }
        Operator::DepthwiseConv2d { window, depth_multiplier, .. }
        | Operator::WideDepthwiseConv2d { window, depth_multiplier, .. } => {
            let ([batches, height, width, channels], [out_batches, out_height, out_width, out_channels]) =
                images()?;
            let [rows, columns] = window.filter.map(usize::from);
            let fits = operand(1).nhwc()? == [1, rows, columns, out_channels]
                && channels.checked_mul(usize::from(depth_multiplier))? == out_channels
                && per_channel(artefact, view, out_channels)
                && batches == out_batches
                && slides(window, [height, width], [out_height, out_width]);
            (fits, written * (rows * columns) as u64)
        }
        Operator::FullyConnected { .. } | Operator::WideFullyConnected { .. } => {
            let [outer, height, units, depth] = operand(1).nhwc()?;
            let fits = [outer, height] == [1, 1]
                && per_channel(artefact, view, units)
                && visited.is_multiple_of(depth as u64)
                && written.is_multiple_of(units as u64)
                && visited / depth as u64 == written / units as u64;
            (fits, written * depth as u64)
        }
        Operator::AveragePool2d { window, .. }
        | Operator::MaxPool2d { window, .. }
        | Operator::WideAveragePool2d { window, .. }
        | Operator::WideMaxPool2d { window, .. } => {
            let ([batches, height, width, channels], [out_batches, out_height, out_width, out_channels]) =
                images()?;
            let fits = [batches, channels] == [out_batches, out_channels]
                && slides(window, [height, width], [out_height, out_width]);
            let [rows, columns] = window.filter.map(u64::from);
            (fits, written * rows.min(height as u64) * columns.min(width as u64))
        }
        Operator::Mean { .. } | Operator::Sum { .. } => {
            let [batches, _, _, channels] = input.nhwc()?;
            (written == (batches * channels) as u64, visited)
        }
        Operator::Add { .. }
        | Operator::Mul { .. }
        | Operator::Sub { .. }
        | Operator::Div { .. }
        | Operator::Minimum
        | Operator::Maximum
        | Operator::SquaredDifference { .. } => (broadcasts([input, operand(1)], output), written),
        Operator::WideAdd { .. } => {
            let inputs = [input, operand(1)];
            (inputs.iter().all(|input| input.axes() == output.axes()), written)
        }
        Operator::Concatenate { axis } => (concatenates(artefact, view, axis)?, written),
        Operator::Pad { before, after, value } => {
            let is_wide = input.element() == Element::I16;
            let (input, output) = images()?;
            let fits = (0..4).all(|axis| {
                input[axis] + usize::from(before[axis]) + usize::from(after[axis]) == output[axis]
            });
            (fits && !(is_wide && value != 0), written)
        }
        Operator::Reshape | Operator::Requantize { .. } => (visited == written, written),
        Operator::ResizeNearest { .. } | Operator::ResizeBilinear { .. } => {
            let ([batches, _, _, channels], [out_batches, _, _, out_channels]) = images()?;
            ([batches, channels] == [out_batches, out_channels], written)
        }
        Operator::ArgMax { .. } => {
            let [batches, height, width, channels] = input.nhwc()?;
            (written == (batches * channels) as u64 && height * width <= 256, visited)
        }
        Operator::BatchMatmul { right_transposed, .. } => {
            let ([outer, batches, rows, depth], [out_outer, out_batches, out_rows, columns]) = images()?;
            let [right_outer, right_batches, first, second] = operand(1).nhwc()?;
            let matrix = if right_transposed { [second, first] } else { [first, second] };
            let alike = [right_outer, right_batches] == [outer, batches];
            let fits = matrix == [depth, columns]
                && [outer, batches, rows] == [out_outer, out_batches, out_rows]
                && (alike || [right_outer, right_batches] == [1, 1]);
            (fits, written.saturating_mul(depth as u64))
        }
        Operator::LocalResponseNormalization { .. } => {
            (input.axes() == output.axes() && operand(1).elements() == POWER_ENTRIES, written)
        }
        Operator::Normalize { .. } => {
            let [_, height, groups, inner] = input.nhwc()?;
            let gains = operand(2).elements();
            let fits = visited == written
                && operand(1).elements() == POWER_ENTRIES
                && operand(3).elements() == gains
                && (height * groups * inner).is_multiple_of(gains);
            (fits, written)
        }
        Operator::Softmax { .. } => (input.axes() == output.axes(), written),
        Operator::Lookup => (visited == written && operand(1).elements() == 256, written),
        Operator::Prelu { .. } => {
            let slopes = operand(1).elements() as u64;
            (visited == written && written.is_multiple_of(slopes), written)
        }
        Operator::Rearrange { start, strides } => {
            let (mut lowest, mut highest) = (i64::from(start), i64::from(start));
            for (&extent, &stride) in output.axes().iter().zip(&strides) {
                let reach = (i64::from(extent) - 1) * i64::from(stride);
                (lowest, highest) = (lowest + reach.min(0), highest + reach.max(0));
            }
            (lowest >= 0 && highest < visited as i64, written)
        }
        Operator::Gather { axis } => (gathers(artefact, view, axis)?, written),
        Operator::Interpolate => {
            let ([batches, _, _, channels], [out_batches, height, width, out_channels]) = images()?;
            let listed = [operand(1).elements(), operand(2).elements()];
            ([batches, channels] == [out_batches, out_channels] && listed == [height, width], written)
        }
    };
    fits.then_some(work)
}

/// Whether two shapes, aligned at the innermost axis and filled up with ones, repeat to fill a third.
fn broadcasts(inputs: [TensorView<'_>; 2], output: TensorView<'_>) -> bool {
    let extent =
        |tensor: TensorView<'_>, axis: usize| tensor.axes().iter().rev().nth(axis).copied().unwrap_or(1);
    (0..Shape::MAX_RANK).all(|axis| {
        let (pair, joined) = (inputs.map(|input| extent(input, axis)), extent(output, axis));
        pair.contains(&joined) && pair.iter().all(|&other| other == joined || other == 1)
    }) && inputs.iter().all(|input| input.axes().len() <= output.axes().len())
}

/// Whether bias, multipliers and shifts are there for every channel.
fn per_channel(artefact: &Artefact<'_>, view: &OperatorView<'_>, channels: usize) -> bool {
    (2..5).all(|operand| artefact.tensor(view.input(operand)).elements() == channels)
}

/// Whether the first and the last window along each axis touch the image.
fn slides(window: Window, input: [usize; 2], output: [usize; 2]) -> bool {
    (0..2).all(|axis| {
        let of = |pair: [u16; 2]| u64::from(pair[axis]);
        let (filter, stride, dilation) = (of(window.filter), of(window.stride), of(window.dilation));
        let last_start = (output[axis] as u64 - 1) * stride;
        of(window.padding) <= filter.saturating_sub(1) * dilation
            && last_start < input[axis] as u64 + of(window.padding)
    })
}

/// As [`slides`], over pixels that stand apart: the last window starts before the end of the last pixel's place.
fn stretches(window: Window, input: [usize; 2], output: [usize; 2]) -> bool {
    let places = |axis: usize| input[axis].saturating_mul(usize::from(window.stride[axis]));
    slides(Window { stride: [1; 2], ..window }, [places(0), places(1)], output)
}

/// Whether all inputs agree with the output but along `axis`, along which they add up.
fn concatenates(artefact: &Artefact<'_>, view: &OperatorView<'_>, axis: u8) -> Option<bool> {
    let (axis, output) = (usize::from(axis), artefact.tensor(view.output()));
    let mut joined = 0u64;
    for &input in view.inputs {
        let input = artefact.tensor(input);
        joined += u64::from(*input.axes().get(axis)?);
        let others = input.axes().iter().zip(output.axes()).enumerate();
        let mut others = others.filter(|&(index, _)| index != axis);
        if input.axes().len() != output.axes().len() || !others.all(|(_, (left, right))| left == right) {
            return Some(false);
        }
    }
    Some(joined == u64::from(*output.axes().get(axis)?))
}

/// Whether input and output agree but along `axis`, along which the output has as many places as there
/// are indices.
fn gathers(artefact: &Artefact<'_>, view: &OperatorView<'_>, axis: u8) -> Option<bool> {
    let [input, indices] = [0, 1].map(|operand| artefact.tensor(view.input(operand)));
    let (axis, output) = (usize::from(axis), artefact.tensor(view.output()));
    let mut others = input.axes().iter().zip(output.axes()).enumerate().filter(|&(index, _)| index != axis);
    let agree = input.axes().len() == output.axes().len() && others.all(|(_, (left, right))| left == right);
    Some(agree && *output.axes().get(axis)? as usize == indices.elements())
}

fn attributes_in_range(operator: &Operator) -> bool {
    match operator {
        Operator::Conv2d { window, clamp }
        | Operator::DepthwiseConv2d { window, clamp, .. }
        | Operator::TransposeConv2d { window, clamp } => window_in_range(window) && clamp_in_range(clamp),
        Operator::AveragePool2d { window, clamp } | Operator::MaxPool2d { window, clamp } => {
            window_in_range(window) && clamp_in_range(clamp)
        }
        Operator::FullyConnected { clamp } => clamp_in_range(clamp),
        Operator::WideConv2d { window, clamp }
        | Operator::WideDepthwiseConv2d { window, clamp, .. }
        | Operator::WideAveragePool2d { window, clamp }
        | Operator::WideMaxPool2d { window, clamp } => window_in_range(window) && clamp.min <= clamp.max,
        Operator::WideFullyConnected { clamp } => clamp.min <= clamp.max,
        Operator::WideAdd { left_shift, inputs, output, clamp } => {
            *left_shift == 15 && all_narrow(inputs, output) && clamp.min <= clamp.max
        }
        Operator::Mean { factor }
        | Operator::Sum { factor }
        | Operator::BatchMatmul { factor, .. }
        | Operator::Requantize { factor } => factor_in_range(factor),
        Operator::LocalResponseNormalization { shift, offset, .. } => *shift <= 24 && *offset < 1 << 62,
        Operator::Normalize { shift, offset, gain_bits, .. } => {
            *shift <= 24 && *offset < 1 << 62 && *gain_bits <= 30
        }
        Operator::Add { left_shift, inputs, output, clamp }
        | Operator::Sub { left_shift, inputs, output, clamp } => {
            *left_shift == 20 && all_narrow(inputs, output) && clamp_in_range(clamp)
        }
        Operator::Mul { factor, clamp } => factor_in_range(factor) && clamp_in_range(clamp),
        Operator::Div { factor, clamp } => {
            factor_in_range(factor) && factor.shift <= 22 && clamp_in_range(clamp)
        }
        Operator::SquaredDifference { left_shift, inputs, output } => {
            let narrowing = inputs.iter().all(|factor| factor_in_range(factor) && factor.shift <= 0);
            *left_shift == 7 && narrowing && factor_in_range(output)
        }
        Operator::ResizeNearest { align_corners, half_pixel_centers }
        | Operator::ResizeBilinear { align_corners, half_pixel_centers } => {
            !(*align_corners && *half_pixel_centers)
        }
        Operator::Softmax { factor, difference_min } => {
            factor_in_range(factor) && factor.shift >= 0 && *difference_min <= 0
        }
        Operator::Prelu { positive, negative } => factor_in_range(positive) && factor_in_range(negative),
        Operator::Concatenate { .. }
        | Operator::Pad { .. }
        | Operator::Reshape
        | Operator::Lookup
        | Operator::ArgMax { .. }
        | Operator::Minimum
        | Operator::Maximum
        | Operator::Rearrange { .. }
        | Operator::Gather { .. }
        | Operator::Interpolate => true,
    }
}

/// Whether the factors of a sum are in range and no shift goes left.
fn all_narrow(inputs: &[Factor; 2], output: &Factor) -> bool {
    inputs.iter().chain([output]).all(|factor| factor_in_range(factor) && factor.shift <= 0)
}

/// Whether the factors that stand in constants are in range.
fn factors_in_range(artefact: &Artefact<'_>, view: &OperatorView<'_>) -> bool {
    let (multipliers, shifts) = (artefact.tensor(view.input(3)), artefact.tensor(view.input(4)));
    let is_wide = view.kind.is_wide();
    let most = if is_wide { MAX_WIDE_SHIFT } else { i8::MAX };
    let shift_in_range = |shift: i8| shift <= most && factor_in_range(&Factor { multiplier: 0, shift });
    !has_weights(view.kind)
        || multipliers
            .values_i32()
            .iter()
            .all(|&multiplier| factor_in_range(&Factor { multiplier, shift: 0 }))
            && shifts.values_i8().iter().all(|&shift| shift_in_range(shift))
}

/// Whether weights, bias, multipliers and shifts stand behind the input.
fn has_weights(kind: OperatorKind) -> bool {
    matches!(
        kind,
        OperatorKind::Conv2d
            | OperatorKind::DepthwiseConv2d
            | OperatorKind::FullyConnected
            | OperatorKind::TransposeConv2d
            | OperatorKind::WideConv2d
            | OperatorKind::WideDepthwiseConv2d
            | OperatorKind::WideFullyConnected
    )
}

fn factor_in_range(factor: &Factor) -> bool {
    (factor.multiplier == 0 || factor.multiplier >= 1 << 30) && (-31..=30).contains(&factor.shift)
}

fn clamp_in_range(clamp: &Clamp) -> bool {
    clamp.min <= clamp.max
}

fn window_in_range(window: &Window) -> bool {
    [window.filter, window.stride, window.dilation].as_flattened().iter().all(|&size| size >= 1)
}

/// Multiply-accumulates of one run: the work of the operators that have weights, and of matrix products.
pub(crate) fn multiply_accumulates(artefact: &Artefact<'_>, view: &OperatorView<'_>) -> u64 {
    let weighted = has_weights(view.kind) || view.kind == OperatorKind::BatchMatmul;
    if weighted { work(artefact, view).unwrap_or(MAX_WORK) } else { 0 }
}
