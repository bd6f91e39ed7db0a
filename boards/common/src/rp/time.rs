//! The clock as the HAL asks for it: its bus drivers look at the time to give up on a bus that is held low.

use core::task::Waker;

use embassy_time_driver::{Driver, time_driver_impl};

use crate::device::clock;

struct SystemClock;

impl Driver for SystemClock {
    fn now(&self) -> u64 {
        clock::now_us()
    }

    /// Nothing here waits in the manner of futures.
    fn schedule_wake(&self, _: u64, waker: &Waker) {
        waker.wake_by_ref();
    }
}

time_driver_impl!(static CLOCK: SystemClock = SystemClock);
