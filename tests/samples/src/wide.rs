//! Everything that is done on int16 activations, between an input and an output in int8.

use ocelli_format::model::Model;
use ocelli_format::{Operator, WideClamp};

use crate::builder::{Builder, ZERO_POINT, factor, same_window};

/// Three channels of 12x10 pixels; without contracts.
pub fn wide() -> Model {
    let clamp = WideClamp { min: -30_000, max: 30_000 };
    let mut model = Builder::new("sample_wide", 31);
    let input = model.input(&[1, 12, 10, 3]);
    // An int8 value less its zero point, times 128.
    let widen = Operator::Requantize { factor: factor(128, 0) };
    let wide = model.wide_operator(widen, input, &[], &[1, 12, 10, 3]);
    let pad = Operator::Pad { before: [0, 1, 0, 0], after: [0, 1, 2, 1], value: 0 };
    let padded = model.wide_operator(pad, wide, &[], &[1, 14, 12, 4]);
    let (window, ..) = same_window(14, 12, 3, 1);
    let weights = model.wide_weights(&[6, 3, 3, 4], 6);
    let conv = Operator::WideConv2d { window, clamp };
    let stem = model.wide_operator(conv, padded, &weights, &[1, 14, 12, 6]);
    let weights = model.wide_weights(&[1, 3, 3, 6], 6);
    let depthwise = Operator::WideDepthwiseConv2d { window, depth_multiplier: 1, clamp };
    let branch = model.wide_operator(depthwise, stem, &weights, &[1, 14, 12, 6]);
    let inputs = [factor(1, 1), factor(3, 3)];
    let add = Operator::WideAdd { left_shift: 15, inputs, output: factor(11, 18), clamp };
    let sum = model.wide_operator(add, stem, &[branch], &[1, 14, 12, 6]);
    let (mut window, ..) = same_window(14, 12, 2, 2);
    window.padding = [0, 0];
    let shape = [1, 7, 6, 6];
    let mean = model.wide_operator(Operator::WideAveragePool2d { window, clamp }, sum, &[], &shape);
    let most = model.wide_operator(Operator::WideMaxPool2d { window, clamp }, sum, &[], &shape);
    let joined = model.wide_operator(Operator::Concatenate { axis: 3 }, mean, &[most], &[1, 7, 6, 12]);
    let flat = model.wide_operator(Operator::Reshape, joined, &[], &[42, 12]);
    let weights = model.wide_weights(&[5, 12], 5);
    let connected = model.wide_operator(Operator::WideFullyConnected { clamp }, flat, &weights, &[42, 5]);
    let narrow = Operator::Requantize { factor: factor(1, 7) };
    let output = model.operator(narrow, connected, &[], &[42, 5], ZERO_POINT);
    model.finish(&[output])
}
