//! A detector with two keypoints on one grid, and a feature map that goes down and up again.

use ocelli_format::model::{BoxHead, Boxes, InputContract, Model, OutputContract};
use ocelli_format::{BoxDecoder, Element, Field, Operator, PixelLayout, ResizeMode, Suppression, TensorId};

use crate::builder::{Builder, WHOLE, ZERO_POINT, factor, same_window};
use crate::classifier::pixel_table;

/// Gray images of 32x32 pixels, stretched; two anchors in each cell of an 8x8 grid.
pub fn detector() -> Model {
    let mut model = Builder::new("sample_detector", 23);
    let input = model.input(&[1, 32, 32, 1]);
    let stem = model.conv_2d(input, 8, 5, 2);
    let (window, ..) = same_window(16, 16, 2, 2);
    let pool = Operator::MaxPool2d { window, clamp: WHOLE };
    let pooled = model.operator(pool, stem, &[], &[1, 8, 8, 8], ZERO_POINT);
    let slopes = model.constant_i8("slopes", &[8]);
    let prelu = Operator::Prelu { positive: factor(1, 0), negative: factor(1, 8) };
    let bent = model.operator(prelu, pooled, &[slopes], &[1, 8, 8, 8], ZERO_POINT);
    // Down to 4x4, and up again in both ways.
    let tiny = model.conv_2d(bent, 4, 3, 4);
    let small = model.transpose_conv_2d(tiny, 4, 3, 2);
    let nearest = Operator::ResizeNearest { align_corners: false, half_pixel_centers: true };
    let near = model.operator(nearest, small, &[], &[1, 8, 8, 4], ZERO_POINT);
    let bilinear = Operator::ResizeBilinear { align_corners: false, half_pixel_centers: true };
    let smooth = model.operator(bilinear, small, &[], &[1, 8, 8, 4], ZERO_POINT);
    let low = model.operator(Operator::Minimum, near, &[smooth], &[1, 8, 8, 4], ZERO_POINT);
    let high = model.operator(Operator::Maximum, near, &[smooth], &[1, 8, 8, 4], ZERO_POINT);
    let joined = model.operator(Operator::Concatenate { axis: 3 }, low, &[high], &[1, 8, 8, 8], ZERO_POINT);
    // Columns in three ways: mirrored, the left half twice, and drawn apart from the middle.
    let mirror = Operator::Rearrange { start: 56, strides: [0, 64, -8, 1, 0, 0] };
    let mirrored = model.operator(mirror, joined, &[], &[1, 8, 8, 8], ZERO_POINT);
    let halves = model.constant_i32("halves", &[0, 1, 2, 3, 0, 1, 2, 3]);
    let halved = model.operator(Operator::Gather { axis: 2 }, mirrored, &[halves], &[1, 8, 8, 8], ZERO_POINT);
    let rows = model.constant_i32("rows", &[0, 1024, 2048, 3072, 4096, 5120, 6144, 7168]);
    let columns = model.constant_i32("columns", &[0, 1700, 2600, 3300, 3900, 4600, 5500, 7168]);
    let joined = model.operator(Operator::Interpolate, halved, &[rows, columns], &[1, 8, 8, 8], ZERO_POINT);
    let mul = Operator::Mul { factor: factor(3, 8), clamp: WHOLE };
    let gated = model.operator(mul, joined, &[bent], &[1, 8, 8, 8], ZERO_POINT);
    let inputs = [factor(1, 1), factor(3, 3)];
    let sub = Operator::Sub { left_shift: 20, inputs, output: factor(11, 22), clamp: WHOLE };
    let apart = model.operator(sub, gated, &[bent], &[1, 8, 8, 8], ZERO_POINT);
    let squared = Operator::SquaredDifference { left_shift: 7, inputs, output: factor(1, 20) };
    let squared = model.operator(squared, apart, &[joined], &[1, 8, 8, 8], ZERO_POINT);
    let divisors = model.constant("divisors", Element::I8, &[8], vec![1, 2, 3, 4, 5, 6, 7, 8]);
    let div = Operator::Div { factor: factor(5, 0), clamp: WHOLE };
    let shared = model.operator(div, squared, &[divisors], &[1, 8, 8, 8], ZERO_POINT);
    let sum = Operator::Add { left_shift: 20, inputs, output: factor(11, 21), clamp: WHOLE };
    let gated = model.operator(sum, shared, &[gated], &[1, 8, 8, 8], ZERO_POINT);
    let gated = relate(&mut model, gated);
    let pad = Operator::Pad { before: [0, 0, 0, 0], after: [0, 0, 0, 2], value: ZERO_POINT };
    let padded = model.operator(pad, gated, &[], &[1, 8, 8, 10], ZERO_POINT);
    let table = (0..256).map(|bits| soften(bits as u8 as i8) as u8).collect();
    let table = model.constant("table", Element::I8, &[256], table);
    let soft = model.operator(Operator::Lookup, padded, &[table], &[1, 8, 8, 10], ZERO_POINT);
    let scores = model.conv_2d(soft, 2, 1, 1);
    let scores = model.operator(Operator::Reshape, scores, &[], &[1, 128, 1], ZERO_POINT);
    let boxes = model.conv_2d(soft, 16, 3, 1);
    let boxes = model.operator(Operator::Reshape, boxes, &[], &[1, 128, 8], ZERO_POINT);
    let mut model = model.finish(&[scores, boxes]);
    model.input_contracts.push(InputContract {
        tensor: input,
        layout: PixelLayout::Gray,
        resize: ResizeMode::Stretch,
        border: 0,
        mean_bits: [127.5f32.to_bits(); 3],
        deviation_bits: [8f32.to_bits(); 3],
        tables: vec![pixel_table()],
    });
    let sizes = Box::new(std::array::from_fn(|index| 32_768 + 256 * index as i32));
    model.output_contracts.push(OutputContract::Boxes(Boxes {
        decoder: BoxDecoder::Exponential,
        labels: vec!["thing".to_owned()],
        has_background: false,
        keypoints: vec!["left".to_owned(), "right".to_owned()],
        score_threshold: 33_500,
        iou_threshold: 20_000,
        suppression: Suppression::Weighted,
        field_order: [0, 1, 2, 3],
        heads: vec![BoxHead {
            scores,
            first_score: 0,
            boxes,
            first_box: 0,
            objectness: None,
            rows: 8,
            columns: 8,
            first_centre: [1 << 20; 2],
            step: [1 << 21; 2],
            anchors: vec![[20_000, 20_000], [9_000, 30_000]],
            score_table: Box::new(std::array::from_fn(|index| (index as u16) << 8)),
            // A quarter of an anchor for 128 steps.
            fields: vec![Field { multiplier: 128 << 8, offset: 0 }; 16],
            value_tables: [None, None, Some(sizes.clone()), Some(sizes)],
        }],
    }));
    model
}

