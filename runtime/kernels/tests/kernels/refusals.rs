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
