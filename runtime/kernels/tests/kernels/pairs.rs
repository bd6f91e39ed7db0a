//! The kernels of two inputs against the oracle, alike in shape and repeated along axes.

use alloc::vec::Vec;

use crate::backends::binary;
use crate::oracle;
use crate::random::Random;
use ocelli_kernels::*;

const CASES: usize = 600;

#[test]
fn subtraction() {
    let mut random = Random(31);
    for _ in 0..CASES {
        let (activation_min, activation_max) = random.activation();
        let mut factor = |exponent| {
            let factor = random.factor(exponent);
            Requantize { shift: factor.shift.min(0), ..factor }
        };
        let (left_requantize, right_requantize) = (factor(-2), factor(-2));
        let output_requantize = factor(-18);
        let p = AddParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            left_requantize,
            right_requantize,
            output_requantize,
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        binary(&mut random, [None; 2], |l, r, o| sub_s8(&p, l, r, o), |l, r| oracle::sub(&p, l, r), &p);
    }
}

#[test]
fn squared_difference() {
    let mut random = Random(32);
    for _ in 0..CASES {
        let factor = |random: &mut Random| {
            let factor = random.factor(-2);
            Requantize { shift: factor.shift.min(0), ..factor }
        };
        let p = SquaredDifferenceParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            left_requantize: factor(&mut random),
            right_requantize: factor(&mut random),
            output_requantize: random.factor(-18),
        };
        p.check(5, 5, 5).unwrap();
        let element = |l, r| oracle::squared_difference(&p, l, r);
        binary(&mut random, [None; 2], |l, r, o| squared_difference_s8(&p, l, r, o), element, &p);
    }
}

#[test]
fn minimum_and_maximum() {
    let mut random = Random(33);
    for _ in 0..CASES {
        binary(&mut random, [None; 2], minimum_s8, |left, right| left.min(right), &"minimum");
        binary(&mut random, [None; 2], maximum_s8, |left, right| left.max(right), &"maximum");
    }
}

/// Every pair of numbers: the output next to the real quotient, by a hair more than half a step.
#[test]
fn division() {
    let mut random = Random(34);
    for case in 0..40 {
        let (activation_min, activation_max) = random.activation();
        let any = random.factor([-3, 0, 4, 9, -20][case % 5]);
        let p = DivParameters {
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: any,
            activation_min,
            activation_max,
        };
        p.check(5, 5, 5).unwrap();
        for right in i8::MIN..=i8::MAX {
            let left: Vec<i8> = (i8::MIN..=i8::MAX).collect();
            let mut output = left.clone();
            div_s8(&p, Source::InPlace, Source::Apart(&[right; 256]), &mut output);
            for (&left, &output) in left.iter().zip(&output) {
                let (low, high) = (f64::from(activation_min), f64::from(activation_max));
                if right == p.right_zero_point {
                    let side = i32::from(left) - i32::from(p.left_zero_point);
                    let wanted = i32::from(p.output_zero_point) + 256 * side.signum();
                    assert_eq!(i32::from(output), wanted.clamp(activation_min.into(), activation_max.into()));
                    continue;
                }
                let wanted = oracle::quotient(&p, left, right).clamp(low, high);
                let far = (f64::from(output) - wanted).abs();
                assert!(far <= 0.5001, "{left} / {right} is {output}, not {wanted}: {p:?}");
            }
        }
    }
}

#[test]
fn shapes_that_repeat() {
    let mut random = Random(35);
    for case in 0..CASES {
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
        assert_eq!(found, expected, "case {case}: {left_shape:?} {right_shape:?} {output:?}");
        if left.len() == found.len() {
            found.copy_from_slice(&left);
            broadcast.apply(Source::InPlace, Source::Apart(&right), &mut found, kernel);
            assert_eq!(found, expected, "first in place, case {case}");
        }
        if right.len() == found.len() {
            found.copy_from_slice(&right);
            broadcast.apply(Source::Apart(&left), Source::InPlace, &mut found, kernel);
            assert_eq!(found, expected, "second in place, case {case}");
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
