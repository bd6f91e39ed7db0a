//! What each operator's check refuses, one wrong parameter at a time.

use KernelError::{Geometry, Layout as WrongLayout, Range, TooLarge};
use ocelli_kernels::*;

const WINDOW: Axis = Axis { filter: 3, stride: 1, dilation: 1, padding: 1 };

fn length(operand: Operand, needed_elements: usize, available_elements: usize) -> Result<(), KernelError> {
    Err(KernelError::Length { operand, needed_elements, available_elements })
}

/// Constants of three output channels.
const CONSTANTS: Filter<'_> = Filter {
    weights: &[0; 54],
    layout: Layout::Canonical,
    bias: &[0; 3],
    multipliers: &[1 << 30; 3],
    shifts: &[0; 3],
};

#[test]
fn transpose_conv_2d() {
    let good = Conv2dParameters {
        groups: 1,
        input_shape: [1, 4, 4, 2],
        output_shape: [1, 4, 4, 3],
        vertical: WINDOW,
        horizontal: WINDOW,
        input_zero_point: 0,
        output_zero_point: 0,
        activation_min: -128,
        activation_max: 127,
    };
    let with = |p: Conv2dParameters| check_transpose_conv_2d(&p, &CONSTANTS, 32, 48);
    assert_eq!(with(good), Ok(()));
    assert_eq!(with(Conv2dParameters { activation_min: 127, ..good }), Ok(()));
    assert_eq!(with(Conv2dParameters { groups: 2, ..good }), Err(Geometry));
    assert_eq!(with(Conv2dParameters { input_shape: [1, 4, 4, 0], ..good }), Err(Geometry));
    assert_eq!(with(Conv2dParameters { output_shape: [2, 4, 4, 3], ..good }), Err(Geometry));
    assert_eq!(with(Conv2dParameters { activation_min: 1, activation_max: 0, ..good }), Err(Range));
    assert_eq!(with(Conv2dParameters { vertical: Axis { stride: 0, ..WINDOW }, ..good }), Err(Range));
    let far = Axis { dilation: usize::MAX, ..WINDOW };
    assert_eq!(with(Conv2dParameters { horizontal: far, ..good }), Err(TooLarge));
    let check = |filter: &Filter<'_>, input, output| check_transpose_conv_2d(&good, filter, input, output);
    assert_eq!(check(&CONSTANTS, 31, 48), length(Operand::Input, 32, 31));
    assert_eq!(check(&CONSTANTS, 32, 47), length(Operand::Output, 48, 47));
    refuses_constants(|filter| check(filter, 32, 48));
}

#[test]
fn depthwise_conv_2d() {
    let good = DepthwiseConv2dParameters {
        input_shape: [1, 4, 4, 3],
        output_shape: [1, 4, 4, 3],
        vertical: Axis { filter: 9, padding: 4, ..WINDOW },
        horizontal: Axis { filter: 2, padding: 0, ..WINDOW },
        input_zero_point: 0,
        output_zero_point: 0,
        activation_min: -128,
        activation_max: 127,
    };
    let with = |p: DepthwiseConv2dParameters| p.check(&CONSTANTS, 48, 48);
    assert_eq!(with(good), Ok(()));
    assert_eq!(with(DepthwiseConv2dParameters { input_shape: [1, 4, 4, 2], ..good }), Err(Geometry));
    assert_eq!(with(DepthwiseConv2dParameters { output_shape: [2, 4, 4, 3], ..good }), Err(Geometry));
    assert_eq!(with(DepthwiseConv2dParameters { activation_min: 1, activation_max: 0, ..good }), Err(Range));
    assert_eq!(good.check(&CONSTANTS, 47, 48), length(Operand::Input, 48, 47));
    assert_eq!(good.check(&CONSTANTS, 48, 49), length(Operand::Output, 48, 49));
    refuses_constants(|filter| good.check(filter, 48, 48));
}

