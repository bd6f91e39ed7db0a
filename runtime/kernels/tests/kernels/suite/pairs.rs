//! The kernels of two inputs, alike in shape or repeated along axes.

use alloc::vec;
use alloc::vec::Vec;

use super::operands::{Operands, binary};
use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// Addition.
pub fn add(cases: usize) -> usize {
    let mut random = Random(6);
    for _ in 0..cases {
        let (activation_min, activation_max) = random.activation();
        let exponents = random.one_of(&[[0, 0], [0, -6], [-3, 0], [0, -20], [-6, -6]]);
        let output_exponent = random.one_of(&[-19, -19, -19, -19, -10, -28]);
        let mut factors = exponents.map(|exponent| below_one(&mut random, exponent));
        let mut output_requantize = below_one(&mut random, output_exponent);
        // As the compiler derives them: the operand with the larger scale has a factor of 1/2.
        let larger = random.below(3);
        if let Some(factor) = factors.get_mut(larger) {
            *factor = Requantize { multiplier: 1 << 30, shift: 0 };
        }
        let zero_points = [random.zero_point(), random.zero_point()];
        let mut same = [None; 2];
        if larger < 2 && random.below(4) == 0 {
            // Small sums at the output's scale show every rounding of the other operand.
            same[larger] = Some(zero_points[larger]);
            let multiplier = random.below(1024) as i32 - 512;
            factors[1 - larger] = Requantize { multiplier, shift: -(random.below(4) as i8) };
            output_requantize = Requantize { multiplier: i32::MAX, shift: -1 };
        }
        let p = AddParameters {
            left_requantize: factors[0],
            right_requantize: factors[1],
            output_requantize,
            left_zero_point: zero_points[0],
            right_zero_point: zero_points[1],
            output_zero_point: random.zero_point(),
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        binary(&mut random, same, |l, r, o| add_s8(&p, l, r, o), |l, r| oracle::add(&p, l, r), &p);
    }
    cases
}

/// Subtraction.
pub fn sub(cases: usize) -> usize {
    let mut random = Random(31);
    for _ in 0..cases {
        let (activation_min, activation_max) = random.activation();
        let p = AddParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            left_requantize: below_one(&mut random, -2),
            right_requantize: below_one(&mut random, -2),
            output_requantize: below_one(&mut random, -18),
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        binary(&mut random, [None; 2], |l, r, o| sub_s8(&p, l, r, o), |l, r| oracle::sub(&p, l, r), &p);
    }
    cases
}

/// A factor that shifts nothing to the left.
fn below_one(random: &mut Random, exponent: i32) -> Requantize {
    let factor = random.factor(exponent);
    Requantize { shift: factor.shift.min(0), ..factor }
}

/// Multiplication.
pub fn mul(cases: usize) -> usize {
    let mut random = Random(7);
    for _ in 0..cases {
        let (activation_min, activation_max) = random.activation();
        let p = MulParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: random.factor(-6),
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        binary(&mut random, [None; 2], |l, r, o| mul_s8(&p, l, r, o), |l, r| oracle::mul(&p, l, r), &p);
    }
    cases
}

/// Squared difference.
pub fn squared_difference(cases: usize) -> usize {
    let mut random = Random(32);
    for _ in 0..cases {
        let p = SquaredDifferenceParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            left_requantize: below_one(&mut random, -2),
            right_requantize: below_one(&mut random, -2),
            output_requantize: random.factor(-18),
        };
        p.check(5, 5, 5).unwrap();
        let element = |l, r| oracle::squared_difference(&p, l, r);
        binary(&mut random, [None; 2], |l, r, o| squared_difference_s8(&p, l, r, o), element, &p);
    }
    cases
}

/// The lesser of two.
pub fn minimum(cases: usize) -> usize {
    let mut random = Random(33);
    for _ in 0..cases {
        binary(&mut random, [None; 2], minimum_s8, |left, right| left.min(right), &"minimum");
    }
    cases
}

/// The greater of two.
pub fn maximum(cases: usize) -> usize {
    let mut random = Random(133);
    for _ in 0..cases {
        binary(&mut random, [None; 2], maximum_s8, |left, right| left.max(right), &"maximum");
    }
    cases
}

