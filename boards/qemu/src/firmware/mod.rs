//! Entry point, fault and panic handlers of the generic firmware.

mod bench;

mod instruments;

use core::fmt;
use core::panic::PanicInfo;
use core::slice;

use cortex_m_rt::{ExceptionFrame, entry, exception};
use ocelli::Aligned;
use ocelli_qemu::clock::Clock;
use ocelli_qemu::job::{Job, JobError};
use ocelli_qemu::session::{self, SCRATCH_WORDS};
use ocelli_qemu::{console, fact, machine};

use bench::MachineBench;

#[entry]
fn main() -> ! {
    // The entry attribute makes these references that exist once.
    static mut ARENA: Aligned<[u8; machine::ARENA_BYTES]> = Aligned([0; machine::ARENA_BYTES]);
    static mut SCRATCH: [u32; SCRATCH_WORDS] = [0; SCRATCH_WORDS];

    fact!("machine {}", machine::NAME);
    let clock = Clock::start();
    // SAFETY: RAM of this machine, per board.toml, that only QEMU's loader writes, before the start.
    let memory = unsafe { slice::from_raw_parts(machine::JOB_ADDRESS as *const u8, machine::JOB_BYTES) };
    match Job::read(memory) {
        Err(JobError::Missing) => instruments::check(&clock),
        Err(error) => console::fail(format_args!("{error}")),
        Ok(job) => {
            let mut bench = MachineBench::new(&clock);
            if let Err(error) = session::run(&job, machine::PROFILE, &mut ARENA.0, SCRATCH, &mut bench) {
                console::fail(format_args!("{error}"));
            }
        }
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