#[test]
fn fully_connected() {
    let good = FullyConnectedParameters {
        batches: 2,
        input_depth: 18,
        output_depth: 3,
        input_zero_point: 0,
        output_zero_point: 0,
        activation_min: -128,
        activation_max: 127,
    };
    let with = |p: FullyConnectedParameters| p.check(&CONSTANTS, 36, 6);
    assert_eq!(with(good), Ok(()));
    assert_eq!(with(FullyConnectedParameters { input_depth: 0, ..good }), Err(Geometry));
    assert_eq!(with(FullyConnectedParameters { activation_min: 1, activation_max: 0, ..good }), Err(Range));
    assert_eq!(good.check(&CONSTANTS, 35, 6), length(Operand::Input, 36, 35));
    assert_eq!(good.check(&CONSTANTS, 36, 7), length(Operand::Output, 6, 7));
    refuses_constants(|filter| good.check(filter, 36, 6));
}

/// A layer of three channels and 54 weights refuses constants that do not serve it.
fn refuses_constants(check: impl Fn(&Filter<'_>) -> Result<(), KernelError>) {
    let one = Filter { multipliers: &[1 << 30], shifts: &[-31], ..CONSTANTS };
    for good in [CONSTANTS, Filter { bias: &[], ..CONSTANTS }, one] {
        assert_eq!(check(&good), Ok(()));
    }
    let few = &[1 << 30; 2];
    assert_eq!(check(&Filter { weights: &[0; 53], ..CONSTANTS }), length(Operand::Weights, 54, 53));
    assert_eq!(check(&Filter { bias: &[0; 2], ..CONSTANTS }), length(Operand::Bias, 3, 2));
    assert_eq!(check(&Filter { multipliers: few, ..CONSTANTS }), length(Operand::Multipliers, 3, 2));
    assert_eq!(check(&Filter { shifts: &[0; 4], ..CONSTANTS }), length(Operand::Shifts, 3, 4));
    assert_eq!(check(&Filter { shifts: &[30, -31, 31], ..CONSTANTS }), Err(Range));
    assert_eq!(check(&Filter { shifts: &[-32, 0, 0], ..CONSTANTS }), Err(Range));
    assert_eq!(check(&Filter { multipliers: &[0, 0, i32::MIN], ..CONSTANTS }), Err(Range));
    // The pairs of rows would fill this layout; no backend of the host reads it.
    let paired = Filter { weights: &[0; 160], layout: Layout::Paired, ..CONSTANTS };
    assert_eq!(check(&paired), Err(WrongLayout));
}

/// Operators of two tensors of five elements.
fn refuses_lengths(operands: Operand, check: impl Fn(usize, usize, usize) -> Result<(), KernelError>) {
    assert_eq!(check(5, 5, 5), Ok(()));
    assert_eq!(check(4, 5, 5), length(Operand::Input, 5, 4));
    assert_eq!(check(5, 6, 5), length(operands, 5, 6));
}

const HALF: Requantize = Requantize { multiplier: 1 << 30, shift: 0 };
const INVALID: Requantize = Requantize { multiplier: i32::MIN, shift: 0 };
const DOUBLED: Requantize = Requantize { multiplier: 1 << 30, shift: 1 };

#[test]
fn pairs() {
    let add = AddParameters::<i8> {
        left_zero_point: 0,
        right_zero_point: 0,
        output_zero_point: 0,
        left_requantize: HALF,
        right_requantize: HALF,
        output_requantize: HALF,
        activation_min: 3,
        activation_max: 3,
    };
    refuses_lengths(Operand::SecondInput, |left, right, output| add.check(left, right, output));
    for wrong in [INVALID, DOUBLED] {
        for p in [
            AddParameters { left_requantize: wrong, ..add },
            AddParameters { right_requantize: wrong, ..add },
            AddParameters { output_requantize: wrong, ..add },
        ] {
            assert_eq!(p.check(5, 5, 5), Err(Range));
        }
    }
    assert_eq!(AddParameters { activation_min: 4, ..add }.check(5, 5, 5), Err(Range));

    let mul = MulParameters {
        left_zero_point: 0,
        right_zero_point: 0,
        output_zero_point: 0,
        requantize: DOUBLED,
        activation_min: 3,
        activation_max: 3,
    };
    refuses_lengths(Operand::SecondInput, |left, right, output| mul.check(left, right, output));
    assert_eq!(MulParameters { requantize: INVALID, ..mul }.check(5, 5, 5), Err(Range));
    assert_eq!(MulParameters { activation_min: 4, ..mul }.check(5, 5, 5), Err(Range));

    let shift = DivParameters::MAX_SHIFT;
    let div = DivParameters {
        left_zero_point: 0,
        right_zero_point: 0,
        output_zero_point: 0,
        requantize: Requantize { shift, ..HALF },
        activation_min: 3,
        activation_max: 3,
    };
    refuses_lengths(Operand::SecondInput, |left, right, output| div.check(left, right, output));
    let far = Requantize { shift: shift + 1, ..HALF };
    for requantize in [INVALID, far] {
        assert_eq!(DivParameters { requantize, ..div }.check(5, 5, 5), Err(Range));
    }
    assert_eq!(DivParameters { activation_min: 4, ..div }.check(5, 5, 5), Err(Range));

    let square = SquaredDifferenceParameters {
        left_zero_point: 0,
        right_zero_point: 0,
        output_zero_point: 0,
        left_requantize: HALF,
        right_requantize: HALF,
        output_requantize: DOUBLED,
    };
    refuses_lengths(Operand::SecondInput, |left, right, output| square.check(left, right, output));
    for wrong in [INVALID, DOUBLED] {
        let left = SquaredDifferenceParameters { left_requantize: wrong, ..square };
        let right = SquaredDifferenceParameters { right_requantize: wrong, ..square };
        assert_eq!([left.check(5, 5, 5), right.check(5, 5, 5)], [Err(Range); 2]);
    }
    let output = SquaredDifferenceParameters { output_requantize: INVALID, ..square };
    assert_eq!(output.check(5, 5, 5), Err(Range));
}

#[test]
fn reductions() {
    let mean = MeanParameters {
        outer: 2,
        count: 3,
        inner: 4,
        input_zero_point: 0,
        output_zero_point: 0,
        requantize: HALF,
    };
    assert_eq!(mean.check(24, 8), Ok(()));
    assert_eq!(mean.check(23, 8), length(Operand::Input, 24, 23));
    assert_eq!(mean.check(24, 9), length(Operand::Output, 8, 9));
    assert_eq!(MeanParameters { count: 0, ..mean }.check(0, 8), Err(Geometry));
    // As many numbers of -128 with a zero point of 127 make a sum of 31 bits.
    let most = MeanParameters { outer: 1, inner: 1, count: (1 << 23) - 1, ..mean };
    assert_eq!(most.check(most.count, 1), Ok(()));
    assert_eq!(MeanParameters { count: 1 << 23, ..most }.check(1 << 23, 1), Err(TooLarge));
    let negative = Requantize { multiplier: -1, shift: 0 };
    for requantize in [INVALID, negative, Requantize { shift: 31, ..HALF }] {
        assert_eq!(MeanParameters { requantize, ..mean }.check(24, 8), Err(Range));
    }

    let arg_max = ArgMaxParameters { outer: 2, count: 256, inner: 4, last: false };
    assert_eq!(arg_max.check(2048, 8), Ok(()));
    assert_eq!(arg_max.check(2047, 8), length(Operand::Input, 2048, 2047));
    assert_eq!(arg_max.check(2048, 7), length(Operand::Output, 8, 7));
    for count in [0, 257] {
        assert_eq!(ArgMaxParameters { count, ..arg_max }.check(8 * count, 8), Err(Geometry));
    }
}

#[test]
fn batch_matmul() {
    let good = BatchMatmulParameters {
        batches: 2,
        right_batches: 1,
        rows: 3,
        depth: 4,
        columns: 5,
        right_transposed: false,
        left_zero_point: 0,
        right_zero_point: 0,
        output_zero_point: 0,
        requantize: HALF,
    };
    assert_eq!(good.check(24, 20, 30), Ok(()));
    assert_eq!(good.check(25, 20, 30), length(Operand::Input, 24, 25));
    assert_eq!(good.check(24, 40, 30), length(Operand::SecondInput, 20, 40));
    assert_eq!(good.check(24, 20, 29), length(Operand::Output, 30, 29));
    assert_eq!(BatchMatmulParameters { right_batches: 2, ..good }.check(24, 40, 30), Ok(()));
    assert_eq!(BatchMatmulParameters { right_batches: 3, ..good }.check(24, 60, 30), Err(Geometry));
    assert_eq!(BatchMatmulParameters { rows: 0, ..good }.check(0, 20, 0), Err(Geometry));
    assert_eq!(BatchMatmulParameters { requantize: INVALID, ..good }.check(24, 20, 30), Err(Range));
    let depth = BatchMatmulParameters::MAX_DEPTH;
    let deep = |depth| BatchMatmulParameters { depth, ..good }.check(6 * depth, 5 * depth, 30);
    assert_eq!([deep(depth - 1), deep(depth)], [Ok(()), Err(TooLarge)]);
}

#[test]
fn prelu_and_softmax() {
    let prelu = PreluParameters {
        input_zero_point: 0,
        slope_zero_point: 0,
        output_zero_point: 0,
        positive: HALF,
        negative: HALF,
    };
    assert_eq!(prelu.check(6, 3, 6), Ok(()));
    assert_eq!(prelu.check(5, 3, 6), length(Operand::Input, 6, 5));
    for slopes in [0, 4] {
        assert_eq!(prelu.check(6, slopes, 6), Err(Geometry));
    }
    assert_eq!(PreluParameters { positive: INVALID, ..prelu }.check(6, 3, 6), Err(Range));
    assert_eq!(PreluParameters { negative: INVALID, ..prelu }.check(6, 3, 6), Err(Range));
    let most = MAX_ELEMENTS;
    assert_eq!([prelu.check(most, 1, most), prelu.check(most + 1, 1, most + 1)], [Ok(()), Err(TooLarge)]);

    let requantize = Requantize { multiplier: 0, shift: 24 };
    let softmax = SoftmaxParameters { rows: 2, depth: 3, requantize, diff_min: -128 };
    assert_eq!(softmax.check(6, 6), Ok(()));
    assert_eq!(softmax.check(5, 6), length(Operand::Input, 6, 5));
    assert_eq!(softmax.check(6, 7), length(Operand::Output, 6, 7));
    assert_eq!(SoftmaxParameters { depth: 0, ..softmax }.check(0, 0), Err(Geometry));
    let depth = SoftmaxParameters::MAX_DEPTH;
    let deep = |depth| SoftmaxParameters { depth, ..softmax }.check(2 * depth, 2 * depth);
    assert_eq!([deep(depth), deep(depth + 1)], [Ok(()), Err(TooLarge)]);
    // One more negative, and the exponent leaves 32 bits.
    assert_eq!(SoftmaxParameters { diff_min: -129, ..softmax }.check(6, 6), Err(Range));
    assert_eq!(SoftmaxParameters { diff_min: 1, ..softmax }.check(6, 6), Err(Range));
    for (multiplier, shift) in [(-1, 24), (0, -1), (0, 31)] {
        let requantize = Requantize { multiplier, shift };
        let p = SoftmaxParameters { requantize, diff_min: 0, ..softmax };
        assert_eq!(p.check(6, 6), Err(Range), "{requantize:?}");
    }
    let steepest = Requantize { multiplier: 0, shift: 30 };
    assert_eq!(SoftmaxParameters { requantize: steepest, diff_min: 0, ..softmax }.check(6, 6), Ok(()));
}

#[test]
fn layouts_without_a_code() {
    assert_eq!([0, 1, 2].map(Layout::from_code), [None, Some(Layout::Paired), None]);
}

/// Rows of so many weights, all of them 0.
#[derive(Clone)]
struct Zeros(usize);

impl WeightRows for Zeros {
    fn row_length(&self) -> usize {
        self.0
    }

    fn next_row(&mut self, _: impl FnMut(usize, i8)) {}
}

#[test]
fn rows() {
    let layer = FullyConnectedParameters::<i8> {
        batches: 2,
        input_depth: 18,
        output_depth: 3,
        input_zero_point: 0,
        output_zero_point: 0,
        activation_min: -128,
        activation_max: 127,
    };
    let without = Filter { weights: &[], ..CONSTANTS };
    let check = |filter: &Filter<'_>, row| layer.check_rows(filter, &Zeros(row), 36, 6);
    assert_eq!(check(&without, 18), Ok(()));
    assert_eq!(check(&without, 17), length(Operand::Weights, 18, 17));
    assert_eq!(check(&CONSTANTS, 18), Err(Geometry));
    assert_eq!(check(&Filter { bias: &[0; 2], ..without }, 18), length(Operand::Bias, 3, 2));
    assert_eq!(check(&Filter { shifts: &[0, 31, 0], ..without }, 18), Err(Range));
    assert_eq!(layer.check_rows(&without, &Zeros(18), 35, 6), length(Operand::Input, 36, 35));
}

#[test]
fn normalizations() {
    let good = LocalResponseNormalizationParameters {
        channels: 3,
        before: 1,
        after: 1,
        input_zero_point: 0,
        output_zero_point: 0,
        shift: 24,
        offset: (1 << 62) - 1,
    };
    let table = POWER_ENTRIES;
    assert_eq!(good.check(table, 6, 6), Ok(()));
    assert_eq!(good.check(table - 1, 6, 6), length(Operand::Weights, table, table - 1));
    assert_eq!(good.check(table, 5, 6), length(Operand::Input, 6, 5));
    assert_eq!(good.check(table, 7, 7), Err(Geometry));
    assert_eq!(good.check(table, MAX_ELEMENTS + 1, MAX_ELEMENTS + 1), Err(TooLarge));
    for (wrong, error) in [
        (LocalResponseNormalizationParameters { shift: 25, ..good }, Range),
        (LocalResponseNormalizationParameters { offset: 1 << 62, ..good }, Range),
        (LocalResponseNormalizationParameters { channels: 0, ..good }, Geometry),
        (LocalResponseNormalizationParameters { before: MAX_ELEMENTS + 1, ..good }, Geometry),
        (LocalResponseNormalizationParameters { after: MAX_ELEMENTS + 1, ..good }, Geometry),
    ] {
        assert_eq!(wrong.check(table, 6, 6), Err(error), "{wrong:?}");
    }
    // A square has 16 bits, and 23 more make 39: with a shift of 24 they fill 63, with one channel more 64.
    let deep =
        |channels| LocalResponseNormalizationParameters { channels, ..good }.check(table, channels, channels);
    assert_eq!([deep((1 << 23) - 1), deep(1 << 23)], [Ok(()), Err(Range)]);

    let good = NormalizeParameters {
        shape: [2, 3, 4, 5],
        centered: false,
        input_zero_point: 0,
        shift: 24,
        offset: (1 << 62) - 1,
        gain_bits: 30,
    };
    let numbers = [0; 20];
    let affine = Affine { gains: &numbers, offsets: &numbers };
    assert_eq!(good.check(table, &affine, 120, 120), Ok(()));
    assert_eq!(good.check(table + 1, &affine, 120, 120), length(Operand::Weights, table, table + 1));
    assert_eq!(good.check(table, &affine, 119, 120), length(Operand::Input, 120, 119));
    assert_eq!(good.check(table, &affine, 120, 121), length(Operand::Output, 120, 121));
    for (wrong, error) in [
        (NormalizeParameters { shift: 25, ..good }, Range),
        (NormalizeParameters { offset: 1 << 62, ..good }, Range),
        (NormalizeParameters { gain_bits: 31, ..good }, Range),
        (NormalizeParameters { shape: [0, 3, 4, 5], ..good }, Geometry),
    ] {
        assert_eq!(wrong.check(table, &affine, 120, 120), Err(error), "{wrong:?}");
    }
    let with = |gains, offsets| good.check(table, &Affine { gains, offsets }, 120, 120);
    assert_eq!(with(&[], &[]), Err(Geometry));
    assert_eq!(with(&numbers[..7], &numbers[..7]), Err(Geometry));
    assert_eq!(with(&numbers[..4], &numbers[..5]), length(Operand::Bias, 4, 5));
    // Centered, the size counts twice: 16 and twice 12 bits with a shift of 23, or twice 13 with one of 21.
    let one = Affine { gains: &[0], offsets: &[0] };
    let group = |centered, inner, shift| {
        let p = NormalizeParameters { shape: [1, 1, 1, inner], centered, shift, ..good };
        p.check(table, &one, inner, inner)
    };
    assert_eq!([group(true, 4095, 23), group(true, 4095, 24)], [Ok(()), Err(Range)]);
    assert_eq!([group(true, 4096, 21), group(true, 4096, 22)], [Ok(()), Err(Range)]);
    let most = NormalizeParameters::MAX_GROUP;
    assert_eq!([group(false, most, 24), group(false, most + 1, 24)], [Ok(()), Err(TooLarge)]);
}
