//! AVX2: eight lanes, of which each takes two products of signed halfwords at once.

use core::arch::x86_64::*;

use crate::arch::vector::level::{Level, MAX_GROUP, MAX_LANES, Work};

/// The instructions of AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// Runs a kernel.
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn run(work: impl Work) -> bool {
    work.run(Avx2(()))
}

impl Avx2 {
    /// Groups of the first two bytes of each lane, and of the other two.
    #[inline(always)]
    fn halves(self, quads: __m256i) -> [__m256i; 2] {
        // SAFETY: As for the trait below.
        unsafe {
            // Each byte goes to the upper half of a halfword, and is brought down with its sign.
            let first = _mm256_set1_epi64x(0x0504_0404_0100_0000_u64 as i64);
            let second = _mm256_set1_epi64x(0x0706_0606_0302_0202_u64 as i64);
            let upper = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0808_0808_0808_0808, 0));
            let (first, second) = (_mm256_add_epi8(first, upper), _mm256_add_epi8(second, upper));
            [
                _mm256_srai_epi16::<8>(_mm256_shuffle_epi8(quads, first)),
                _mm256_srai_epi16::<8>(_mm256_shuffle_epi8(quads, second)),
            ]
        }
    }

    /// The sum of the lanes of each vector: that of vector *i* goes to lane *i*.
    #[inline(always)]
    fn add_lanes(self, vectors: [__m256i; 8]) -> __m256i {
        let mut fours = [self.splat(0); 2];
        for four in 0..2 {
            let (a, b) = (vectors[4 * four], vectors[4 * four + 1]);
            let (c, d) = (vectors[4 * four + 2], vectors[4 * four + 3]);
            // SAFETY: As for the trait below; so are the others.
            unsafe {
                // Two lanes of each vector are left, then one, in either half.
                let low = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
                let high = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
                fours[four] =
                    _mm256_add_epi32(_mm256_unpacklo_epi64(low, high), _mm256_unpackhi_epi64(low, high));
            }
        }
        unsafe {
            let low = _mm256_permute2x128_si256::<0x20>(fours[0], fours[1]);
            let high = _mm256_permute2x128_si256::<0x31>(fours[0], fours[1]);
            _mm256_add_epi32(low, high)
        }
    }

    /// Rows become columns: lane *i* of vector *j* goes to lane *j* of vector *i*.
    #[inline(always)]
    fn transpose(self, rows: [__m256i; 8]) -> [__m256i; 8] {
        let mut halves = [self.splat(0); 8];
        for pair in 0..4 {
            let [first, second] = [rows[2 * pair], rows[2 * pair + 1]];
            // SAFETY: As for the trait below; so are the others.
            unsafe {
                halves[2 * pair] = _mm256_unpacklo_epi32(first, second);
                halves[2 * pair + 1] = _mm256_unpackhi_epi32(first, second);
            }
        }
        // Four rows of four lanes each, within either half of a vector.
        let mut fours = [self.splat(0); 8];
        for four in 0..2 {
            let start = 4 * four;
            unsafe {
                fours[start] = _mm256_unpacklo_epi64(halves[start], halves[start + 2]);
                fours[start + 1] = _mm256_unpackhi_epi64(halves[start], halves[start + 2]);
                fours[start + 2] = _mm256_unpacklo_epi64(halves[start + 1], halves[start + 3]);
                fours[start + 3] = _mm256_unpackhi_epi64(halves[start + 1], halves[start + 3]);
            }
        }
        let mut columns = [self.splat(0); 8];
        for lane in 0..4 {
            unsafe {
                columns[lane] = _mm256_permute2x128_si256::<0x20>(fours[lane], fours[lane + 4]);
                columns[lane + 4] = _mm256_permute2x128_si256::<0x31>(fours[lane], fours[lane + 4]);
            }
        }
        columns
    }
}

// SAFETY of every block here: the value `self` only exists inside `run`, on a processor with AVX2. Intrinsics that
// touch memory do so within what the method's contract states.
impl Level for Avx2 {
    type Vector = __m256i;

    const LANES: usize = 8;
    const GROUP: usize = 2;
    const PIXELS: usize = 4;
    const GROUPS: usize = 1;
    const ONES: i32 = 0x0001_0001;

