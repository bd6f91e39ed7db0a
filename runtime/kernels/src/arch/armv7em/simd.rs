//! Single instructions as functions, and four bytes as one word.

use core::arch::asm;

/// Adds bytes 0 and 2 of `bytes`, sign-extended, to the halfwords of `base`.
#[inline(always)]
pub(super) fn sxtab16(base: u32, bytes: u32) -> u32 {
    let sum;
    // SAFETY: computes on registers alone.
    unsafe {
        asm!("sxtab16 {sum}, {base}, {bytes}", sum = lateout(reg) sum, base = in(reg) base, bytes = in(reg) bytes,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// Adds bytes 1 and 3 of `bytes`, sign-extended, to the halfwords of `base`.
#[inline(always)]
pub(super) fn sxtab16_odd(base: u32, bytes: u32) -> u32 {
    let sum;
    // SAFETY: computes on registers alone.
    unsafe {
        asm!("sxtab16 {sum}, {base}, {bytes}, ror #8", sum = lateout(reg) sum, base = in(reg) base,
            bytes = in(reg) bytes, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// The high 32 bits of a product, rounded to nearest, halves up.
#[inline(always)]
pub(super) fn smmulr(a: i32, b: i32) -> i32 {
    let high;
    // SAFETY: computes on registers alone.
    unsafe {
        asm!("smmulr {high}, {a}, {b}", high = lateout(reg) high, a = in(reg) a, b = in(reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    high
}

/// Adds all bytes of `bytes` to `base`.
#[inline(always)]
pub(super) fn usada8(bytes: u32, base: u32) -> u32 {
    let sum;
    // SAFETY: computes on registers alone.
    unsafe {
        asm!("usada8 {sum}, {bytes}, {zero}, {base}", sum = lateout(reg) sum, bytes = in(reg) bytes, zero = in(reg) 0,
            base = in(reg) base, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// Adds bytes 0 and 2 of `bytes`, zero-extended, to the halfwords of `base`.
#[inline(always)]
pub(super) fn uxtab16(base: u32, bytes: u32) -> u32 {
    let sum;
    // SAFETY: computes on registers alone.
    unsafe {
        asm!("uxtab16 {sum}, {base}, {bytes}", sum = lateout(reg) sum, base = in(reg) base, bytes = in(reg) bytes,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// What to add to a widened pair so that it loses its zero point.
pub(super) fn minus(zero_point: i8) -> u32 {
    let half = i16::from(zero_point).wrapping_neg() as u16;
    u32::from(half) << 16 | u32::from(half)
}

/// Four bytes as one word, the first lowest.
#[inline(always)]
pub(super) fn word(bytes: [i8; 4]) -> u32 {
    u32::from_le_bytes(bytes.map(|byte| byte as u8))
}
