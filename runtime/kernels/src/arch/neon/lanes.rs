//! NEON: four lanes, of which each takes four products of signed bytes, by one instruction where there are dot
//! products, and by six otherwise.

use core::arch::aarch64::*;

use crate::arch::vector::level::{Level, MAX_GROUP, MAX_LANES, Work};

/// The instructions of NEON, with dot products or without.
#[derive(Clone, Copy)]
struct Neon<const DOT_PRODUCTS: bool>(());

/// Runs a kernel.
///
/// # Safety
/// The processor has dot products, if they are asked for.
pub(super) unsafe fn run<const DOT_PRODUCTS: bool>(work: impl Work) -> bool {
    work.run(Neon::<DOT_PRODUCTS>(()))
}

impl<const DOT_PRODUCTS: bool> Neon<DOT_PRODUCTS> {
    /// Sixteen bytes, the last of them 0 where there are fewer.
    ///
    /// # Safety
    /// From the address on there are `count` bytes.
    #[inline(always)]
    unsafe fn load_16(self, from: *const i8, count: usize) -> int8x16_t {
        let mut copy = [0i8; 16];
        // SAFETY: The caller's, or the array's sixteen.
        unsafe {
            if count >= 16 {
                return vld1q_s8(from);
            }
            copy.as_mut_ptr().copy_from_nonoverlapping(from, count);
            vld1q_s8(copy.as_ptr())
        }
    }

    /// Four bytes, the last of them 0 where there are fewer, and zeros.
    ///
    /// # Safety
    /// From the address on there are `count` bytes.
    #[inline(always)]
    unsafe fn load_4(self, from: *const i8, count: usize) -> int8x8_t {
        let mut copy = [0u8; 4];
        // SAFETY: The caller's, or the array's four.
        unsafe {
            if count >= 4 {
                copy = from.cast::<[u8; 4]>().read();
            } else {
                copy.as_mut_ptr().copy_from_nonoverlapping(from.cast(), count);
            }
            vcreate_s8(u64::from(u32::from_le_bytes(copy)))
        }
    }

    /// The sum of the lanes of each vector: that of vector *i* goes to lane *i*.
    #[inline(always)]
    fn add_lanes(self, [first, second, third, fourth]: [int32x4_t; 4]) -> int32x4_t {
        // SAFETY: As for the trait below.
        unsafe { vpaddq_s32(vpaddq_s32(first, second), vpaddq_s32(third, fourth)) }
    }

    /// Rows become columns: lane *i* of vector *j* goes to lane *j* of vector *i*.
    #[inline(always)]
    fn transpose(self, [first, second, third, fourth]: [int32x4_t; 4]) -> [int32x4_t; 4] {
        // SAFETY: As for the trait below.
        unsafe {
            let pairs = |vector| vreinterpretq_s64_s32(vector);
            let [a, b] = [pairs(vtrn1q_s32(first, second)), pairs(vtrn2q_s32(first, second))];
            let [c, d] = [pairs(vtrn1q_s32(third, fourth)), pairs(vtrn2q_s32(third, fourth))];
            [vtrn1q_s64(a, c), vtrn1q_s64(b, d), vtrn2q_s64(a, c), vtrn2q_s64(b, d)]
                .map(|vector| vreinterpretq_s32_s64(vector))
        }
    }
}

// SAFETY of every block here: NEON is part of the target, and the value `self` with dot products only exists inside
// `run`. Intrinsics that touch memory do so within what the method's contract states.
impl<const DOT_PRODUCTS: bool> Level for Neon<DOT_PRODUCTS> {
    type Vector = int32x4_t;

    const LANES: usize = 4;
    const GROUP: usize = 4;
    const PIXELS: usize = 8;
    const GROUPS: usize = 4;
    const ONES: i32 = 0x0101_0101;

    #[inline(always)]
    fn stored_zero(zero_point: i8) -> i32 {
        i32::from(zero_point)
    }

    #[inline(always)]
    fn zeros(zero_point: i8) -> i32 {
        i32::from_ne_bytes([zero_point as u8; 4])
    }

