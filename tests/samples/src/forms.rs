//! One layer many times: with weights in every form, of the patterns that pruning leaves. Its steps can be compared
//! with one another, in outputs and in instructions.

use ocelli_format::model::{Model, Step};
use ocelli_format::{Operator, SeedStream, Storage, TensorId};
use ocelli_kernels::{Axis, Conv2dParameters, FullyConnectedParameters, Layout};

use crate::builder::{Builder, WHOLE, ZERO_POINT, same_window};

/// A convolution with a square filter, or a fully connected layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Height, width and channels of its input.
    pub input: [u32; 3],
    /// Rows and columns of the filter; `None` for a fully connected layer.
    pub filter: Option<u16>,
    /// Output channels.
    pub channels: u32,
}

/// Where weights are not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Everywhere, of sixteen values.
    SixteenValues,
    /// In one run of four of every four.
    QuarterOfRuns,
    /// In one of every four.
    OneOfFour,
    /// In 8 of 100.
    EightPercent,
}

/// The steps of [`forms_of`], in order. Steps of one pattern compute the same.
pub const FORMS: [(Pattern, Storage); 13] = [
    (Pattern::SixteenValues, Storage::Dense),
    (Pattern::SixteenValues, Storage::Packed),
    (Pattern::SixteenValues, Storage::Coded),
    (Pattern::QuarterOfRuns, Storage::Dense),
    (Pattern::QuarterOfRuns, Storage::Blocks),
    (Pattern::QuarterOfRuns, Storage::Coded),
    (Pattern::OneOfFour, Storage::Dense),
    (Pattern::OneOfFour, Storage::Fours),
    (Pattern::OneOfFour, Storage::Sparse),
    (Pattern::EightPercent, Storage::Dense),
    (Pattern::EightPercent, Storage::Sparse),
    (Pattern::EightPercent, Storage::Coded),
    (Pattern::EightPercent, Storage::Blocks),
];

/// A small convolution and a fully connected layer in all forms, for tests.
pub fn forms() -> Model {
    let convolution = Layer { input: [5, 6, 7], filter: Some(3), channels: 13 };
    forms_of("forms", &[convolution, Layer { filter: None, ..convolution }])
}

/// Layers of one input, each in all [`FORMS`], with the scratch that their kernels make use of.
pub fn forms_of(name: &str, layers: &[Layer]) -> Model {
    let [height, width, depth] = layers.first().map_or([1; 3], |layer| layer.input);
    let mut build = Builder::new(name, 77);
    let input = build.input(&[1, height, width, depth]);
    let (mut outputs, mut stored, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
    for layer in layers {
        for (pattern, storage) in FORMS {
            let (weights, output, bytes) = add(&mut build, input, layer, pattern, storage);
            outputs.push(output);
            scratch.push(bytes);
            if storage != Storage::Dense {
                stored.push((weights, storage));
            }
        }
    }
    let mut model = build.finish(&outputs);
    model.storage.extend(stored);
    let schedule = &mut model.schedules[0];
    let start = schedule.arena_bytes;
    schedule.scratch_bytes = scratch.iter().copied().max().unwrap_or(0).next_multiple_of(16);
    schedule.arena_bytes += schedule.scratch_bytes;
    for (step, bytes) in schedule.steps.iter_mut().zip(scratch) {
        if let Step::Operator(step) = step {
            step.scratch = [start, bytes];
        }
    }
    model
}

/// Adds one step; gives its weights, its output and the bytes of scratch that it makes use of.
fn add(
    build: &mut Builder,
    input: TensorId,
    layer: &Layer,
    pattern: Pattern,
    storage: Storage,
) -> (TensorId, TensorId, u32) {
    let Layer { input: [height, width, depth], filter, channels } = *layer;
    let row = filter.map_or(height * width * depth, |filter| u32::from(filter).pow(2) * depth);
    let constants = build.weights_of(&weight_shape(layer, row), channels, &weights(pattern, row, channels));
    match filter {
        Some(filter) => {
            let (window, rows, columns) = same_window(height, width, filter, 1);
            let operator = Operator::Conv2d { window, clamp: WHOLE };
            let output =
                build.operator(operator, input, &constants, &[1, rows, columns, channels], ZERO_POINT);
            let axis = |padding: u16| Axis { filter: filter.into(), padding: padding.into(), ..Axis::ONE };
            let image = |channels: u32| [1, height as usize, width as usize, channels as usize];
            let parameters = Conv2dParameters {
                input_shape: image(depth),
                output_shape: image(channels),
                groups: 1,
                vertical: axis(window.padding[0]),
                horizontal: axis(window.padding[1]),
                input_zero_point: ZERO_POINT,
                output_zero_point: ZERO_POINT,
                activation_min: WHOLE.min,
                activation_max: WHOLE.max,
            };
            let scratch = match storage {
                Storage::Dense => parameters.scratch_bytes(Layout::Canonical),
                _ => parameters.rows_scratch_bytes(),
            };
            (constants[0], output, scratch as u32)
        }
        None => {
            let operator = Operator::FullyConnected { clamp: WHOLE };
            let output = build.operator(operator, input, &constants, &[1, channels], ZERO_POINT);
            let parameters = FullyConnectedParameters {
                batches: 1,
                input_depth: row as usize,
                output_depth: channels as usize,
                input_zero_point: ZERO_POINT,
                output_zero_point: ZERO_POINT,
                activation_min: WHOLE.min,
                activation_max: WHOLE.max,
            };
            let needs = matches!(storage, Storage::Dense | Storage::Blocks);
            (constants[0], output, if needs { parameters.scratch_bytes() as u32 } else { 0 })
        }
    }
}

fn weight_shape(layer: &Layer, row: u32) -> Vec<u32> {
    match layer.filter {
        Some(filter) => vec![layer.channels, filter.into(), filter.into(), layer.input[2]],
        None => vec![layer.channels, row],
    }
}

/// Pseudo-random weights of sixteen values where the pattern has any. Of runs, one row in four has its first, the
/// next its second, and so on, so that rows have as many as there can be.
fn weights(pattern: Pattern, row: u32, channels: u32) -> Vec<i8> {
    let mut random = SeedStream::new(9 + row, 0);
    let mut weights = Vec::new();
    for channel in 0..channels {
        for place in 0..row {
            let (byte, chance) = (random.next().unwrap_or(0), random.next().unwrap_or(0) as u8);
            let told = match pattern {
                Pattern::SixteenValues => true,
                Pattern::QuarterOfRuns => (place / 4 + channel).is_multiple_of(4),
                Pattern::OneOfFour => place % 4 == (place / 4 + channel + u32::from(chance > 127)) % 4,
                Pattern::EightPercent => chance < 20,
            };
            weights.push(if told { (byte >> 4) * 8 + 3 } else { 0 });
        }
    }
    weights
}