/// Division: the output next to the real quotient, by a hair more than half a step.
pub fn div(cases: usize) -> usize {
    let mut random = Random(34);
    for _ in 0..cases {
        let (activation_min, activation_max) = random.activation();
        let exponent = random.one_of(&[-3, 0, 4, 9, -20]);
        let p = DivParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: random.factor(exponent),
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        let count = 1 + random.below(40);
        let mut right = random.bytes(count, 0);
        right[random.below(count)] = p.right_zero_point;
        let mut operands = Operands::random(&mut random, count, count, 0);
        let Operands { input: left, output, .. } = &mut operands;
        div_s8(&p, Source::Apart(left.all()), Source::Apart(&right), output.all());
        let quotients = left.all().iter().zip(&right).zip(&*output.all());
        for ((&left, &right), &output) in quotients {
            let (low, high) = (f64::from(activation_min), f64::from(activation_max));
            let side = i32::from(left) - i32::from(p.left_zero_point);
            let wanted = if right == p.right_zero_point {
                f64::from(i32::from(p.output_zero_point) + 256 * side.signum())
            } else {
                oracle::quotient(&p, left, right)
            };
            let far = (f64::from(output) - wanted.clamp(low, high)).abs();
            assert!(far <= 0.5001, "{left} / {right} is {output}, not {wanted}: {p:?}");
        }
        let apart = output.all().to_vec();
        output.all().copy_from_slice(left.all());
        div_s8(&p, Source::InPlace, Source::Apart(&right), output.all());
        assert_eq!(output.all(), apart, "first in place: {p:?}");
        output.all().copy_from_slice(&right);
        div_s8(&p, Source::Apart(left.all()), Source::InPlace, output.all());
        operands.compare(&apart, &("second in place", p));
    }
    cases
}

/// Operands that repeat along axes, with any kernel; of eight cases, which may be large, one is compared.
pub fn broadcast(cases: usize) -> usize {
    let mut random = Random(35);
    for _ in 0..cases / 8 {
        let rank = 1 + random.below(6);
        let output: Vec<u32> = (0..rank).map(|_| random.one_of(&[1, 2, 3, 5, 70])).collect();
        if output.iter().product::<u32>() > 20_000 {
            continue;
        }
        let mut operand = || -> Vec<u32> {
            output.iter().map(|&extent| if random.below(3) == 0 { 1 } else { extent }).collect()
        };
        let (left_shape, mut right_shape) = (operand(), operand());
        for axis in 0..rank {
            if left_shape[axis] == 1 {
                right_shape[axis] = output[axis];
            }
        }
        let elements = |shape: &[u32]| shape.iter().product::<u32>() as usize;
        let left = random.bytes(elements(&left_shape), 0);
        let right = random.bytes(elements(&right_shape), 0);
        let at = |operand: &[i8], shape: &[u32], place| oracle::repeated(operand, shape, &output, place);
        // Which operand comes first shows in the difference.
        let difference = |left: i8, right: i8| left.wrapping_mul(3).wrapping_sub(right);
        let expected: Vec<i8> = (0..elements(&output))
            .map(|place| difference(at(&left, &left_shape, place), at(&right, &right_shape, place)))
            .collect();
        // Axes of extent 1 on the left may be missing.
        let ones = left_shape.iter().take_while(|&&extent| extent == 1).count();
        let broadcast = Broadcast::new(&left_shape[ones..], &right_shape, &output).unwrap();
        let kernel = |left: Source<'_>, right: Source<'_>, output: &mut [i8]| {
            let of = |source: Source<'_>, output: &[i8]| match source {
                Source::Apart(values) => values.to_vec(),
                Source::InPlace => output.to_vec(),
            };
            let (left, right) = (of(left, output), of(right, output));
            assert_eq!((left.len(), right.len()), (output.len(), output.len()));
            let pairs = left.iter().zip(&right);
            output.iter_mut().zip(pairs).for_each(|(to, (&left, &right))| *to = difference(left, right));
        };
        let mut found = vec![0x55; expected.len()];
        broadcast.apply(Source::Apart(&left), Source::Apart(&right), &mut found, kernel);
        assert_eq!(found, expected, "{left_shape:?} {right_shape:?} {output:?}");
        if left.len() == found.len() {
            found.copy_from_slice(&left);
            broadcast.apply(Source::InPlace, Source::Apart(&right), &mut found, kernel);
            assert_eq!(found, expected, "first in place: {left_shape:?} {output:?}");
        }
        if right.len() == found.len() {
            found.copy_from_slice(&right);
            broadcast.apply(Source::Apart(&left), Source::InPlace, &mut found, kernel);
            assert_eq!(found, expected, "second in place: {right_shape:?} {output:?}");
        }
    }
    cases / 8
}