    #[inline(always)]
    fn stored_zero(_zero_point: i8) -> i32 {
        0
    }

    #[inline(always)]
    fn zeros(_zero_point: i8) -> i32 {
        0
    }

    #[inline(always)]
    fn splat(self, number: i32) -> __m256i {
        unsafe { _mm256_set1_epi32(number) }
    }

    #[inline(always)]
    fn dot(self, sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(values, weights)) }
    }

    #[inline(always)]
    fn dot_group<const GROUP: i32>(self, sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        self.dot(sums, values, weights)
    }

    #[inline(always)]
    fn add(self, left: __m256i, right: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(left, right) }
    }

    #[inline(always)]
    fn multiply(self, left: __m256i, right: __m256i) -> __m256i {
        unsafe { _mm256_mullo_epi32(left, right) }
    }

    #[inline(always)]
    fn shift_left(self, vector: __m256i, by: __m256i) -> __m256i {
        unsafe { _mm256_sllv_epi32(vector, by) }
    }

    #[inline(always)]
    fn high_multiply(self, left: __m256i, right: __m256i) -> __m256i {
        unsafe {
            let half = _mm256_set1_epi64x(1 << 30);
            let even = _mm256_add_epi64(_mm256_mul_epi32(left, right), half);
            let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(left), _mm256_srli_epi64::<32>(right));
            let odd = _mm256_slli_epi64::<1>(_mm256_add_epi64(odd, half));
            _mm256_blend_epi32::<0xAA>(_mm256_srli_epi64::<31>(even), odd)
        }
    }

    #[inline(always)]
    fn short_high_multiply(self, left: __m256i, right: __m256i) -> __m256i {
        unsafe {
            // Doubled, the product has its upper half where it is wanted.
            let doubled = _mm256_add_epi32(left, left);
            let half = _mm256_set1_epi64x(1 << 31);
            let even = _mm256_add_epi64(_mm256_mul_epi32(doubled, right), half);
            let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(doubled), _mm256_srli_epi64::<32>(right));
            let odd = _mm256_add_epi64(odd, half);
            // The upper halves of even products go down beside those of the odd ones.
            _mm256_blend_epi32::<0xAA>(_mm256_srli_epi64::<32>(even), odd)
        }
    }

    #[inline(always)]
    fn shift_right(self, vector: __m256i, by: __m256i) -> __m256i {
        unsafe { _mm256_srav_epi32(vector, by) }
    }

    #[inline(always)]
    fn signs(self, vector: __m256i) -> __m256i {
        unsafe { _mm256_srai_epi32::<31>(vector) }
    }

    #[inline(always)]
    fn rounding_divide(self, vector: __m256i, exponent: __m256i, mask: __m256i, half: __m256i) -> __m256i {
        unsafe {
            let threshold = _mm256_sub_epi32(half, _mm256_srai_epi32::<31>(vector));
            let up = _mm256_cmpgt_epi32(_mm256_and_si256(vector, mask), threshold);
            _mm256_sub_epi32(_mm256_srav_epi32(vector, exponent), up)
        }
    }

    #[inline(always)]
    fn clamp(self, vector: __m256i, low: __m256i, high: __m256i) -> __m256i {
        unsafe { _mm256_min_epi32(_mm256_max_epi32(vector, low), high) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const i32) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_group(self, from: *const u8) -> __m256i {
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load_groups(self, from: *const u8) -> __m256i {
        unsafe { self.load_group(from) }
    }

    #[inline(always)]
    unsafe fn load_bytes(self, from: *const i8, count: usize) -> __m256i {
        unsafe {
            let mut copy = [0i8; 8];
            let from = if count >= Self::LANES {
                from
            } else {
                for (index, byte) in copy[..count].iter_mut().enumerate() {
                    *byte = from.add(index).read();
                }
                copy.as_ptr()
            };
            _mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast()))
        }
    }

    #[inline(always)]
    unsafe fn store(self, vector: __m256i, to: *mut i32) {
        unsafe { _mm256_storeu_si256(to.cast(), vector) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, vector: __m256i, to: *mut i8, count: usize) {
        unsafe {
            // The low byte of each lane, to the front of each half.
            let order = _mm256_broadcastsi128_si256(_mm_set_epi64x(-1, 0xFFFF_FFFF_0C08_0400_u64 as i64));
            let four = _mm256_shuffle_epi8(vector, order);
            let upper = _mm256_extracti128_si256::<1>(four);
            let eight = _mm_unpacklo_epi32(_mm256_castsi256_si128(four), upper);
            let packed = _mm_cvtsi128_si64(eight);
            if count >= Self::LANES {
                to.cast::<i64>().write_unaligned(packed);
            } else {
                for (index, byte) in packed.to_le_bytes()[..count].iter().enumerate() {
                    to.add(index).write(*byte as i8);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn widen(self, from: *const i8, count: usize, zero_point: i8, to: *mut u8) {
        let (blocks, zero) = (count / 16, i16::from(zero_point));
        let to = to.cast::<i16>();
        unsafe {
            for start in (0..blocks).map(|block| 16 * block) {
                let values = _mm256_cvtepi8_epi16(_mm_loadu_si128(from.add(start).cast()));
                let values = _mm256_sub_epi16(values, _mm256_set1_epi16(zero));
                _mm256_storeu_si256(to.add(start).cast(), values);
            }
            for index in 16 * blocks..count {
                to.add(index).write_unaligned(i16::from(from.add(index).read()) - zero);
            }
        }
    }

    #[inline(always)]
    unsafe fn column(self, rows: [*const i8; MAX_GROUP], count: usize) -> __m256i {
        unsafe {
            let [low, high] = [self.load_bytes(rows[0], count), self.load_bytes(rows[1], count)];
            _mm256_blend_epi16::<0xAA>(low, _mm256_slli_epi32::<16>(high))
        }
    }

    #[inline(always)]
    fn stored(self, groups: __m256i, zero_point: i8) -> __m256i {
        unsafe { _mm256_sub_epi16(groups, _mm256_set1_epi16(i16::from(zero_point))) }
    }

    #[inline(always)]
    unsafe fn pack(self, rows: [*const i8; MAX_LANES], length: usize, to: *mut u8, step: usize) -> __m256i {
        let ones = self.splat(Self::ONES);
        let mut sums = self.splat(0);
        for start in (0..length).step_by(32) {
            let count = (length - start).min(32);
            let mut vectors = [self.splat(0); 8];
            for (vector, row) in vectors.iter_mut().zip(rows) {
                unsafe {
                    let mut last = [0i8; 32];
                    let from = if count == 32 {
                        row.add(start)
                    } else {
                        last.as_mut_ptr().copy_from_nonoverlapping(row.add(start), count);
                        last.as_ptr()
                    };
                    *vector = _mm256_loadu_si256(from.cast());
                }
            }
            let groups = count.div_ceil(2);
            let vectors = self.transpose(vectors);
            for quad in 0..8 {
                let [first, second] = self.halves(vectors[quad]);
                for (group, weights) in [(2 * quad, first), (2 * quad + 1, second)] {
                    if group < groups {
                        unsafe { self.store(weights, to.add((start / 2 + group) * step).cast()) };
                        sums = self.dot(sums, ones, weights);
                    }
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
        _with_weights: bool,
    ) -> [__m256i; 2] {
        let values = values.cast::<i16>();
        let mut sums = [self.splat(0); 8];
        let whole = count / 16 * 16;
        unsafe {
            for start in (0..whole).step_by(16) {
                let values = _mm256_loadu_si256(values.add(start).cast());
                for lane in 0..8 {
                    let weights = _mm256_cvtepi8_epi16(_mm_loadu_si128(rows[lane].add(start).cast()));
                    sums[lane] = self.dot(sums[lane], values, weights);
                }
            }
            if whole < count {
                let rest = count - whole;
                let mut last = [0i16; 16];
                last.as_mut_ptr().copy_from_nonoverlapping(values.add(whole), rest);
                let values = _mm256_loadu_si256(last.as_ptr().cast());
                for lane in 0..8 {
                    let mut last = [0i8; 16];
                    last.as_mut_ptr().copy_from_nonoverlapping(rows[lane].add(whole), rest);
                    let weights = _mm256_cvtepi8_epi16(_mm_loadu_si128(last.as_ptr().cast()));
                    sums[lane] = self.dot(sums[lane], values, weights);
                }
            }
        }
        // Widened values have no stored zeros.
        [self.add_lanes(sums), self.splat(0)]
    }
}
