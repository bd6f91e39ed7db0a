//! Normalizations against real arithmetic in double precision, places and products against plain loops.

use alloc::vec::Vec;

use crate::oracle;
use crate::random::Random;
use ocelli_kernels::*;

/// `constant * t^-exponent` as the kernels read it.
fn power_table(exponent: f64, constant: f64) -> Vec<i32> {
    let mut table: Vec<i32> = (0..=128)
        .map(|place| ((1.0 + f64::from(place) / 128.0).powf(-exponent) * 2f64.powi(30)).round() as i32)
        .collect();
    let of = |power: i32| constant * (-exponent * f64::from(power)).exp2();
    let bits = |real: f64| real.log2().floor() as i32 + 1;
    table.extend((0..64).map(|power| (of(power) * f64::from(30 - bits(of(power))).exp2()) as i32));
    table.extend((0..64).map(|power| 30 - bits(of(power))));
    table
}

/// A little more than half a step: what a power with 16 good bits may add.
const STEPS: f64 = 0.51;

#[test]
fn local_response_normalization() {
    let mut random = Random(41);
    for case in 0..300 {
        let channels = random.one_of(&[1, 2, 3, 5, 16, 33, 64]);
        let p = LocalResponseNormalizationParameters {
            channels,
            before: random.below(4),
            after: random.below(4),
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            shift: random.below(9) as u8,
            offset: 1 + (1u64 << random.below(40)),
        };
        let exponent = random.one_of(&[0.5, 0.75, 1.0, 0.1]);
        let pixels = random.size();
        let input = random.bytes(channels * pixels, 0);
        let d = |value: i8| f64::from(value) - f64::from(p.input_zero_point);
        let sum = |pixel: &[i8], channel: usize| -> f64 {
            let range = channel.saturating_sub(p.before)..(channel + p.after + 1).min(channels);
            let squares: f64 = pixel[range].iter().map(|&value| d(value) * d(value)).sum();
            squares * f64::from(1 << p.shift) + p.offset as f64
        };
        // So that outputs fill int8.
        let middle = sum(&input[..channels], channels / 2).powf(exponent);
        let constant = middle * f64::from(random.below(100) as u32 + 1) / 100.0;
        let table = power_table(exponent, constant);
        p.check(table.len(), input.len(), input.len()).unwrap();
        let mut output = vec![0x55; input.len()];
        local_response_normalization_s8(&p, &table, &input, &mut output);
        for (place, &found) in output.iter().enumerate() {
            let pixel = &input[place / channels * channels..][..channels];
            let value = d(input[place]) * constant * sum(pixel, place % channels).powf(-exponent);
            let wanted = (value + f64::from(p.output_zero_point)).clamp(-128.0, 127.0);
            assert!((f64::from(found) - wanted).abs() <= STEPS, "case {case}: {found}, not {wanted}: {p:?}");
        }
    }
}

#[test]
fn normalization() {
    let mut random = Random(42);
    for case in 0..300 {
        let shape = [
            1 + random.below(2),
            random.one_of(&[1, 1, 4, 35]),
            random.one_of(&[1, 1, 3, 8]),
            random.one_of(&[1, 5, 40]),
        ];
        let [outer, count, groups, inner] = shape;
        let block = count * groups * inner;
        let length = random.one_of(&[1, groups * inner, block]);
        let p = NormalizeParameters {
            shape,
            centered: random.below(3) > 0,
            input_zero_point: random.zero_point(),
            shift: random.below(10) as u8,
            offset: 1 + (1u64 << random.below(24)),
            gain_bits: 22,
        };
        let narrow = random.below(5) as u32;
        let input = random.bytes(outer * block, narrow);
        let n = (count * inner) as f64;
        let root = if p.centered { 1.0 } else { n.sqrt() };
        let table = power_table(0.5, root * f64::from(1u32 << p.shift).sqrt());
        let real = |random: &mut Random, reach: f64| (f64::from(random.next()) / 2f64.powi(31) - 1.0) * reach;
        let gains: Vec<f64> = (0..length).map(|_| real(&mut random, 60.0)).collect();
        let offsets: Vec<f64> = (0..length).map(|_| real(&mut random, 100.0)).collect();
        let fixed = |values: &[f64], bits: i32| -> Vec<i32> {
            values.iter().map(|value| (value * 2f64.powi(bits)).round() as i32).collect()
        };
        let (gains_fixed, offsets_fixed) = (fixed(&gains, 22), fixed(&offsets, 16));
        let affine = Affine { gains: &gains_fixed, offsets: &offsets_fixed };
        p.check(table.len(), &affine, input.len(), input.len()).unwrap();
        let mut output = vec![0x55; input.len()];
        normalize_s8(&p, &table, &affine, &input, &mut output);
        let d = |value: i8| f64::from(value) - f64::from(p.input_zero_point);
        // Mean and root of every group.
        let statistics: Vec<(f64, f64)> = (0..outer * groups)
            .map(|index| {
                let (start, group) = (index / groups * block, index % groups);
                let members = (0..block).filter(|place| place / inner % groups == group);
                let members: Vec<f64> = members.map(|place| d(input[start + place])).collect();
                let mean = if p.centered { members.iter().sum::<f64>() / n } else { 0.0 };
                let squares: f64 = members.iter().map(|value| (value - mean) * (value - mean)).sum();
                let offset = p.offset as f64 / f64::from(1u32 << p.shift);
                let epsilon = if p.centered { offset / (n * n) } else { offset / n };
                (mean, (squares / n + epsilon).sqrt())
            })
            .collect();
        for (place, &found) in output.iter().enumerate() {
            let (mean, root) = statistics[place / block * groups + place / inner % groups];
            let normalized = (d(input[place]) - mean) / root;
            let value = normalized * gains[place % block % length] + offsets[place % block % length];
            let wanted = value.clamp(-128.0, 127.0);
            assert!((f64::from(found) - wanted).abs() <= STEPS, "case {case}: {found}, not {wanted}: {p:?}");
        }
    }
}

