//! The least that looks at a picture, for what has to do with the way from pixels to a tensor alone.

use ocelli_format::model::{InputContract, Model, OutputContract};
use ocelli_format::{Operator, PixelLayout, ResizeMode};

use crate::builder::{Builder, ZERO_POINT, factor};
use crate::classifier::pixel_table;

/// Square pictures of `side` pixels, stretched; the mean of each channel is its score.
pub fn picture(side: u32, layout: PixelLayout) -> Model {
    let channels = if layout == PixelLayout::Gray { 1 } else { 3 };
    let mut model = Builder::new("sample_picture", 29);
    let input = model.input(&[1, side, side, channels]);
    // A little less than one over the number of pixels.
    let mean = Operator::Mean { factor: factor(1, (side * side).next_power_of_two().ilog2() as i8) };
    let means = model.operator(mean, input, &[], &[1, channels], ZERO_POINT);
    let mut model = model.finish(&[means]);
    model.input_contracts.push(InputContract {
        tensor: input,
        layout,
        resize: ResizeMode::Stretch,
        border: 0,
        mean_bits: [127.5f32.to_bits(); 3],
        deviation_bits: [8f32.to_bits(); 3],
        tables: vec![pixel_table()],
    });
    model.output_contracts.push(OutputContract::Classes {
        tensor: means,
        labels: ["red", "green", "blue"][..channels as usize].iter().map(|&name| name.to_owned()).collect(),
        scores: Box::new(std::array::from_fn(|index| (index as u16) << 8)),
    });
    model
}
