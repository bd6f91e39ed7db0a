//! The types that activations may have: int8, and int16 where eight bits are too few.
//!
//! What both share is written once, over these traits.

/// A type of activations.
pub trait Activation: sealed::Sealed + Copy + Ord + Into<i32> {
    /// The smallest value.
    const LEAST: Self;
    /// Extra fraction bits of a sum of two.
    const ADD_LEFT_SHIFT: u32;
    /// Windows of an average have fewer pixels, so that their sum fits 31 bits.
    const POOL_PIXELS: usize;

    /// The lowest bits of a value that is in range.
    fn narrow(value: i32) -> Self;
}

impl Activation for i8 {
    const LEAST: i8 = i8::MIN;
    const ADD_LEFT_SHIFT: u32 = 20;
    const POOL_PIXELS: usize = 1 << 23;

    #[inline(always)]
    fn narrow(value: i32) -> i8 {
        value as i8
    }
}

impl Activation for i16 {
    const LEAST: i16 = i16::MIN;
    const ADD_LEFT_SHIFT: u32 = 15;
    const POOL_PIXELS: usize = 1 << 15;

    #[inline(always)]
    fn narrow(value: i32) -> i16 {
        value as i16
    }
}

/// A type of biases, and of the sums that they start: i32 for int8 activations, i64 for int16.
pub trait Sum: sealed::Sealed + Copy {
    /// The largest shift of a factor for such sums.
    const MAX_SHIFT: i8;
}

impl Sum for i32 {
    const MAX_SHIFT: i8 = crate::MAX_SHIFT;
}

impl Sum for i64 {
    const MAX_SHIFT: i8 = crate::MAX_WIDE_SHIFT;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i8 {}
    impl Sealed for i16 {}
    impl Sealed for i32 {}
    impl Sealed for i64 {}
}