#[test]
fn sums() {
    let mut random = Random(43);
    for case in 0..300 {
        let p = MeanParameters {
            outer: random.size(),
            count: random.one_of(&[1, 2, 3, 7, 49, 100]),
            inner: random.one_of(&[1, 3, 16, 17, 40]),
            input_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: random.factor(-4),
        };
        let input = random.bytes(p.outer * p.count * p.inner, 0);
        let mut output = vec![0x55; p.outer * p.inner];
        p.check(input.len(), output.len()).unwrap();
        sum_s8(&p, &input, &mut output);
        for (place, &found) in output.iter().enumerate() {
            let (block, column) = (place / p.inner, place % p.inner);
            let at = |row: usize| i32::from(input[(block * p.count + row) * p.inner + column]);
            let sum: i32 = (0..p.count).map(|row| at(row) - i32::from(p.input_zero_point)).sum();
            let wanted = oracle::finish(sum, p.requantize, p.output_zero_point, i8::MIN, i8::MAX);
            assert_eq!(found, wanted, "case {case}: {p:?}");
        }
    }
}

#[test]
fn places_of_the_largest() {
    let mut random = Random(44);
    for case in 0..300 {
        let (outer, inner) = (random.size(), random.size());
        let p = ArgMaxParameters {
            outer,
            inner,
            count: random.one_of(&[1, 2, 5, 21, 255, 256]),
            last: random.below(2) == 1,
        };
        let input = random.bytes(outer * p.count * inner, [0, 4, 7][case % 3]);
        let mut output = vec![0x55; outer * inner];
        p.check(input.len(), output.len()).unwrap();
        arg_max_s8(&p, &input, &mut output);
        for (place, &found) in output.iter().enumerate() {
            let (block, column) = (place / inner, place % inner);
            let values: Vec<i8> =
                (0..p.count).map(|row| input[(block * p.count + row) * inner + column]).collect();
            let best = *values.iter().max().unwrap();
            let wanted = if p.last {
                values.iter().rposition(|&value| value == best)
            } else {
                values.iter().position(|&value| value == best)
            };
            assert_eq!(i32::from(found) + 128, wanted.unwrap() as i32, "case {case}: {p:?}");
        }
    }
}

#[test]
fn products_of_matrices() {
    let mut random = Random(45);
    for case in 0..300 {
        let batches = random.size();
        let p = BatchMatmulParameters {
            batches,
            right_batches: random.one_of(&[1, batches]),
            rows: random.size(),
            depth: random.one_of(&[1, 3, 8, 33]),
            columns: random.size(),
            right_transposed: random.below(2) == 1,
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: random.factor(-9),
        };
        let left = random.bytes(p.batches * p.rows * p.depth, 0);
        let right = random.bytes(p.right_batches * p.depth * p.columns, 0);
        let mut output = vec![0x55; p.batches * p.rows * p.columns];
        p.check(left.len(), right.len(), output.len()).unwrap();
        batch_matmul_s8(&p, &left, &right, &mut output);
        for (place, &found) in output.iter().enumerate() {
            let (column, row) = (place % p.columns, place / p.columns);
            let matrix = row / p.rows % p.right_batches * p.depth * p.columns;
            let sum: i32 = (0..p.depth)
                .map(|k| {
                    let inside =
                        if p.right_transposed { column * p.depth + k } else { k * p.columns + column };
                    let left = i32::from(left[row * p.depth + k]) - i32::from(p.left_zero_point);
                    left * (i32::from(right[matrix + inside]) - i32::from(p.right_zero_point))
                })
                .sum();
            let wanted = oracle::finish(sum, p.requantize, p.output_zero_point, i8::MIN, i8::MAX);
            assert_eq!(found, wanted, "case {case}: {p:?}");
        }
    }
}
