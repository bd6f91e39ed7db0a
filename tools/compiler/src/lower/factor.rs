//! Real scales become fixed-point factors and clamp bounds: the only place where `lower` rounds.
//!
//! Every formula is that of TFLite Micro's `Prepare` functions, in the same precision and order,
//! because a factor that differs in its last bit differs in some output.

use ocelli_format::{Clamp, Factor, WideClamp};
use ocelli_kernels::DivParameters;

use crate::graph::Activation;

/// `real` as `multiplier * 2^(shift - 31)`, or `None` when it is negative, not finite or too large.
///
/// Below `2^-32` it flushes to 0, as the reference does.
pub fn factor(real: f64) -> Option<Factor> {
    if !real.is_finite() || real < 0.0 {
        return None;
    }
    if real == 0.0 {
        return Some(Factor { multiplier: 0, shift: 0 });
    }
    let (fraction, mut shift) = libm::frexp(real);
    let mut multiplier = (fraction * 2f64.powi(31)).round() as i64;
    if multiplier == 1 << 31 {
        multiplier /= 2;
        shift += 1;
    }
    match shift {
        ..-31 => Some(Factor { multiplier: 0, shift: 0 }),
        -31..=30 => Some(Factor { multiplier: multiplier as i32, shift: shift as i8 }),
        _ => None,
    }
}

/// Factor of a convolution's channel: scales are multiplied as doubles.
pub fn convolution_factor(input: f32, weights: f32, output: f32) -> Option<Factor> {
    factor(f64::from(input) * f64::from(weights) / f64::from(output))
}

/// Factor of a fully connected layer with one scale for all weights: the reference multiplies input
/// and weight scale in single precision there, and in double when scales run along channels.
pub fn fully_connected_factor(input: f32, weights: f32, output: f32) -> Option<Factor> {
    factor(f64::from(input * weights) / f64::from(output))
}

/// Extra fraction bits of an addition.
pub const ADD_LEFT_SHIFT: u8 = 20;

/// Extra fraction bits of an addition of int16.
pub const WIDE_ADD_LEFT_SHIFT: u8 = 15;

/// Factors of the two operands and of the sum of an addition with so many extra fraction bits.
pub fn add_factors(first: f32, second: f32, output: f32, left_shift: u8) -> Option<([Factor; 2], Factor)> {
    let twice_max = 2.0 * f64::from(first.max(second));
    let operands = [factor(f64::from(first) / twice_max)?, factor(f64::from(second) / twice_max)?];
    let sum = factor(twice_max / (f64::from(1u32 << left_shift) * f64::from(output)))?;
    Some((operands, sum))
}

/// Factor of a multiplication.
pub fn mul_factor(first: f32, second: f32, output: f32) -> Option<Factor> {
    factor(f64::from(first) * f64::from(second) / f64::from(output))
}

/// Factor of a division; its shift leaves the kernel the room that it counts on.
pub fn div_factor(first: f32, second: f32, output: f32) -> Option<Factor> {
    let real = f64::from(first) / (f64::from(second) * f64::from(output));
    factor(real).filter(|factor| factor.shift <= DivParameters::MAX_SHIFT)
}

/// Extra fraction bits of a squared difference.
pub const SQUARED_DIFFERENCE_LEFT_SHIFT: u8 = 7;

/// Factors of the two operands and of the square of a squared difference.
pub fn squared_difference_factors(first: f32, second: f32, output: f32) -> Option<([Factor; 2], Factor)> {
    let twice_max = 2.0 * f64::from(first.max(second));
    let operands = [factor(f64::from(first) / twice_max)?, factor(f64::from(second) / twice_max)?];
    let unit = f64::from(1u32 << (2 * SQUARED_DIFFERENCE_LEFT_SHIFT));
    let square = factor(twice_max * twice_max / (unit * f64::from(output)))?;
    Some((operands, square))
}

/// Factors of a PReLU for values from zero up and for those below.
pub fn prelu_factors(input: f32, slopes: f32, output: f32) -> Option<(Factor, Factor)> {
    let positive = factor(f64::from(input) / f64::from(output))?;
    let negative = factor(f64::from(input) * f64::from(slopes) / f64::from(output))?;
    Some((positive, negative))
}

/// Factor from one scale to another.
pub fn rescale_factor(input: f32, output: f32) -> Option<Factor> {
    factor(f64::from(input) / f64::from(output))
}

/// Integer bits of the differences that a softmax exponentiates.
const SOFTMAX_INTEGER_BITS: i32 = 5;

