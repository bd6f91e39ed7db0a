//! The stack high-water mark: paint what lies below, run, look how far the paint is gone.
#![allow(unsafe_code)]

use core::arch::asm;
use core::ptr;

/// A pattern that code rarely leaves on the stack by itself.
const PAINT: u32 = 0xC5C5_C5C5;

unsafe extern "C" {
    /// From `memory.x`: the lowest address of the stack.
    static _stack_end: u32;
}

/// The stack below the place where it was painted.
pub struct StackGauge {
    top: usize,
}

impl StackGauge {
    /// Paints everything below the caller's stack.
    #[inline(never)]
    pub fn paint() -> StackGauge {
        let top: usize;
        // SAFETY: the words between the end of the stack and the stack pointer, where nothing lives: interrupts are
        // off. One block, so that the stack pointer cannot move between reading it and painting.
        unsafe {
            asm!(
                "mov {top}, sp",
                "b 3f",
                "2:",
                "str {paint}, [{address}]",
                "adds {address}, {address}, #4",
                "3:",
                "cmp {address}, {top}",
                "blo 2b",
                top = out(reg) top,
                paint = in(reg) PAINT,
                address = inout(reg) limit() => _,
            );
        }
        StackGauge { top }
    }

    /// The deepest use of the stack since it was painted.
    #[inline(never)]
    pub fn used_bytes(&self) -> usize {
        let mut address = limit();
        // SAFETY: words of the stack region, which `paint` has written.
        while address < self.top && unsafe { ptr::read_volatile(address as *const u32) } == PAINT {
            address += 4;
        }
        self.top - address
    }
}

fn limit() -> usize {
    (&raw const _stack_end).addr()
}
