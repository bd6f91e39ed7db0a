//! What the compiler does in floating point, as TFLite Micro does it.

use ocelli_kernels::Requantize;

/// `factor` as a fixed-point number.
pub fn quantize_multiplier(factor: f64) -> Requantize {
    if factor == 0.0 {
        return Requantize { multiplier: 0, shift: 0 };
    }
    let (mut fraction, mut exponent) = (factor, 0i32);
    while fraction.abs() >= 1.0 {
        fraction /= 2.0;
        exponent += 1;
    }
    while fraction.abs() < 0.5 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let mut multiplier = (fraction * 2f64.powi(31)).round() as i64;
    if multiplier == 1 << 31 {
        multiplier /= 2;
        exponent += 1;
    }
    if exponent < -31 {
        return Requantize { multiplier: 0, shift: 0 };
    }
    Requantize { multiplier: multiplier as i32, shift: exponent as i8 }
}
