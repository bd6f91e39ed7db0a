//! Functions of real numbers that `core` alone does not have, by their series: a thousand times as exact as any kernel.

/// `2^power`, for powers of ordinary numbers.
pub fn exp2(power: i32) -> f64 {
    f64::from_bits(((1023 + i64::from(power)) as u64) << 52)
}

/// `e^x`, 0 far below 0.
pub fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let small = x / 1024.0;
    let series = (1..=14).rev().fold(1.0, |sum, n| 1.0 + small / f64::from(n) * sum);
    (0..10).fold(series, |power, _| power * power)
}

/// The natural logarithm of a positive number.
pub fn ln(x: f64) -> f64 {
    let power = exponent(x);
    let fraction = x * exp2(-power);
    let z = (fraction - 1.0) / (fraction + 1.0);
    let series = (0..16).rev().fold(0.0, |sum, n| sum * z * z + 1.0 / f64::from(2 * n + 1));
    2.0 * z * series + f64::from(power) * core::f64::consts::LN_2
}

/// The largest power of two that is not above a positive number.
pub fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52) as i32 - 1023
}

/// `x^y` of a positive number.
pub fn pow(x: f64, y: f64) -> f64 {
    exp(y * ln(x))
}

/// The nearest integer, halves away from zero.
pub fn round(x: f64) -> i64 {
    (x + if x < 0.0 { -0.5 } else { 0.5 }) as i64
}
