//! Hard swish.

/// What a hard swish computes, in 16-bit fixed point: a factor is `multiplier * 2^(exponent - 15)`.
///
/// The compiler derives, in single precision, `input_scale / 128 / output_scale` for the output and
/// `input_scale / 128 / (3 / 32768)` for the gate, quantizes each to 31 bits, and rounds the
/// multiplier to 16: `(multiplier + 2^15) >> 16`, at most `2^15 - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardSwishParameters {
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// From shifted inputs to the output's scale.
    pub output_multiplier: i16,
    /// 0 or less.
    pub output_exponent: i8,
    /// From shifted inputs to the scale on which 3.0 is `2^15`.
    pub gate_multiplier: i16,
    /// Of either sign.
    pub gate_exponent: i8,
}

/// `x * min(max(x + 3, 0), 6) / 6`.
///
/// # Source
/// TFLite reference kernel `reference_ops::HardSwish`.
pub fn hard_swish_s8(parameters: &HardSwishParameters, x: i8) -> i8 {
    // Seven more bits of precision, which just fit.
    let input = ((i32::from(x) - i32::from(parameters.input_zero_point)) << 7) as i16;
    let output = rounding_high_multiply(input, parameters.output_multiplier);

    let exponent = i32::from(parameters.gate_exponent);
    let mut gate = rounding_high_multiply(
        shift_left_saturating(input, exponent.saturating_sub(1).max(0)),
        parameters.gate_multiplier,
    );
    if exponent > 0 {
        gate = shift_left_saturating(gate, 1);
    } else {
        gate = divide(gate, exponent.unsigned_abs());
    }
    // From -1 ..= 1 to 0 ..= 1.
    let gate = ((i32::from(gate) + (1 << 15)) >> 1) as i16;

    let product = (i32::from(gate) * i32::from(output) / (1 << 15)) as i16;
    let value = divide(product, parameters.output_exponent.unsigned_abs().into());
    let value = value.wrapping_add(i16::from(parameters.output_zero_point));
    value.clamp(i16::from(i8::MIN), i16::from(i8::MAX)) as i8
}

/// The high 16 bits of `2 * a * b`, rounded to nearest, halves up; saturated.
fn rounding_high_multiply(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b) + (1 << 14)) >> 15).min(i32::from(i16::MAX)) as i16
}

/// `value * 2^bits`, saturated.
fn shift_left_saturating(value: i16, bits: i32) -> i16 {
    let wide = i64::from(value) << bits.clamp(0, 31);
    wide.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
}

/// `value / 2^exponent`, rounded to nearest, halves away from zero.
fn divide(value: i16, exponent: u32) -> i16 {
    crate::rounding_divide_by_power_of_two(i32::from(value), exponent.min(31)) as i16
}