/// Factor and smallest difference of a softmax.
pub fn softmax_factor(beta: f32, input: f32) -> Option<(Factor, i32)> {
    // One step of such logits is 16 already, beyond what an int8 probability shows.
    let largest = f64::from((1 << 30) - 1);
    let real = f64::from(beta) * f64::from(input) * f64::from(1 << (31 - SOFTMAX_INTEGER_BITS));
    let factor = factor(real.min(largest))?;
    if factor.shift < 0 {
        return None;
    }
    let radius = f64::from((1 << SOFTMAX_INTEGER_BITS) - 1) * f64::from(1 << (31 - SOFTMAX_INTEGER_BITS))
        / (1i64 << factor.shift) as f64;
    Some((factor, -(radius.floor() as i32)))
}

/// Bounds of int8 that a fused activation leaves under this scale and zero point.
pub fn clamp(activation: Activation, scale: f32, zero_point: i32) -> Clamp {
    let [min, max] = bounds(activation, scale, zero_point, [i8::MIN.into(), i8::MAX.into()]);
    Clamp { min: min as i8, max: max as i8 }
}

/// Bounds of int16 that a fused activation leaves under this scale.
pub fn wide_clamp(activation: Activation, scale: f32) -> WideClamp {
    let [min, max] = bounds(activation, scale, 0, [i16::MIN.into(), i16::MAX.into()]);
    WideClamp { min: min as i16, max: max as i16 }
}

fn bounds(activation: Activation, scale: f32, zero_point: i32, [lowest, highest]: [i64; 2]) -> [i64; 2] {
    let quantize = |real: f32| i64::from(zero_point) + (real / scale).round() as i64;
    let (min, max) = match activation {
        Activation::Linear => (lowest, highest),
        Activation::Relu => (quantize(0.0), highest),
        Activation::Relu6 => (quantize(0.0), quantize(6.0)),
        Activation::ReluN1To1 => (quantize(-1.0), quantize(1.0)),
    };
    [min.clamp(lowest, highest), max.clamp(lowest, highest)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_normalized() {
        assert_eq!(factor(0.75), Some(Factor { multiplier: 3 << 29, shift: 0 }));
        assert_eq!(factor(1.0), Some(Factor { multiplier: 1 << 30, shift: 1 }));
        assert_eq!(factor(6.0), Some(Factor { multiplier: 3 << 29, shift: 3 }));
        assert_eq!(factor(0.0), Some(Factor { multiplier: 0, shift: 0 }));
    }

    #[test]
    fn a_fraction_that_rounds_to_one_carries_into_the_shift() {
        let just_below_one = f64::from_bits(1f64.to_bits() - 1);
        assert_eq!(factor(just_below_one), Some(Factor { multiplier: 1 << 30, shift: 1 }));
    }

    #[test]
    fn what_no_shift_can_hold_is_zero_or_refused() {
        assert_eq!(factor(2f64.powi(-32)), Some(Factor { multiplier: 1 << 30, shift: -31 }));
        assert_eq!(factor(2f64.powi(-33)), Some(Factor { multiplier: 0, shift: 0 }));
        assert_eq!(factor(2f64.powi(29)), Some(Factor { multiplier: 1 << 30, shift: 30 }));
        assert_eq!(factor(2f64.powi(30)), None);
        assert_eq!(factor(f64::NAN), None);
        assert_eq!(factor(-0.5), None);
    }

    #[test]
    fn single_and_double_products_are_told_apart() {
        let (input, weights, output) = (0.1f32, 0.3f32, 0.7f32);
        let double = convolution_factor(input, weights, output).unwrap();
        let single = fully_connected_factor(input, weights, output).unwrap();
        assert_eq!(double.shift, single.shift);
        assert_ne!(double.multiplier, single.multiplier);
    }

    #[test]
    fn equal_scales_add_by_halves() {
        let ([first, second], sum) = add_factors(0.5, 0.5, 1.0, ADD_LEFT_SHIFT).unwrap();
        assert_eq!((first, second), (Factor { multiplier: 1 << 30, shift: 0 }, first));
        assert_eq!(sum, Factor { multiplier: 1 << 30, shift: -19 });
    }

    #[test]
    fn softmax_stays_inside_five_integer_bits() {
        // 2^26 * 1/16 = 2^22: shift 23, radius 31 * 2^26 / 2^23.
        let (factor, difference_min) = softmax_factor(1.0, 0.0625).unwrap();
        assert_eq!(factor, Factor { multiplier: 1 << 30, shift: 23 });
        assert_eq!(difference_min, -248);
    }

    #[test]
    fn activations_narrow_the_bounds() {
        assert_eq!(clamp(Activation::Linear, 0.1, 3), Clamp { min: -128, max: 127 });
        assert_eq!(clamp(Activation::Relu, 0.1, 3), Clamp { min: 3, max: 127 });
        assert_eq!(clamp(Activation::Relu6, 0.1, 3), Clamp { min: 3, max: 63 });
        assert_eq!(clamp(Activation::Relu6, 0.01, -128), Clamp { min: -128, max: 127 });
        assert_eq!(clamp(Activation::ReluN1To1, 0.1, 0), Clamp { min: -10, max: 10 });
    }
}
