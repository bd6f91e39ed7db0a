//! Tables of unary operators: filled with the kernels' scalar functions under the reference's factors where
//! the reference has such an operator, and with the rounded real function where it has none.

use ocelli_format::Factor;
use ocelli_kernels::table::{
    HardSwishParameters, LeakyReluParameters, RequantizeParameters, SigmoidParameters, hard_swish_s8,
    leaky_relu_s8, logistic_s8, requantize_s8, tanh_s8,
};
use ocelli_kernels::{Requantize, fill_lookup};

use super::builder::Affine;
use super::factor;
use crate::graph::{Activation, Unary};

/// Scale and zero point that the reference fixes for an operator's output, if it does.
pub(crate) fn fixed_output(unary: Unary) -> Option<(f32, i32)> {
    match unary {
        Unary::Logistic => Some((1.0 / 256.0, -128)),
        Unary::Tanh => Some((1.0 / 128.0, 0)),
        _ => None,
    }
}

/// The table of an operator between two quantizations, or `None` where no factor holds their ratio.
///
/// A fixed output that is wanted otherwise is requantized inside the table.
pub(super) fn fill(unary: Unary, input: Affine, output: Affine) -> Option<[i8; 256]> {
    let fixed = fixed_output(unary).map(|(scale, zero_point)| Affine { scale, zero_point });
    let natural = fixed.unwrap_or(output);
    let table = match unary {
        Unary::Relu => clamped(input, natural, Activation::Relu)?,
        Unary::Relu6 => clamped(input, natural, Activation::Relu6)?,
        Unary::ReluN1To1 => clamped(input, natural, Activation::ReluN1To1)?,
        Unary::Requantize => clamped(input, natural, Activation::Linear)?,
        Unary::LeakyRelu { alpha } => {
            let slope = f64::from(input.scale * alpha / output.scale);
            let mut negative = requantize(factor::factor(slope.abs())?);
            if slope < 0.0 {
                negative.multiplier = -negative.multiplier;
            }
            let parameters = LeakyReluParameters {
                input_zero_point: input.zero_point as i8,
                output_zero_point: output.zero_point as i8,
                positive: requantize(factor::factor(f64::from(input.scale / output.scale))?),
                negative,
            };
            fill_lookup(|x| leaky_relu_s8(&parameters, x))
        }
        Unary::Logistic => {
            let parameters = sigmoid(input)?;
            fill_lookup(|x| logistic_s8(&parameters, x))
        }
        Unary::Tanh => {
            let parameters = sigmoid(input)?;
            fill_lookup(|x| tanh_s8(&parameters, x))
        }
        Unary::HardSwish => {
            let parameters = hard_swish(input, output)?;
            fill_lookup(|x| hard_swish_s8(&parameters, x))
        }
        Unary::Abs => {
            let requantize = requantize(factor::rescale_factor(input.scale, output.scale)?);
            let magnitude = |x: i8| (i32::from(x) - input.zero_point).abs();
            let apply = |x: i8| requantize.apply(magnitude(x)) + output.zero_point;
            fill_lookup(|x| apply(x).clamp(-128, 127) as i8)
        }
        _ => rounded(|x| unary.real(x), input, output),
    };
    if natural == output {
        return Some(table);
    }
    let moved = clamped(natural, output, Activation::Linear)?;
    Some(fill_lookup(|x| moved[usize::from(table[usize::from(x as u8)] as u8)]))
}

/// The stored value nearest to a function's for every stored argument; the farthest one where it is infinite.
/// Where the function has no value, the nearest argument that has one counts.
pub(super) fn rounded(function: impl Fn(f64) -> f64, input: Affine, output: Affine) -> [i8; 256] {
    let store = |x: i32| {
        let value = function(f64::from(input.scale) * f64::from(x - input.zero_point));
        let steps = (value / f64::from(output.scale)).round() + f64::from(output.zero_point);
        (!value.is_nan()).then(|| steps.clamp(-128.0, 127.0) as i8)
    };
    let nearest = |x: i32| {
        (1..256).find_map(|far| {
            [x + far, x - far].into_iter().find_map(|x| (-128..=127).contains(&x).then(|| store(x)).flatten())
        })
    };
    fill_lookup(|x| {
        let x = i32::from(x);
        store(x).or_else(|| nearest(x)).unwrap_or(output.zero_point as i8)
    })
}

/// Another scale and zero point, and the bounds of an activation under them.
fn clamped(input: Affine, output: Affine, activation: Activation) -> Option<[i8; 256]> {
    let parameters = RequantizeParameters {
        input_zero_point: input.zero_point as i8,
        output_zero_point: output.zero_point as i8,
        requantize: requantize(factor::rescale_factor(input.scale, output.scale)?),
    };
    let bounds = factor::clamp(activation, output.scale, output.zero_point);
    Some(fill_lookup(|x| requantize_s8(&parameters, x).max(bounds.min).min(bounds.max)))
}

/// Integer bits of the argument of logistic and tanh.
const SIGMOID_INTEGER_BITS: i32 = 4;

fn sigmoid(input: Affine) -> Option<SigmoidParameters> {
    let unit = f64::from(1 << (31 - SIGMOID_INTEGER_BITS));
    let factor = factor::factor(f64::from(input.scale) * unit)?;
    let reach = f64::from((1 << SIGMOID_INTEGER_BITS) - 1) * unit;
    let radius = reach / 2f64.powi(i32::from(factor.shift));
    Some(SigmoidParameters {
        input_zero_point: input.zero_point as i8,
        input_range_radius: radius.floor().min(f64::from(i32::MAX)) as i32,
        requantize: requantize(factor),
    })
}

