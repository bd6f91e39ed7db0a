//! A negative power of a sum: what normalizations divide by, from a table that the compiler fills.
//!
//! With `t = m * 2^e` and `1 <= m < 2`, `t^-b` is `m^-b * 2^(-e b)`. The table holds the first factor at 129
//! places, between which a straight line is off by less than 2^-16 for exponents up to 1, and the second one
//! for each of 64 values of `e`, with whatever constant the operator wants besides.

/// Numbers in a table of a power.
pub const POWER_ENTRIES: usize = PLACES + 2 * EXPONENTS;

/// `m^-b` at `m = 1 + place / 128`, in `2^-30`.
const PLACES: usize = 129;

/// Multipliers, then shifts.
const EXPONENTS: usize = 64;

/// A power from its table.
#[derive(Clone, Copy)]
pub(crate) struct Power<'t> {
    places: &'t [i32],
    multipliers: &'t [i32],
    shifts: &'t [i32],
}

/// `mantissa * 2^-shift`; the mantissa has 31 bits at most.
#[derive(Clone, Copy)]
pub(crate) struct Scaled {
    mantissa: i64,
    shift: i32,
}

impl<'t> Power<'t> {
    /// `None` for a table of another length.
    pub(crate) fn new(table: &'t [i32]) -> Option<Power<'t>> {
        let (places, rest) = table.split_at_checked(PLACES)?;
        let (multipliers, shifts) = rest.split_at_checked(EXPONENTS)?;
        (shifts.len() == EXPONENTS).then_some(Power { places, multipliers, shifts })
    }

    /// The power of `t`; of 0 that of 1.
    pub(crate) fn of(self, t: u64) -> Scaled {
        let t = t.max(1);
        let exponent = t.ilog2();
        // 7 bits of place, 16 bits on the way to the next.
        let fraction = ((t << (63 - exponent)) << 1) >> (64 - 23);
        let place = (fraction >> 16) as usize;
        let at = |place: usize| i64::from(self.places.get(place).copied().unwrap_or(0));
        let mantissa = at(place) + (((at(place + 1) - at(place)) * (fraction & 0xFFFF) as i64) >> 16);
        let of = |table: &[i32]| i64::from(table.get(exponent as usize).copied().unwrap_or(0));
        Scaled {
            mantissa: (mantissa * of(self.multipliers)) >> 30,
            shift: of(self.shifts).clamp(-1000, 1000) as i32,
        }
    }
}

impl Scaled {
    /// `value` times it in steps of `2^-bits`, rounded to nearest; `value` has 32 bits at most.
    #[inline]
    pub(crate) fn times(self, value: i64, bits: i32) -> i64 {
        shift_right(value.wrapping_mul(self.mantissa), self.shift - bits)
    }
}

/// `value / 2^bits`, rounded to nearest, saturated to 62 bits.
#[inline]
pub(crate) fn shift_right(value: i64, bits: i32) -> i64 {
    const LIMIT: i64 = 1 << 62;
    match bits {
        ..=0 => {
            let room = value.unsigned_abs().leading_zeros() as i32 - 2;
            if -bits <= room || value == 0 { value << (-bits).min(63) } else { LIMIT * value.signum() }
        }
        1..=62 => (value >> (bits - 1)).wrapping_add(1) >> 1,
        _ => 0,
    }
}