    #[inline(always)]
    fn splat(self, number: i32) -> int32x4_t {
        unsafe { vdupq_n_s32(number) }
    }

    #[inline(always)]
    fn dot(self, sums: int32x4_t, values: int32x4_t, weights: int32x4_t) -> int32x4_t {
        unsafe {
            if DOT_PRODUCTS {
                let mut sums = sums;
                core::arch::asm!(
                    ".arch_extension dotprod",
                    "sdot {sums:v}.4s, {values:v}.16b, {weights:v}.16b",
                    sums = inout(vreg) sums,
                    values = in(vreg) values,
                    weights = in(vreg) weights,
                    options(pure, nomem, nostack, preserves_flags),
                );
                return sums;
            }
            let (values, weights) = (vreinterpretq_s8_s32(values), vreinterpretq_s8_s32(weights));
            // Two products of -128 by -128 pass 15 bits, so pairs are added up in 32.
            let low = vpaddlq_s16(vmull_s8(vget_low_s8(values), vget_low_s8(weights)));
            let high = vpaddlq_s16(vmull_high_s8(values, weights));
            vaddq_s32(sums, vpaddq_s32(low, high))
        }
    }

    #[inline(always)]
    fn dot_group<const GROUP: i32>(
        self,
        sums: int32x4_t,
        values: int32x4_t,
        weights: int32x4_t,
    ) -> int32x4_t {
        unsafe {
            if DOT_PRODUCTS {
                let mut sums = sums;
                core::arch::asm!(
                    ".arch_extension dotprod",
                    "sdot {sums:v}.4s, {weights:v}.16b, {values:v}.4b[{group}]",
                    sums = inout(vreg) sums,
                    weights = in(vreg) weights,
                    values = in(vreg) values,
                    group = const GROUP,
                    options(pure, nomem, nostack, preserves_flags),
                );
                return sums;
            }
            self.dot(sums, vdupq_laneq_s32::<GROUP>(values), weights)
        }
    }

    #[inline(always)]
    fn add(self, left: int32x4_t, right: int32x4_t) -> int32x4_t {
        unsafe { vaddq_s32(left, right) }
    }

    #[inline(always)]
    fn multiply(self, left: int32x4_t, right: int32x4_t) -> int32x4_t {
        unsafe { vmulq_s32(left, right) }
    }

    #[inline(always)]
    fn shift_left(self, vector: int32x4_t, by: int32x4_t) -> int32x4_t {
        unsafe { vshlq_s32(vector, by) }
    }

    #[inline(always)]
    fn high_multiply(self, left: int32x4_t, right: int32x4_t) -> int32x4_t {
        unsafe { vqrdmulhq_s32(left, right) }
    }

    #[inline(always)]
    fn short_high_multiply(self, left: int32x4_t, right: int32x4_t) -> int32x4_t {
        self.high_multiply(left, right)
    }

    #[inline(always)]
    fn shift_right(self, vector: int32x4_t, by: int32x4_t) -> int32x4_t {
        unsafe { vshlq_s32(vector, vnegq_s32(by)) }
    }

    #[inline(always)]
    fn signs(self, vector: int32x4_t) -> int32x4_t {
        unsafe { vshrq_n_s32::<31>(vector) }
    }

    #[inline(always)]
    fn rounding_divide(
        self,
        vector: int32x4_t,
        exponent: int32x4_t,
        _mask: int32x4_t,
        _half: int32x4_t,
    ) -> int32x4_t {
        unsafe {
            // The instruction rounds halves up; one less is taken of what is negative and divided.
            let by = vnegq_s32(exponent);
            let less = vshrq_n_s32::<31>(vandq_s32(vector, by));
            vrshlq_s32(vqaddq_s32(vector, less), by)
        }
    }

