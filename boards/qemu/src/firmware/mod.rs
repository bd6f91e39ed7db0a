//! Entry point, fault and panic handlers of the generic firmware.

mod instruments;

use core::fmt;
use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, entry, exception};
use ocelli_qemu::clock::Clock;
use ocelli_qemu::job::{Job, JobError};
use ocelli_qemu::{console, fact, machine};

#[entry]
fn main() -> ! {
    fact!("machine {}", machine::NAME);
    let clock = Clock::start();
    // SAFETY: RAM of this machine, per board.toml, that only QEMU's loader writes, before the start.
    let memory =
        unsafe { core::slice::from_raw_parts(machine::JOB_ADDRESS as *const u8, machine::JOB_BYTES) };
    match Job::read(memory) {
        Err(JobError::Missing) => instruments::check(&clock),
        Err(error) => console::fail(format_args!("{error}")),
        Ok(_) => {}
    }
    console::exit(true)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    console::fail(format_args!("{info}"))
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    console::fail(format_args!("hard fault: {}", Fault(frame)))
}

struct Fault<'a>(&'a ExceptionFrame);

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pc {:#010x} lr {:#010x}", self.0.pc(), self.0.lr())
    }
}
