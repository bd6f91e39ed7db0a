//! AVX-512 with VNNI: sixteen lanes, of which each takes four products of unsigned and signed bytes at once.

use core::arch::x86_64::*;

use crate::arch::vector::level::{Level, MAX_GROUP, MAX_LANES, Work};

/// The instructions of AVX-512 F, BW, VL and VNNI.
#[derive(Clone, Copy)]
pub(super) struct Avx512Vnni(());

/// Runs a kernel.
///
/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn run(work: impl Work) -> bool {
    work.run(Avx512Vnni(()))
}

impl Avx512Vnni {
    /// For each row, lane by lane, the products of `count` values with its weights.
    ///
    /// # Safety
    /// There are so many values, and weights in every row.
    #[inline(always)]
    unsafe fn products<const R: usize>(
        self,
        values: *const u8,
        rows: [*const i8; R],
        count: usize,
    ) -> [[__m512i; R]; 2] {
        let ones = self.splat(Self::ONES);
        let (mut sums, mut totals) = ([self.splat(0); R], [self.splat(0); R]);
        for start in (0..count).step_by(64) {
            let mask = bytes(count - start);
            // SAFETY: The caller's, masked to `count`.
            unsafe {
                let values = _mm512_maskz_loadu_epi8(mask, values.add(start).cast());
                for lane in 0..R {
                    let weights = _mm512_maskz_loadu_epi8(mask, rows[lane].add(start));
                    sums[lane] = self.dot(sums[lane], values, weights);
                    totals[lane] = self.dot(totals[lane], ones, weights);
                }
            }
        }
        [sums, totals]
    }

    /// The sum of the lanes of each vector: that of vector *i* goes to lane *i*.
    #[inline(always)]
    fn add_lanes(self, vectors: [__m512i; 16]) -> __m512i {
        let mut fours = [self.splat(0); 4];
        for four in 0..4 {
            let (a, b) = (vectors[4 * four], vectors[4 * four + 1]);
            let (c, d) = (vectors[4 * four + 2], vectors[4 * four + 3]);
            // SAFETY: As for the trait below; so are the others.
            unsafe {
                // Two lanes of each vector are left, then one, in every quarter.
                let low = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
                let high = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
                fours[four] =
                    _mm512_add_epi32(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
            }
        }
        // Then the quarters of each.
        let (low, high) = (self.add_quarters(fours[0], fours[1]), self.add_quarters(fours[2], fours[3]));
        self.add_quarters(low, high)
    }

    /// The sums of the first two quarters of each vector and of the last two.
    #[inline(always)]
    fn add_quarters(self, first: __m512i, second: __m512i) -> __m512i {
        // SAFETY: As for the trait below.
        unsafe {
            let even = _mm512_shuffle_i32x4::<0x88>(first, second);
            _mm512_add_epi32(even, _mm512_shuffle_i32x4::<0xDD>(first, second))
        }
    }

    /// Rows become columns: lane *i* of vector *j* goes to lane *j* of vector *i*.
    #[inline(always)]
    fn transpose(self, rows: [__m512i; 16]) -> [__m512i; 16] {
        let mut halves = [self.splat(0); 16];
        for pair in 0..8 {
            let [first, second] = [rows[2 * pair], rows[2 * pair + 1]];
            // SAFETY: As for the trait below; so are the others.
            unsafe {
                halves[2 * pair] = _mm512_unpacklo_epi32(first, second);
                halves[2 * pair + 1] = _mm512_unpackhi_epi32(first, second);
            }
        }
        // Four rows of four lanes each, within every quarter of a vector.
        let mut fours = [self.splat(0); 16];
        for four in 0..4 {
            let start = 4 * four;
            unsafe {
                fours[start] = _mm512_unpacklo_epi64(halves[start], halves[start + 2]);
                fours[start + 1] = _mm512_unpackhi_epi64(halves[start], halves[start + 2]);
                fours[start + 2] = _mm512_unpacklo_epi64(halves[start + 1], halves[start + 3]);
                fours[start + 3] = _mm512_unpackhi_epi64(halves[start + 1], halves[start + 3]);
            }
        }
        // Then the quarters change places in the same way.
        let mut columns = [self.splat(0); 16];
        for lane in 0..4 {
            unsafe {
                let [a, b, c, d] = [fours[lane], fours[lane + 4], fours[lane + 8], fours[lane + 12]];
                let low = [_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d)];
                let high = [_mm512_shuffle_i32x4::<0xDD>(a, b), _mm512_shuffle_i32x4::<0xDD>(c, d)];
                columns[lane] = _mm512_shuffle_i32x4::<0x88>(low[0], low[1]);
                columns[lane + 4] = _mm512_shuffle_i32x4::<0x88>(high[0], high[1]);
                columns[lane + 8] = _mm512_shuffle_i32x4::<0xDD>(low[0], low[1]);
                columns[lane + 12] = _mm512_shuffle_i32x4::<0xDD>(high[0], high[1]);
            }
        }
        columns
    }
}

