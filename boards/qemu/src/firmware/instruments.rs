//! Checks the instruction counter against loops of known length, and the stack gauge against a known depth.

use core::arch::asm;
use core::hint::black_box;

use ocelli_qemu::clock::Clock;
use ocelli_qemu::stack::StackGauge;
use ocelli_qemu::{console, fact};

/// Prints `instruments ok`, or the first wrong reading as an error.
pub fn check(clock: &Clock) {
    // One closure, so that all calls are the same code.
    let count = |turns: u32| clock.measure(|| count_down(turns)).1;
    let call = count(black_box(0));
    for turns in [1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 1000, 1_000_000] {
        let counted = count(turns);
        let expected = call + 3 * u64::from(turns);
        if counted != expected {
            console::fail(format_args!(
                "counted {counted} instructions of {expected} in a loop of {turns} turns"
            ));
        }
    }
    let depth_of = |touch: fn()| {
        let gauge = StackGauge::paint();
        touch();
        gauge.used_bytes()
    };
    let (shallow, deep) = (depth_of(touch::<64>), depth_of(touch::<1088>));
    if deep.wrapping_sub(shallow) != 1024 {
        console::fail(format_args!("the stack gauge reads {shallow} and {deep}, which should be 1024 apart"));
    }
    fact!("instruments ok");
}

/// Three instructions a turn, and as many for no turn as for the call of any other.
#[inline(never)]
fn count_down(turns: u32) {
    // SAFETY: touches nothing but its register.
    unsafe {
        asm!(
            "cmp {turns}, #0",
            "beq 3f",
            "2:",
            "nop",
            "subs {turns}, {turns}, #1",
            "bne 2b",
            "3:",
            turns = inout(reg) turns => _,
            options(nostack),
        );
    }
}

/// Uses `BYTES` of stack and a frame.
#[inline(never)]
fn touch<const BYTES: usize>() {
    let mut bytes = [0x5Au8; BYTES];
    black_box(&mut bytes);
}