    #[inline(always)]
    fn clamp(self, vector: int32x4_t, low: int32x4_t, high: int32x4_t) -> int32x4_t {
        unsafe { vminq_s32(vmaxq_s32(vector, low), high) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const i32) -> int32x4_t {
        unsafe { vld1q_s32(from) }
    }

    #[inline(always)]
    unsafe fn load_group(self, from: *const u8) -> int32x4_t {
        unsafe { vld1q_dup_s32(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_groups(self, from: *const u8) -> int32x4_t {
        unsafe { vld1q_s32(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const i8, count: usize) -> int32x4_t {
        unsafe { vmovl_s16(vget_low_s16(vmovl_s8(self.load_4(from, count)))) }
    }

    #[inline(always)]
    unsafe fn store(self, vector: int32x4_t, to: *mut i32) {
        unsafe { vst1q_s32(to, vector) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, vector: int32x4_t, to: *mut i8, count: usize) {
        unsafe {
            let half = vmovn_s32(vector);
            let bytes = vreinterpret_u32_s8(vmovn_s16(vcombine_s16(half, half)));
            let bytes = vget_lane_u32::<0>(bytes);
            if count >= Self::LANES {
                to.cast::<u32>().write_unaligned(bytes);
            } else {
                to.copy_from_nonoverlapping(bytes.to_le_bytes().as_ptr().cast(), count);
            }
        }
    }

    #[inline(always)]
    unsafe fn widen(self, from: *const i8, count: usize, _zero_point: i8, to: *mut u8) {
        unsafe { to.copy_from_nonoverlapping(from.cast(), count) }
    }

    #[inline(always)]
    unsafe fn column(self, rows: [*const i8; MAX_GROUP], count: usize) -> int32x4_t {
        unsafe {
            let [first, second] = [self.load_4(rows[0], count), self.load_4(rows[1], count)];
            let [third, fourth] = [self.load_4(rows[2], count), self.load_4(rows[3], count)];
            let upper = vreinterpret_s16_s8(vzip1_s8(first, second));
            let lower = vreinterpret_s16_s8(vzip1_s8(third, fourth));
            let groups = vcombine_s16(vzip1_s16(upper, lower), vzip2_s16(upper, lower));
            vreinterpretq_s32_s16(groups)
        }
    }

    #[inline(always)]
    fn stored(self, groups: int32x4_t, _zero_point: i8) -> int32x4_t {
        groups
    }

    #[inline(always)]
    unsafe fn pack(self, rows: [*const i8; MAX_LANES], length: usize, to: *mut u8, step: usize) -> int32x4_t {
        let ones = self.splat(Self::ONES);
        let mut sums = self.splat(0);
        for start in (0..length).step_by(16) {
            let count = (length - start).min(16);
            let mut vectors = [self.splat(0); 4];
            for lane in 0..4 {
                let bytes = unsafe { self.load_16(rows[lane].add(start), count) };
                vectors[lane] = unsafe { vreinterpretq_s32_s8(bytes) };
            }
            let vectors = self.transpose(vectors);
            for group in 0..4 {
                if 4 * group < count {
                    unsafe { self.store(vectors[group], to.add((start / 4 + group) * step).cast()) };
                    sums = self.dot(sums, ones, vectors[group]);
                }
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn dot_rows(
        self,
        values: *const u8,
        rows: [*const i8; MAX_LANES],
        count: usize,
        with_weights: bool,
    ) -> [int32x4_t; 2] {
        let ones = self.splat(Self::ONES);
        let (mut sums, mut totals) = ([self.splat(0); 4], [self.splat(0); 4]);
        unsafe {
            for start in (0..count).step_by(16) {
                let rest = count - start;
                let values = vreinterpretq_s32_s8(self.load_16(values.add(start).cast(), rest));
                for lane in 0..4 {
                    let weights = vreinterpretq_s32_s8(self.load_16(rows[lane].add(start), rest));
                    sums[lane] = self.dot(sums[lane], values, weights);
                    if with_weights {
                        totals[lane] = self.dot(totals[lane], ones, weights);
                    }
                }
            }
        }
        [self.add_lanes(sums), self.add_lanes(totals)]
    }
}
