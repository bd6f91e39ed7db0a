//! Counts the instructions of a stage exactly, with a timer that ticks once in 31 to 50 of them.
//!
//! Under `-icount shift=0` an instruction takes one nanosecond of the machine's time. A tick of the counter
//! takes `n / m` nanoseconds (40/1 at 25 MHz, 125/4 at 32 MHz). Reading it `n` times at a spacing
//! without a common divisor with `n` meets every phase of the tick once, so the *sum* of the
//! readings is the time in units of `1 / m` nanosecond plus a constant (Hermite's identity). Two
//! such sums and one subtraction give a count that is right to the instruction.
#![allow(unsafe_code)]

use core::arch::asm;
use core::ptr;

use crate::machine::{CLOCK, CLOCK_HZ};

/// Counters that QEMU's machines have, 32 bits wide: they wrap after more than two minutes of machine time,
/// 134 thousand million instructions.
#[derive(Clone, Copy)]
pub enum Device {
    /// Arm's CMSDK APB timer, counting down.
    CmsdkTimer {
        /// Address of its first register.
        base: usize,
    },
    /// The system counter of Arm's SSE subsystems, counting up.
    SseCounter {
        /// Address of its control frame.
        base: usize,
    },
}

/// The running counter.
pub struct Clock {
    value: *const u32,
    counts_down: bool,
    overhead: u64,
}

impl Clock {
    /// Starts the machine's counter and learns what reading it costs.
    pub fn start() -> Clock {
        let (value, counts_down) = CLOCK.start();
        let mut clock = Clock { value, counts_down, overhead: 0 };
        clock.overhead = clock.measure(|| ()).1;
        clock
    }

    /// Runs `stage`; returns its result and the instructions it took.
    #[inline(never)]
    pub fn measure<T>(&self, stage: impl FnOnce() -> T) -> (T, u64) {
        let before = self.sum_of_readings();
        let result = stage();
        let after = self.sum_of_readings();
        let elapsed = if self.counts_down { before - after } else { after - before };
        (result, (elapsed / u64::from(UNITS_PER_NANOSECOND)).saturating_sub(self.overhead))
    }

    /// The time in units of `1 / UNITS_PER_NANOSECOND` nanosecond, from an arbitrary start.
    #[inline(never)]
    fn sum_of_readings(&self) -> u64 {
        let (low, high): (u32, u32);
        // SAFETY: `value` is a device register that may be read at any time; the loop touches nothing else.
        unsafe {
            asm!(
                "2:",
                "ldr {reading}, [{value}]",
                "adds {low}, {low}, {reading}",
                "adcs {high}, {high}, {zero}",
                "nop",
                "nop",
                "subs {left}, {left}, #1",
                "bne 2b",
                value = in(reg) self.value,
                zero = in(reg) 0,
                left = inout(reg) READINGS => _,
                low = inout(reg) 0u32 => low,
                high = inout(reg) 0u32 => high,
                reading = out(reg) _,
                options(nostack),
            );
        }
        u64::from(high) << 32 | u64::from(low)
    }
}

impl Device {
    /// Sets the counter going; returns its register and whether it counts down.
    fn start(self) -> (*const u32, bool) {
        // SAFETY: these are the device's registers on this machine, per board.toml, and nobody else uses them.
        unsafe {
            match self {
                Device::CmsdkTimer { base } => {
                    ptr::write_volatile((base + 0x8) as *mut u32, u32::MAX); // RELOAD
                    ptr::write_volatile((base + 0x4) as *mut u32, u32::MAX); // VALUE
                    ptr::write_volatile(base as *mut u32, 1); // CTRL: enable
                    ((base + 0x4) as *const u32, true)
                }
                Device::SseCounter { base } => {
                    ptr::write_volatile(base as *mut u32, 1); // CNTCR: enable
                    ((base + 0x8) as *const u32, false) // CNTCV, low word
                }
            }
        }
    }
}

const NANOSECONDS_PER_SECOND: u32 = 1_000_000_000;

/// `n`: readings in a sum.
const READINGS: u32 = NANOSECONDS_PER_SECOND / greatest_common_divisor(NANOSECONDS_PER_SECOND, CLOCK_HZ);

/// `m`: what a nanosecond adds to a sum.
const UNITS_PER_NANOSECOND: u32 = CLOCK_HZ / greatest_common_divisor(NANOSECONDS_PER_SECOND, CLOCK_HZ);

/// Instructions from one reading to the next in `sum_of_readings`.
const SPACING: u32 = 7;

const _: () = assert!(greatest_common_divisor(READINGS, SPACING) == 1);

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
