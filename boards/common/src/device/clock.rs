//! Time from the system timer that every Cortex-M has, and a tick for whoever watches for timeouts.

use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;
use embedded_hal::delay::DelayNs;

/// Only the handler writes it, so loads and stores suffice.
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

static CYCLES_PER_US: AtomicU32 = AtomicU32::new(1);

static TICK: Mutex<Cell<fn(u64)>> = Mutex::new(Cell::new(|_| ()));

/// Starts the clock of a core that runs at `core_hz`, a multiple of 1 MHz below 16 GHz.
pub fn start(mut timer: SYST, core_hz: u32) {
    CYCLES_PER_US.store(core_hz / 1_000_000, Relaxed);
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(core_hz / 1000 - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// From now on `tick` runs a thousand times a second, with the time.
pub fn on_tick(tick: fn(u64)) {
    critical_section::with(|token| TICK.borrow(token).set(tick));
}

/// Microseconds since the start; good for 49 days.
pub fn now_us() -> u64 {
    let cycles_per_us = CYCLES_PER_US.load(Relaxed);
    loop {
        let milliseconds = MILLISECONDS.load(Relaxed);
        // A millisecond that is over, but whose handler has to wait, counts.
        let before = SCB::is_pendst_pending();
        let cycles = SYST::get_reload() - SYST::get_current();
        if MILLISECONDS.load(Relaxed) == milliseconds && SCB::is_pendst_pending() == before {
            let whole = u64::from(milliseconds) + u64::from(before);
            return whole * 1000 + u64::from(cycles / cycles_per_us);
        }
    }
}

#[exception]
fn SysTick() {
    MILLISECONDS.store(MILLISECONDS.load(Relaxed).wrapping_add(1), Relaxed);
    let tick = critical_section::with(|token| TICK.borrow(token).get());
    tick(now_us());
}

/// Waits by counting cycles, for sensors that start.
#[derive(Clone, Copy, Debug)]
pub struct Delay;

impl DelayNs for Delay {
    fn delay_ns(&mut self, nanoseconds: u32) {
        cortex_m::asm::delay(CYCLES_PER_US.load(Relaxed) * nanoseconds.div_ceil(1000));
    }
}
