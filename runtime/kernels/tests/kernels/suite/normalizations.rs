//! Normalizations against real arithmetic in double precision.
//!
//! Machines compute in double precision slowly, so that only some of the cases are compared.

use alloc::vec::Vec;

use super::operands::Operands;
use super::random::Random;
use super::real;
use ocelli_kernels::*;

/// Of so many cases one is compared.
const SLOW: usize = 16;

/// `constant * t^-exponent` as the kernels read it.
fn power_table(exponent: f64, constant: f64) -> Vec<i32> {
    let mantissa = |place: u8| real::pow(1.0 + f64::from(place) / 128.0, -exponent) * real::exp2(30);
    let mut table: Vec<i32> = (0..=128).map(|place| real::round(mantissa(place)) as i32).collect();
    let of = |power: i32| constant * real::pow(real::exp2(power), -exponent);
    let bits = |real: f64| real::exponent(real) + 1;
    table.extend((0..64).map(|power| (of(power) * real::exp2(30 - bits(of(power)))) as i32));
    table.extend((0..64).map(|power| 30 - bits(of(power))));
    table
}

/// A little more than half a step: what a power with 16 good bits may add.
const STEPS: f64 = 0.51;

/// Local response normalization over channels.
pub fn local_response_normalization(cases: usize) -> usize {
    let mut random = Random(41);
    for _ in 0..cases / SLOW {
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
        let mut operands = Operands::random(&mut random, channels * pixels, channels * pixels, 0);
        let Operands { input, output, .. } = &mut operands;
        let input = input.all();
        let d = |value: i8| f64::from(value) - f64::from(p.input_zero_point);
        let sum = |pixel: &[i8], channel: usize| -> f64 {
            let range = channel.saturating_sub(p.before)..(channel + p.after + 1).min(channels);
            let squares: f64 = pixel[range].iter().map(|&value| d(value) * d(value)).sum();
            squares * f64::from(1 << p.shift) + p.offset as f64
        };
        // So that outputs fill int8.
        let middle = real::pow(sum(&input[..channels], channels / 2), exponent);
        let constant = middle * f64::from(random.below(100) as u32 + 1) / 100.0;
        let table = power_table(exponent, constant);
        p.check(table.len(), input.len(), output.all().len()).unwrap();
        local_response_normalization_s8(&p, &table, input, output.all());
        for (place, &found) in output.all().iter().enumerate() {
            let pixel = &input[place / channels * channels..][..channels];
            let value = d(input[place]) * constant * real::pow(sum(pixel, place % channels), -exponent);
            let wanted = (value + f64::from(p.output_zero_point)).clamp(-128.0, 127.0);
            assert!((f64::from(found) - wanted).abs() <= STEPS, "{found}, not {wanted}: {p:?}");
        }
        output.check(&p);
    }
    cases / SLOW
}

/// Layer, instance and L2 normalization.
pub fn normalize(cases: usize) -> usize {
    let mut random = Random(42);
    for _ in 0..cases / SLOW {
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
        let mut operands = Operands::random(&mut random, outer * block, outer * block, 0);
        let Operands { input, output, .. } = &mut operands;
        input.all().iter_mut().for_each(|value| *value >>= narrow);
        let input = input.all();
        let n = (count * inner) as f64;
        let root = if p.centered { 1.0 } else { real::pow(n, 0.5) };
        let table = power_table(0.5, root * real::pow(f64::from(1u32 << p.shift), 0.5));
        let real =
            |random: &mut Random, reach: f64| (f64::from(random.next()) * real::exp2(-31) - 1.0) * reach;
        let gains: Vec<f64> = (0..length).map(|_| real(&mut random, 60.0)).collect();
        let offsets: Vec<f64> = (0..length).map(|_| real(&mut random, 100.0)).collect();
        let fixed = |values: &[f64], bits: i32| -> Vec<i32> {
            values.iter().map(|value| real::round(value * real::exp2(bits)) as i32).collect()
        };
        let (gains_fixed, offsets_fixed) = (fixed(&gains, 22), fixed(&offsets, 16));
        let affine = Affine { gains: &gains_fixed, offsets: &offsets_fixed };
        p.check(table.len(), &affine, input.len(), output.all().len()).unwrap();
        normalize_s8(&p, &table, &affine, input, output.all());
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
                (mean, real::pow(squares / n + epsilon, 0.5))
            })
            .collect();
        for (place, &found) in output.all().iter().enumerate() {
            let (mean, root) = statistics[place / block * groups + place / inner % groups];
            let normalized = (d(input[place]) - mean) / root;
            let value = normalized * gains[place % block % length] + offsets[place % block % length];
            let wanted = value.clamp(-128.0, 127.0);
            assert!((f64::from(found) - wanted).abs() <= STEPS, "{found}, not {wanted}: {p:?}");
        }
        output.check(&p);
    }
    cases / SLOW
}

/// Softmax stays within one and a half steps of the real function.
pub fn softmax(cases: usize) -> usize {
    let mut random = Random(13);
    for _ in 0..cases / SLOW {
        let depth = random.one_of(&[1, 2, 3, 10, 100, 1000]);
        let scale = random.one_of(&[0.004, 0.05, 0.1, 0.5, 2.0]);
        let factor = scale * real::exp2(26);
        let shift = real::exponent(factor) + 1;
        let multiplier = real::round(factor * real::exp2(31 - shift)) as i32;
        let requantize = Requantize { multiplier, shift: shift as i8 };
        // A hair above, so that a whole number stays one.
        let diff_min = -((31.0 * real::exp2(26 - shift) + 1e-9) as i32);
        let p = SoftmaxParameters { rows: 2, depth, requantize, diff_min };
        let mut operands = Operands::random(&mut random, 2 * depth, 2 * depth, 0);
        let Operands { input, output, .. } = &mut operands;
        p.check(input.all().len(), output.all().len()).unwrap();
        softmax_s8(&p, input.all(), output.all());
        for (input, output) in input.all().chunks(depth).zip(output.all().chunks(depth)) {
            let exponentials: Vec<f64> = input.iter().map(|&x| real::exp(f64::from(x) * scale)).collect();
            let sum: f64 = exponentials.iter().sum();
            for (&y, exponential) in output.iter().zip(exponentials) {
                let expected = (256.0 * exponential / sum - 128.0).min(127.0);
                assert!((f64::from(y) - expected).abs() < 1.5, "{y} instead of {expected}: {p:?}");
            }
        }
        output.check(&p);
    }
    cases / SLOW
}
