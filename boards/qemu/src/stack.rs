//! The stack high-water mark of a stage: paint what lies below, run, look how far the paint is gone.
#![allow(unsafe_code)]

use core::ptr;

/// A pattern that code rarely leaves on the stack by itself.
const PAINT: u32 = 0xC5C5_C5C5;

unsafe extern "C" {
    /// From `memory.x`: the lowest address of the stack.
    static _stack_limit: u32;
}

/// Runs `stage`; returns its result and the bytes of stack that it took, this function's frame included.
#[inline(never)]
pub fn measure<T>(stage: impl FnOnce() -> T) -> (T, usize) {
    let limit = &raw const _stack_limit as usize;
    let top = cortex_m::register::msp::read() as usize;
    let mut address = limit;
    while address < top {
        // SAFETY: `address` is aligned and lies in the stack region below the stack pointer, where
        // nothing lives: interrupts are off, and this loop calls nothing.
        unsafe { ptr::write_volatile(address as *mut u32, PAINT) };
        address += 4;
    }
    let result = stage();
    let mut address = limit;
    // SAFETY: as above; reading words of the stack region that were written just before.
    while address < top && unsafe { ptr::read_volatile(address as *const u32) } == PAINT {
        address += 4;
    }
    (result, top - address)
}