fn hard_swish(input: Affine, output: Affine) -> Option<HardSwishParameters> {
    let fine_scale = 1.0 / 128.0 * input.scale;
    let to_output = factor::factor(f64::from(fine_scale / output.scale))?;
    let to_gate = factor::factor(f64::from(fine_scale / (3.0 / 32768.0)))?;
    if to_output.shift > 0 {
        return None;
    }
    Some(HardSwishParameters {
        input_zero_point: input.zero_point as i8,
        output_zero_point: output.zero_point as i8,
        output_multiplier: upper_half(to_output.multiplier),
        output_exponent: to_output.shift,
        gate_multiplier: upper_half(to_gate.multiplier),
        gate_exponent: to_gate.shift,
    })
}

/// A 31-bit multiplier rounded to 15 bits.
fn upper_half(multiplier: i32) -> i16 {
    ((i64::from(multiplier) + (1 << 15)) >> 16).min(i64::from(i16::MAX)) as i16
}

fn requantize(factor: Factor) -> Requantize {
    Requantize { multiplier: factor.multiplier, shift: factor.shift }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(value: i8, affine: Affine) -> f64 {
        f64::from(affine.scale) * f64::from(i32::from(value) - affine.zero_point)
    }

    /// Every entry of a table is within `steps` of the function, where the output can hold it.
    fn follows(unary: Unary, input: Affine, output: Affine, steps: f64, function: impl Fn(f64) -> f64) {
        let table = fill(unary, input, output).unwrap();
        for x in i8::MIN..=i8::MAX {
            let wanted = function(real(x, input)).clamp(real(i8::MIN, output), real(i8::MAX, output));
            let got = real(table[usize::from(x as u8)], output);
            let off = (got - wanted).abs() / f64::from(output.scale);
            assert!(off <= steps, "{unary:?} of {x}: {got}, wanted {wanted}, {off} steps off");
        }
    }

    #[test]
    fn tables_follow_their_functions() {
        let input = Affine { scale: 0.05, zero_point: 10 };
        let output = Affine { scale: 0.03, zero_point: -20 };
        follows(Unary::Requantize, input, output, 0.51, |x| x);
        follows(Unary::Relu, input, output, 0.51, |x| x.max(0.0));
        follows(Unary::Relu6, input, output, 0.51, |x| x.clamp(0.0, 6.0));
        follows(Unary::ReluN1To1, input, output, 0.51, |x| x.clamp(-1.0, 1.0));
        follows(Unary::LeakyRelu { alpha: 0.1 }, input, output, 0.51, |x| x.max(0.1 * x));
        follows(
            Unary::LeakyRelu { alpha: -0.5 },
            input,
            output,
            0.51,
            |x| if x < 0.0 { -0.5 * x } else { x },
        );
        let probability = Affine { scale: 1.0 / 256.0, zero_point: -128 };
        follows(Unary::Logistic, input, probability, 1.0, |x| 1.0 / (1.0 + (-x).exp()));
        follows(Unary::Tanh, input, Affine { scale: 1.0 / 128.0, zero_point: 0 }, 1.0, f64::tanh);
        let wide = Affine { scale: 0.05, zero_point: -100 };
        follows(Unary::HardSwish, input, wide, 1.5, |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0);
    }

    #[test]
    fn other_functions_are_rounded() {
        let input = Affine { scale: 0.05, zero_point: -7 };
        let output = Affine { scale: 0.04, zero_point: 20 };
        for unary in [
            Unary::Abs,
            Unary::Elu { alpha: 1.5 },
            Unary::Gelu,
            Unary::Silu,
            Unary::Exp,
            Unary::Clip { low: -0.3, high: 1.7 },
            Unary::Sin,
            Unary::Floor,
        ] {
            follows(unary, input, output, 0.5001, |x| unary.real(x));
        }
    }

    #[test]
    fn outside_its_domain_a_function_has_the_value_at_the_border() {
        let affine = Affine { scale: 0.5, zero_point: 0 };
        let entry = |unary, x: i8| fill(unary, affine, affine).unwrap()[usize::from(x as u8)];
        assert_eq!((entry(Unary::Log, 0), entry(Unary::Log, -9), entry(Unary::Log, 2)), (-128, -128, 0));
        assert_eq!((entry(Unary::Sqrt, -1), entry(Unary::Sqrt, 8)), (0, 4));
        assert_eq!((entry(Unary::Rsqrt, -3), entry(Unary::Rsqrt, 2)), (127, 2));
        assert_eq!(entry(Unary::Acos, 127), 0);
    }

    #[test]
    fn a_fixed_output_under_another_scale_is_requantized() {
        let input = Affine { scale: 0.05, zero_point: 0 };
        let output = Affine { scale: 1.0 / 100.0, zero_point: -50 };
        follows(Unary::Logistic, input, output, 1.0, |x| 1.0 / (1.0 + (-x).exp()));
    }

    #[test]
    fn equal_scales_requantize_to_the_same_bytes() {
        let affine = Affine { scale: 0.123, zero_point: 7 };
        let table = fill(Unary::Requantize, affine, affine).unwrap();
        assert!((i8::MIN..=i8::MAX).all(|x| table[usize::from(x as u8)] == x));
    }
}
