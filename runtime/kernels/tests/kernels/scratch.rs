//! The bytes of scratch that layers ask for, counted by hand: a plan made with fewer would run the reference, with the same outputs.

use ocelli_kernels::*;

const ONE: Axis = Axis { filter: 1, stride: 1, dilation: 1, padding: 0 };
const THREE: Axis = Axis { filter: 3, stride: 1, dilation: 1, padding: 1 };

fn conv_2d([input, output]: [usize; 2], axes: [Axis; 2]) -> Conv2dParameters {
    Conv2dParameters {
        groups: 1,
        input_shape: [1, 8, 8, input],
        output_shape: [1, 8, 8, output],
        vertical: axes[0],
        horizontal: axes[1],
        input_zero_point: 0,
        output_zero_point: 0,
        activation_min: -128,
        activation_max: 127,
    }
}

#[test]
fn conv_2d_has_its_windows_widened() {
    let bytes = |channels, axes| conv_2d(channels, axes).scratch_bytes(Layout::Canonical);
    // Nine fours of elements, four pixels, four bytes for two elements.
    assert_eq!(bytes([4, 6], [THREE; 2]), 9 * 8 * 4);
    // Seven fours, and one window as it is.
    assert_eq!(bytes([3, 2], [THREE; 2]), 7 * 8 * 4 + 28);
    assert_eq!(conv_2d([4, 7], [THREE; 2]).scratch_bytes(Layout::Paired), 9 * 8 * 4 + 4 * 32);
    let grouped = Conv2dParameters { groups: 2, ..conv_2d([4, 6], [THREE; 2]) };
    assert_eq!(grouped.scratch_bytes(Layout::Canonical), 0);
}

#[test]
fn conv_2d_has_a_bias_of_each_channel_and_three_windows_where_they_slide() {
    let bytes = |axes| conv_2d([4, 100], axes).scratch_bytes(Layout::Canonical);
    assert_eq!(bytes([ONE; 2]), 400);
    for axis in [Axis { stride: 2, ..ONE }, Axis { dilation: 2, ..ONE }, Axis { padding: 1, ..ONE }] {
        assert_eq!(bytes([axis, ONE]), 400 + 3 * 4);
        assert_eq!(bytes([ONE, axis]), 400 + 3 * 4);
    }
    assert_eq!(bytes([Axis { filter: 2, ..ONE }, ONE]), 400 + 3 * 8);
}

#[test]
fn conv_2d_of_rows_has_a_tile_of_them() {
    assert_eq!(conv_2d([4, 6], [THREE; 2]).rows_scratch_bytes(), 9 * 8 * 4 + 6 * 36);
    assert_eq!(conv_2d([4, 200], [THREE; 2]).rows_scratch_bytes(), 800 + 3 * 36 + 112 * 36);
}

#[test]
fn depthwise_conv_2d_has_fours_of_channels_or_lines() {
    let good = DepthwiseConv2dParameters {
        input_shape: [1, 8, 7, 5],
        output_shape: [1, 8, 7, 5],
        vertical: THREE,
        horizontal: THREE,
        input_zero_point: 0,
        output_zero_point: 0,
        activation_min: -128,
        activation_max: 127,
    };
    // Two fours of channels: two words for each tap, and sixteen.
    assert_eq!(good.scratch_bytes(), 2 * (2 * 9 + 16) * 4);
    // Five channels: three lines of five words, and ten.
    assert_eq!(good.lines_scratch_bytes(), 5 * (3 * 5 + 10) * 4);
    let two = Axis { stride: 2, ..THREE };
    let by_two = DepthwiseConv2dParameters { horizontal: two, ..good };
    assert_eq!(by_two.lines_scratch_bytes(), 5 * (3 * 9 + 10) * 4);
    // A narrow line of one channel takes less than a four.
    let narrow = DepthwiseConv2dParameters { input_shape: [1, 8, 1, 1], output_shape: [1, 8, 1, 1], ..good };
    assert_eq!(narrow.lines_scratch_bytes(), (2 * 9 + 16) * 4);

    let without_lines = |p: DepthwiseConv2dParameters| assert_eq!(p.lines_scratch_bytes(), p.scratch_bytes());
    without_lines(DepthwiseConv2dParameters { output_shape: [1, 8, 7, 10], ..good });
    for axis in [Axis { filter: 2, ..THREE }, Axis { filter: 4, ..THREE }, Axis { dilation: 2, ..THREE }] {
        without_lines(DepthwiseConv2dParameters { vertical: axis, ..good });
        without_lines(DepthwiseConv2dParameters { horizontal: axis, ..good });
    }
    without_lines(DepthwiseConv2dParameters { horizontal: Axis { stride: 3, ..THREE }, ..good });
    without_lines(DepthwiseConv2dParameters {
        vertical: Axis { filter: 4, ..THREE },
        horizontal: Axis { filter: 4, ..THREE },
        ..good
    });
}
