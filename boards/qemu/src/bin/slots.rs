//! Firmware with model slots: boots the confirmed model or the one on trial, and takes new ones over the serial port.
//!
//! What a device with a camera does between two pushes is left out: the self-test at boot is the run that a new
//! model has to pass before it is confirmed. `ocelli push --port` talks to it.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(target_os = "none", allow(unsafe_code))]

#[cfg(target_os = "none")]
mod firmware {
    //! Entry point, policy and panic handler.

    use core::panic::PanicInfo;
    use core::slice;

    use cortex_m::peripheral::SCB;
    use cortex_m_rt::{ExceptionFrame, entry, exception};
    use ocelli::{Aligned, operators};
    use ocelli_boards::Port;
    use ocelli_boards::field::{Ended, answer};
    use ocelli_qemu::ram_flash::RamFlash;
    use ocelli_qemu::stack::StackGauge;
    use ocelli_qemu::uart::Uart;
    use ocelli_qemu::{console, fact, machine};
    use ocelli_slots::link::Receiver;
    use ocelli_slots::{Device, Layout, NorStorage, PublicKey, Region, Slots};

    /// The one whose models are taken, named by `OCELLI_KEY` at build time.
    const KEYS: [PublicKey; 1] = [PublicKey::from_hex(include_str!(env!("OCELLI_KEY"))).unwrap()];

    const DEVICE: Device<'static> = Device {
        board: machine::NAME,
        keys: &KEYS,
        profile: "portable",
        operators: operators::ALL,
        attempts: 1,
    };

    const SLOT_BYTES: u32 = 1 << 20;
    const STATE_BYTES: u32 = 2 * 4096;

    const LAYOUT: Layout = Layout {
        slots: [
            Region { offset: STATE_BYTES, bytes: SLOT_BYTES },
            Region { offset: STATE_BYTES + SLOT_BYTES, bytes: SLOT_BYTES },
        ],
        state: Region { offset: 0, bytes: STATE_BYTES },
    };

    #[entry]
    fn main() -> ! {
        // The entry attribute makes this a reference that exists once.
        static mut ARENA: Aligned<[u8; machine::ARENA_BYTES]> = Aligned([0; machine::ARENA_BYTES]);

        let gauge = StackGauge::paint();
        // SAFETY: RAM of this machine, per board.toml, that nothing else uses in this program.
        let memory =
            unsafe { slice::from_raw_parts_mut(machine::JOB_ADDRESS as *mut u8, machine::JOB_BYTES) };
        let storage = match NorStorage::new(RamFlash(memory), LAYOUT) {
            Ok(storage) => storage,
            Err(error) => console::fail(format_args!("{error}")),
        };
        let mut slots = match Slots::open(storage, DEVICE) {
            Ok(slots) => slots,
            Err(error) => console::fail(format_args!("{error}")),
        };
        match slots.boot(&mut ARENA.0) {
            Ok(booted) => {
                fact!("booted {} {}", booted.release, if booted.on_trial { "trial" } else { "confirmed" });
                if let Err(error) = slots.confirm() {
                    console::fail(format_args!("{error}"));
                }
            }
            Err(error) => fact!("empty {error}"),
        }
        let (mut port, mut receiver) = (SerialPort(Uart::start()), Receiver::new());
        fact!("listening {}", slots.state().floor);
        if answer(&mut port, &mut receiver, &mut slots, &mut ARENA.0) == Ended::Staged {
            fact!("stack_bytes {}", gauge.used_bytes());
            fact!("staged");
        }
        SCB::sys_reset()
    }

    /// The serial port of a device that has nothing else to do: time stands still, so it never stops listening.
    struct SerialPort(Uart);

    impl Port for SerialPort {
        fn now_us(&self) -> u64 {
            0
        }

        fn feed_watchdog(&mut self) {}

        fn receive(&mut self) -> Option<u8> {
            self.0.receive()
        }

        fn send(&mut self, bytes: &[u8]) {
            self.0.send(bytes);
        }
    }

    #[panic_handler]
    fn panic(info: &PanicInfo<'_>) -> ! {
        console::fail(format_args!("{info}"))
    }

    #[exception]
    unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
        console::fail(format_args!("hard fault at {:#010x}", frame.pc()))
    }
}

/// On the host there is nothing to run.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is firmware for QEMU's Arm machines. `cargo xtask qemu` runs it.");
    std::process::exit(2);
}
