//! The contract of the resizes, in single precision as the reference computes it.

use alloc::vec::Vec;

use super::oracle::{at, positions};
use ocelli_kernels::*;

/// The nearest input position, found in single precision as the reference does.
fn nearest(sampling: Sampling, output: usize, input_size: usize, output_size: usize) -> usize {
    let corners = sampling == Sampling::AlignCorners;
    let ratio = if corners && output_size > 1 {
        (input_size - 1) as f32 / (output_size - 1) as f32
    } else {
        input_size as f32 / output_size as f32
    };
    let offset = if sampling == Sampling::HalfPixelCenters { 0.5f32 } else { 0.0 };
    let position = (output as f32 + offset) * ratio;
    let below = position as usize;
    let rounds_up = corners && position - below as f32 >= 0.5;
    (below + usize::from(rounds_up)).min(input_size - 1)
}

/// Resize to the nearest pixel.
pub fn resize_nearest(p: &ResizeParameters, input: &[i8]) -> Vec<i8> {
    let output = positions(p.output_shape).map(|[n, y, x, c]| {
        let y = nearest(p.sampling, y, p.input_shape[1], p.output_shape[1]);
        let x = nearest(p.sampling, x, p.input_shape[2], p.output_shape[2]);
        input[at(p.input_shape, [n, y, x, c])]
    });
    output.collect()
}

/// Bilinear interpolation at listed positions, rounded from the exact sum.
pub fn interpolate(p: &InterpolateParameters, [rows, columns]: [&[i32]; 2], input: &[i8]) -> Vec<i8> {
    let output = positions(p.output_shape).map(|[n, y, x, c]| {
        let mut sum = 0;
        for tap in 0..4 {
            let weigh = |position: i32, side: i32| {
                let (low, fraction) = (position / 1024, position % 1024);
                // Nothing lies behind the last pixel, and nothing of it is wanted.
                if side == 0 { (low, 1024 - fraction) } else { (low + i32::from(fraction > 0), fraction) }
            };
            let (y, of_row) = weigh(rows[y], tap / 2);
            let (x, of_column) = weigh(columns[x], tap % 2);
            let value = i32::from(input[at(p.input_shape, [n, y as usize, x as usize, c])]);
            sum += value * of_row * of_column;
        }
        ((sum + if sum > 0 { 1 << 19 } else { -(1 << 19) }) / (1 << 20)) as i8
    });
    output.collect()
}

/// Resize by bilinear interpolation.
pub fn resize_bilinear(p: &ResizeParameters, input: &[i8]) -> Vec<i8> {
    let between = |output: usize, input_size: usize, output_size: usize| {
        let (n, d) = match p.sampling {
            Sampling::AlignCorners if output_size > 1 => (input_size as i64 - 1, output_size as i64 - 1),
            _ => (input_size as i64, output_size as i64),
        };
        let ratio = (1024 * n + d / 2) / d;
        let half = if p.sampling == Sampling::HalfPixelCenters { ratio / 2 - 512 } else { 0 };
        let position = output as i64 * ratio + half;
        let low = (position / 1024).max(0);
        (low as usize, (((position + 1023) / 1024) as usize).min(input_size - 1), position - 1024 * low)
    };
    let output = positions(p.output_shape).map(|[n, y, x, c]| {
        let (y0, y1, fy) = between(y, p.input_shape[1], p.output_shape[1]);
        let (x0, x1, fx) = between(x, p.input_shape[2], p.output_shape[2]);
        let value = |y, x| i64::from(input[at(p.input_shape, [n, y, x, c])]);
        let upper = value(y0, x0) * (1024 - fx) + value(y0, x1) * fx;
        let lower = value(y1, x0) * (1024 - fx) + value(y1, x1) * fx;
        let sum = upper * (1024 - fy) + lower * fy;
        ((sum + if sum > 0 { 1 << 19 } else { -(1 << 19) }) / (1 << 20)) as i8
    });
    output.collect()
}
