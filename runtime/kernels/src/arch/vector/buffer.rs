//! Working memory of a kernel, on the stack.

use core::mem::MaybeUninit;

/// Bytes for widened values, and for packed weights: each fits a first-level cache and two threads' stacks.
pub(super) const BUFFER_BYTES: usize = 1 << 16;

/// Bytes that nobody has written yet, on a cache line.
#[repr(C, align(64))]
pub(super) struct Buffer(MaybeUninit<[u8; BUFFER_BYTES]>);

impl Buffer {
    /// Writes nothing, so it costs nothing.
    #[inline(always)]
    pub(super) const fn new() -> Buffer {
        Buffer(MaybeUninit::uninit())
    }

    /// Its first byte.
    #[inline(always)]
    pub(super) fn start(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}
