//! What a kernel needs of an instruction set: vectors of 32-bit numbers, and products of small groups.

/// Bytes that one lane of a vector has room for: a sum, or the values of a group.
pub(in crate::arch) const GROUP_BYTES: usize = 4;

/// The most values of a group of any level.
pub(in crate::arch) const MAX_GROUP: usize = 4;

/// The most lanes of any level.
pub(in crate::arch) const MAX_LANES: usize = 16;

/// The instructions of one level of an instruction set. A value of such a type exists only where the processor has them.
///
/// Methods without `unsafe` compute on registers. Those with it read or write as many elements as they say from
/// the address on, which the caller answers for; no address needs to be aligned.
pub(in crate::arch) trait Level: Copy {
    /// A register of [`Level::LANES`] numbers of 32 bits.
    type Vector: Copy;

    /// Lanes of a vector.
    const LANES: usize;

    /// Values of a group, whose products one instruction adds up; together [`GROUP_BYTES`].
    const GROUP: usize;

    /// Pixels whose sums fit the registers beside each other, with two vectors each.
    const PIXELS: usize;

    /// Groups that one load of values brings, 1 or 4; each meets the weights of every lane.
    const GROUPS: usize;

    /// A group of ones.
    const ONES: i32;

    /// What a value that stands for 0 becomes in a group.
    fn stored_zero(zero_point: i8) -> i32;

    /// A group of it.
    fn zeros(zero_point: i8) -> i32;

    /// A number in every lane.
    fn splat(self, number: i32) -> Self::Vector;

    /// `sums`, and for each lane the products of its group of values and its group of weights.
    fn dot(self, sums: Self::Vector, values: Self::Vector, weights: Self::Vector) -> Self::Vector;

    /// The same with one group of `values` for every lane: number `GROUP` of those that [`Level::load_groups`] loads.
    fn dot_group<const GROUP: i32>(
        self,
        sums: Self::Vector,
        values: Self::Vector,
        weights: Self::Vector,
    ) -> Self::Vector;

    /// Lane by lane, wrapping.
    fn add(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// The low halves of the products, lane by lane.
    fn multiply(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// Each lane shifted left by the number in the other's, 0 to 31.
    fn shift_left(self, vector: Self::Vector, by: Self::Vector) -> Self::Vector;

    /// `(2 * left * right + 2^31) / 2^32` rounded down: the doubling high multiply of the contract.
    fn high_multiply(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// The same for left operands of a magnitude below 2^30.
    fn short_high_multiply(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// Each lane shifted right by the number in the other's, 0 to 31, with its sign.
    fn shift_right(self, vector: Self::Vector, by: Self::Vector) -> Self::Vector;

    /// -1 for negative lanes, otherwise 0.
    fn signs(self, vector: Self::Vector) -> Self::Vector;

    /// Each lane divided by two to the power of `exponent`'s, halves away from zero. `mask` has that many ones,
    /// and `half` one less.
    fn rounding_divide(
        self,
        vector: Self::Vector,
        exponent: Self::Vector,
        mask: Self::Vector,
        half: Self::Vector,
    ) -> Self::Vector;

    /// Each lane limited to the range.
    fn clamp(self, vector: Self::Vector, low: Self::Vector, high: Self::Vector) -> Self::Vector;

    /// [`Level::LANES`] numbers.
    unsafe fn load(self, from: *const i32) -> Self::Vector;

    /// One group in every lane: [`GROUP_BYTES`] are read.
    unsafe fn load_group(self, from: *const u8) -> Self::Vector;

    /// [`Level::GROUPS`] neighbouring groups.
    unsafe fn load_groups(self, from: *const u8) -> Self::Vector;

    /// `count` bytes, at most [`Level::LANES`], widened with their signs; what other lanes hold is unspecified.
    unsafe fn load_bytes(self, from: *const i8, count: usize) -> Self::Vector;

    /// [`Level::LANES`] numbers.
    unsafe fn store(self, vector: Self::Vector, to: *mut i32);

    /// The low bytes of `count` lanes, at most [`Level::LANES`].
    unsafe fn store_bytes(self, vector: Self::Vector, to: *mut i8, count: usize);

    /// Brings `count` values into the form that products take them in: `count * GROUP_BYTES / GROUP` bytes.
    unsafe fn widen(self, from: *const i8, count: usize, zero_point: i8, to: *mut u8);

    /// A group for each of `count` lanes, at most [`Level::LANES`], from the first [`Level::GROUP`] rows: lane *i* takes
    /// value *i* of each. What other lanes hold is unspecified.
    unsafe fn column(self, rows: [*const i8; MAX_GROUP], count: usize) -> Self::Vector;

    /// Groups of signed values in the form that [`Level::widen`] makes.
    fn stored(self, groups: Self::Vector, zero_point: i8) -> Self::Vector;

    /// Lays `length` weights of each row into groups at `to`, one vector of groups `step` bytes behind the other;
    /// a group that is not full ends with zeros. Lane *i* takes row *i*. Gives the sum of each lane's weights.
    unsafe fn pack(
        self,
        rows: [*const i8; MAX_LANES],
        length: usize,
        to: *mut u8,
        step: usize,
    ) -> Self::Vector;

    /// For each lane the sum of the products of `count` values in the form of [`Level::widen`] with the weights of its
    /// row; and the sum of the row's weights if they are asked for, else anything.
    unsafe fn dot_rows(
        self,
        values: *const u8,
        rows: [*const i8; MAX_LANES],
        count: usize,
        with_weights: bool,
    ) -> [Self::Vector; 2];
}

/// A kernel that any level can run.
pub(in crate::arch) trait Work {
    /// Runs it; whether the level had a way to.
    fn run<L: Level>(self, level: L) -> bool;
}
