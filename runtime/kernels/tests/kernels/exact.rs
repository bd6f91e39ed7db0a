//! What is small enough to be tried whole: roundings about zero and at the ends, positions of every resize, and shapes
//! that do not repeat.

use crate::suite::{oracle, real, resize_oracle};
use ocelli_kernels::*;

#[test]
fn rounding_of_every_case() {
    for exponent in 0..=31 {
        for value in (-70..=70).chain([i32::MIN, i32::MIN + 1, i32::MAX, i32::MAX - 1]) {
            let quotient = i64::from(rounding_divide_by_power_of_two(value, exponent));
            assert_eq!(quotient, oracle::divide(value.into(), exponent), "{value} / 2^{exponent}");
        }
    }
}

/// Nearest positions are those of single precision for every ratio of sides up to 128, and some beyond.
#[test]
fn nearest_positions_equal_single_precision() {
    let samplings = [Sampling::Asymmetric, Sampling::AlignCorners, Sampling::HalfPixelCenters];
    let small = (1..=128).flat_map(|input| (1..=128).map(move |output| (input, output)));
    let large = [(1000, 3001), (641, 4095), (4099, 640), (16_384, 16_383), (3, 16_384), (16_384, 7)];
    for (from, to) in small.chain(large) {
        let input: Vec<i8> = (0..from).map(|x| (x % 251) as u8 as i8).collect();
        let mut output = vec![0; to];
        for sampling in samplings {
            let p = ResizeParameters { input_shape: [1, 1, from, 1], output_shape: [1, 1, to, 1], sampling };
            p.check(from, to).unwrap();
            resize_nearest_s8(&p, &input, &mut output);
            assert_eq!(output, resize_oracle::resize_nearest(&p, &input), "{from} to {to}, {sampling:?}");
        }
    }
}

#[test]
fn shapes_that_do_not_repeat_are_refused() {
    assert_eq!(Broadcast::new(&[2, 3], &[2], &[2, 3]), None);
    assert_eq!(Broadcast::new(&[2, 3], &[2, 3], &[3]), None);
    assert_eq!(Broadcast::new(&[1, 3], &[3], &[2, 3]), None);
    assert_eq!(Broadcast::new(&[1; 7], &[1], &[1; 7]), None);
    assert!(Broadcast::new(&[], &[], &[]).is_some());
}

/// What stands in for the standard library's functions is as exact as the properties need.
#[test]
fn functions_of_real_numbers() {
    for place in 1..2000 {
        let x = f64::from(place) * f64::from(place) / 777.0;
        for y in [-1.0, -0.75, -0.5, -0.1, 0.5, 0.75] {
            assert!((real::pow(x, y) / x.powf(y) - 1.0).abs() < 1e-10, "{x}^{y}");
        }
        assert!((real::ln(x) - x.ln()).abs() < 1e-10, "ln {x}");
        assert_eq!(real::exponent(x), x.log2().floor() as i32, "{x}");
        let negative = -f64::from(place) / 3.0;
        assert!((real::exp(negative) / negative.exp() - 1.0).abs() < 1e-9, "exp {negative}");
        for x in [x, negative] {
            assert_eq!(real::round(x), x.round() as i64);
        }
    }
}

#[test]
fn tiles_hold_whole_fours_of_rows() {
    for (row, rows, tile) in [
        (100, 100, 40),
        (100, 40, 40),
        (100, 39, 39),
        (1024, 100, 4),
        (1023, 100, 4),
        (512, 100, 8),
        (5000, 100, 4),
        (5000, 3, 3),
        (0, 9000, 4096),
    ] {
        assert_eq!(tile_rows(row, rows), tile, "{rows} rows of {row}");
    }
}