/// Normalizes a feature map in two ways, multiplies it with itself, and adds what holds for all of it.
fn relate(model: &mut Builder, input: TensorId) -> TensorId {
    let shape = [1, 8, 8, 8];
    let root = model.constant_i32("root", &inverse_root(0));
    let gains = model.constant_i32("gains", &[40 << 16, 35 << 16, -(30 << 16), 25 << 16]);
    let offsets = model.constant_i32("offsets", &[0, 3 << 16, -(5 << 16), 9 << 15]);
    let normalize = Operator::Normalize { centered: true, shift: 2, offset: 1 << 12, gain_bits: 16 };
    let even = model.operator(normalize, input, &[root, gains, offsets], &shape, ZERO_POINT);
    let steep = model.constant_i32("steep", &inverse_root(6));
    let (before, after, shift, offset) = (1, 2, 1, 900);
    let local = Operator::LocalResponseNormalization { before, after, shift, offset };
    let local = model.operator(local, even, &[steep], &shape, ZERO_POINT);
    let product = Operator::BatchMatmul { right_transposed: true, factor: factor(1, 8) };
    let product = model.operator(product, even, &[local], &shape, ZERO_POINT);
    let sums =
        model.operator(Operator::Sum { factor: factor(1, 4) }, product, &[], &[1, 1, 1, 8], ZERO_POINT);
    let places = model.operator(Operator::ArgMax { last: true }, product, &[], &[1, 1, 1, 8], -128);
    let inputs = [factor(1, 1), factor(3, 3)];
    let add = Operator::Add { left_shift: 20, inputs, output: factor(11, 22), clamp: WHOLE };
    let whole = model.operator(add, sums, &[places], &[1, 1, 1, 8], ZERO_POINT);
    model.operator(add, product, &[whole], &shape, ZERO_POINT)
}

/// The table of one over the square root, times `2^steps`.
fn inverse_root(steps: i32) -> Vec<i32> {
    let places =
        (0..=128).map(|place| (2f64.powi(30) / (1.0 + f64::from(place) / 128.0).sqrt()).round() as i32);
    let half = (2f64.powi(30) * 0.5f64.sqrt()).round() as i32;
    let multipliers = (0..64).map(|power| if power % 2 == 0 { 1 << 29 } else { half });
    let shifts = (0..64).map(|power| 29 + (power + 1) / 2 - steps);
    places.chain(multipliers).chain(shifts).collect()
}

/// A smooth curve of whole numbers: steep in the middle, flat at the ends.
fn soften(value: i8) -> i8 {
    let value = i32::from(value);
    (value * 3 / 2 - value * value * value / 32_768).clamp(-128, 127) as i8
}