/// The lanes below `count`.
#[inline(always)]
fn lanes(count: usize) -> __mmask16 {
    ((1u32 << count.min(16)) - 1) as __mmask16
}

/// The bytes below `count`.
#[inline(always)]
fn bytes(count: usize) -> __mmask64 {
    if count >= 64 { !0 } else { (1 << count) - 1 }
}

// SAFETY of every block here: the value `self` only exists inside `run`, on a processor with the features of the
// intrinsics. Those that touch memory do so within what the method's contract states, masked to `count`.
impl Level for Avx512Vnni {
    type Vector = __m512i;

    const LANES: usize = 16;
    const GROUP: usize = 4;
    const PIXELS: usize = 8;
    const GROUPS: usize = 1;
    const ONES: i32 = 0x0101_0101;

    #[inline(always)]
    fn stored_zero(zero_point: i8) -> i32 {
        i32::from(zero_point) + 128
    }

    #[inline(always)]
    fn zeros(zero_point: i8) -> i32 {
        i32::from_ne_bytes([zero_point as u8 ^ 0x80; 4])
    }

    #[inline(always)]
    fn splat(self, number: i32) -> __m512i {
        unsafe { _mm512_set1_epi32(number) }
    }

    #[inline(always)]
    fn dot(self, sums: __m512i, values: __m512i, weights: __m512i) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(sums, values, weights) }
    }

    #[inline(always)]
    fn dot_group<const GROUP: i32>(self, sums: __m512i, values: __m512i, weights: __m512i) -> __m512i {
        self.dot(sums, values, weights)
    }

    #[inline(always)]
    fn add(self, left: __m512i, right: __m512i) -> __m512i {
        unsafe { _mm512_add_epi32(left, right) }
    }

    #[inline(always)]
    fn multiply(self, left: __m512i, right: __m512i) -> __m512i {
        unsafe { _mm512_mullo_epi32(left, right) }
    }

    #[inline(always)]
    fn shift_left(self, vector: __m512i, by: __m512i) -> __m512i {
        unsafe { _mm512_sllv_epi32(vector, by) }
    }

    #[inline(always)]
    fn high_multiply(self, left: __m512i, right: __m512i) -> __m512i {
        unsafe {
            let half = _mm512_set1_epi64(1 << 30);
            let even = _mm512_add_epi64(_mm512_mul_epi32(left, right), half);
            let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(left), _mm512_srli_epi64::<32>(right));
            let odd = _mm512_slli_epi64::<1>(_mm512_add_epi64(odd, half));
            _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64::<31>(even), odd)
        }
    }

    #[inline(always)]
    fn short_high_multiply(self, left: __m512i, right: __m512i) -> __m512i {
        unsafe {
            // Doubled, the product has its upper half where it is wanted.
            let doubled = _mm512_add_epi32(left, left);
            let half = _mm512_set1_epi64(1 << 31);
            let even = _mm512_add_epi64(_mm512_mul_epi32(doubled, right), half);
            let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(doubled), _mm512_srli_epi64::<32>(right));
            let odd = _mm512_add_epi64(odd, half);
            // The upper halves of even products go down beside those of the odd ones.
            _mm512_mask_shuffle_epi32::<0b11_11_01_01>(odd, 0x5555, even)
        }
    }

    #[inline(always)]
    fn shift_right(self, vector: __m512i, by: __m512i) -> __m512i {
        unsafe { _mm512_srav_epi32(vector, by) }
    }

    #[inline(always)]
    fn signs(self, vector: __m512i) -> __m512i {
        unsafe { _mm512_srai_epi32::<31>(vector) }
    }

    #[inline(always)]
    fn rounding_divide(self, vector: __m512i, exponent: __m512i, mask: __m512i, half: __m512i) -> __m512i {
        unsafe {
            let threshold = _mm512_sub_epi32(half, _mm512_srai_epi32::<31>(vector));
            let up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(vector, mask), threshold);
            let quotient = _mm512_srav_epi32(vector, exponent);
            _mm512_mask_add_epi32(quotient, up, quotient, _mm512_set1_epi32(1))
        }
    }

    #[inline(always)]
    fn clamp(self, vector: __m512i, low: __m512i, high: __m512i) -> __m512i {
        unsafe { _mm512_min_epi32(_mm512_max_epi32(vector, low), high) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const i32) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_group(self, from: *const u8) -> __m512i {
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load_groups(self, from: *const u8) -> __m512i {
        unsafe { self.load_group(from) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const i8, count: usize) -> __m512i {
        unsafe { _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(lanes(count), from)) }
    }

    #[inline(always)]
    unsafe fn store(self, vector: __m512i, to: *mut i32) {
        unsafe { _mm512_storeu_si512(to.cast(), vector) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, vector: __m512i, to: *mut i8, count: usize) {
        unsafe {
            let bytes = _mm512_cvtepi32_epi8(vector);
            if count >= Self::LANES {
                _mm_storeu_si128(to.cast(), bytes);
            } else {
                _mm_mask_storeu_epi8(to, lanes(count), bytes);
            }
        }
    }

    #[inline(always)]
    unsafe fn widen(self, from: *const i8, count: usize, _zero_point: i8, to: *mut u8) {
        for start in (0..count).step_by(64) {
            unsafe {
                let mask = bytes(count - start);
                let values = _mm512_maskz_loadu_epi8(mask, from.add(start));
                let values = _mm512_xor_si512(values, _mm512_set1_epi8(i8::MIN));
                _mm512_mask_storeu_epi8(to.add(start).cast(), mask, values);
            }
        }
    }

    #[inline(always)]
    unsafe fn column(self, rows: [*const i8; MAX_GROUP], count: usize) -> __m512i {
        unsafe {
            let mut bytes = [self.splat(0); MAX_GROUP];
            for (bytes, row) in bytes.iter_mut().zip(rows) {
                *bytes = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes(count), row));
            }
            let [first, second, third, fourth] = bytes;
            let low = _mm512_or_si512(first, _mm512_slli_epi32::<8>(second));
            let high = _mm512_or_si512(_mm512_slli_epi32::<16>(third), _mm512_slli_epi32::<24>(fourth));
            _mm512_or_si512(low, high)
        }
    }

    #[inline(always)]
    fn stored(self, groups: __m512i, _zero_point: i8) -> __m512i {
        unsafe { _mm512_xor_si512(groups, _mm512_set1_epi8(i8::MIN)) }
    }

    #[inline(always)]
    unsafe fn pack(self, rows: [*const i8; MAX_LANES], length: usize, to: *mut u8, step: usize) -> __m512i {
        let ones = self.splat(Self::ONES);
        let mut sums = self.splat(0);
        for start in (0..length).step_by(64) {
            let mask = bytes(length - start);
            let mut vectors = [self.splat(0); MAX_LANES];
            for lane in 0..MAX_LANES {
                vectors[lane] = unsafe { _mm512_maskz_loadu_epi8(mask, rows[lane].add(start)) };
            }
            let vectors = self.transpose(vectors);
            let groups = (length - start).div_ceil(4);
            for group in 0..MAX_LANES {
                if group < groups {
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
    ) -> [__m512i; 2] {
        // SAFETY: The caller's values and weights.
        unsafe {
            if !with_weights {
                let [sums, _] = self.products(values, rows, count);
                return [self.add_lanes(sums), self.splat(0)];
            }
            // The registers hold both sums of eight rows.
            let [mut first, mut last] = [[values.cast(); 8]; 2];
            first.copy_from_slice(&rows[..8]);
            last.copy_from_slice(&rows[8..]);
            let [first, last] = [self.products(values, first, count), self.products(values, last, count)];
            let [mut sums, mut totals] = [[self.splat(0); MAX_LANES]; 2];
            for row in 0..8 {
                (sums[row], sums[row + 8]) = (first[0][row], last[0][row]);
                (totals[row], totals[row + 8]) = (first[1][row], last[1][row]);
            }
            [self.add_lanes(sums), self.add_lanes(totals)]
        }
    }
}
