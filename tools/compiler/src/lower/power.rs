//! Tables from which the device takes negative powers, and how it has to shift sums before it does.

/// How a sum of squares and what is added to it become one whole number: `sum * 2^shift + offset`.
pub(super) struct Sum {
    pub(super) shift: u8,
    pub(super) offset: u64,
}

impl Sum {
    /// For a real offset in the unit of the sum, and the largest sum.
    pub(super) fn new(offset: f64, largest: f64) -> Sum {
        // 20 bits for the offset, as far as the sum has room beside.
        let wanted = 20.0 - libm::log2(offset.max(1e-30));
        let room = 61.0 - libm::log2(largest.max(1.0)).ceil();
        let shift = wanted.ceil().clamp(0.0, room.clamp(0.0, 24.0));
        Sum { shift: shift as u8, offset: (offset * libm::exp2(shift)).round().min(2f64.powi(61)) as u64 }
    }

    /// Whole numbers to one of the sum.
    pub(super) fn unit(&self) -> f64 {
        libm::exp2(f64::from(self.shift))
    }
}

/// `constant * t^-exponent` as [`ocelli_kernels::POWER_ENTRIES`] numbers: for the fraction of `t`, then
/// multipliers and shifts for its power of two.
pub(super) fn table(exponent: f64, constant: f64) -> Vec<i32> {
    let places = (0..=128).map(|place| {
        let fraction = libm::pow(1.0 + f64::from(place) / 128.0, -exponent);
        (fraction * 2f64.powi(30)).round() as i32
    });
    let powers: Vec<(i32, i32)> = (0..64)
        .map(|power| {
            let (fraction, exponent) = libm::frexp(constant * libm::exp2(-f64::from(power) * exponent));
            // fraction * 2^exponent, the fraction in 30 bits and below 1.
            ((fraction * 2f64.powi(30)).round() as i32, 30 - exponent)
        })
        .collect();
    let multipliers = powers.iter().map(|&(multiplier, _)| multiplier);
    let shifts = powers.iter().map(|&(_, shift)| shift);
    places.chain(multipliers).chain(shifts).collect()
}
