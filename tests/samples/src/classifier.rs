//! An image classifier in the manner of a small residual network.

use ocelli_format::model::{InputContract, Model, OutputContract};
use ocelli_format::{Operator, PixelLayout, ResizeMode};

use crate::builder::{Builder, WHOLE, ZERO_POINT, factor, same_window};

/// Colour images of 24x20 pixels, letterboxed, into five classes.
pub fn classifier() -> Model {
    let mut model = Builder::new("sample_classifier", 17);
    let input = model.input(&[1, 20, 24, 3]);
    let stem = model.conv_2d(input, 9, 3, 2);
    let depthwise = model.depthwise_conv_2d(stem, 1);
    let pointwise = model.conv_2d(depthwise, 9, 1, 1);
    let shape = model.shape(stem).to_vec();
    let add = Operator::Add {
        left_shift: 20,
        inputs: [factor(1, 1), factor(3, 3)],
        output: factor(11, 22),
        clamp: WHOLE,
    };
    let sum = model.operator(add, pointwise, &[stem], &shape, ZERO_POINT);
    let (mut window, ..) = same_window(10, 12, 2, 2);
    window.padding = [0, 0];
    let pool = Operator::AveragePool2d { window, clamp: WHOLE };
    let pooled = model.operator(pool, sum, &[], &[1, 5, 6, 9], ZERO_POINT);
    let wide = model.depthwise_conv_2d(pooled, 2);
    let mean = model.operator(Operator::Mean { factor: factor(5, 2) }, wide, &[], &[1, 18], ZERO_POINT);
    let flat = model.operator(Operator::Reshape, mean, &[], &[18], ZERO_POINT);
    let logits = model.fully_connected(flat, 5);
    // Steps of 1/64, in the reference's fixed point: 2^26 / 64.
    let softmax = Operator::Softmax { factor: factor(1 << 20, 0), difference_min: -992 };
    let scores = model.operator(softmax, logits, &[], &[1, 5], -128);
    let mut model = model.finish(&[scores]);
    model.input_contracts.push(InputContract {
        tensor: input,
        layout: PixelLayout::Rgb,
        resize: ResizeMode::Letterbox,
        border: 114,
        mean_bits: [127.5f32.to_bits(); 3],
        deviation_bits: [8f32.to_bits(); 3],
        tables: vec![pixel_table()],
    });
    model.output_contracts.push(OutputContract::Classes {
        tensor: scores,
        labels: ["one", "two", "three", "four", "five"].map(str::to_owned).to_vec(),
        scores: Box::new(std::array::from_fn(|index| (index as u16) << 8)),
    });
    model
}

/// Brightness 0 to 255 around the zero point.
pub fn pixel_table() -> [i8; 256] {
    std::array::from_fn(|pixel| (pixel as i32 - 128 + i32::from(ZERO_POINT)).clamp(-128, 127) as i8)
}
