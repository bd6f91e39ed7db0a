//! Firmware that runs what the host tests on the machine: the properties of this core's backend against the oracle,
//! and the tracker's scenario, which must have the host's hash.
//!
//! The same files as in `cargo test -p ocelli-kernels -p ocelli-vision`. Prints the number of cases of each operator, and
//! what following a frame's boxes takes.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(target_os = "none", allow(unsafe_code))]

extern crate alloc;

#[cfg(target_os = "none")]
#[path = "../../../../runtime/kernels/tests/kernels/suite/mod.rs"]
mod suite;

#[cfg(target_os = "none")]
#[path = "../../../../runtime/vision/tests/tracker/scenario.rs"]
mod scenario;

#[cfg(target_os = "none")]
mod firmware {
    //! Entry point, heap and handlers.

    use core::alloc::{GlobalAlloc, Layout};
    use core::panic::PanicInfo;
    use core::ptr;
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use cortex_m_rt::{ExceptionFrame, entry, exception};
    use ocelli_qemu::clock::Clock;
    use ocelli_qemu::{console, fact, machine};

    use crate::scenario;

    /// Cases of each operator: the first of those that run on the host.
    const CASES: usize = 600;

    const HEAP_BYTES: usize = 1 << 20;

    #[repr(align(16))]
    struct Memory(#[allow(dead_code)] [u8; HEAP_BYTES]);

    static mut MEMORY: Memory = Memory([0; HEAP_BYTES]);

    #[global_allocator]
    static HEAP: Heap = Heap { used_bytes: AtomicUsize::new(0), blocks: AtomicUsize::new(0) };

    /// A stack of blocks: the last one can grow and be freed, the others wait until all are free.
    struct Heap {
        used_bytes: AtomicUsize,
        blocks: AtomicUsize,
    }

    // SAFETY: Blocks lie behind each other in `MEMORY`, aligned as asked, and no byte of a living block is given
    // out again: `used_bytes` falls only below a block that is freed. There is one thread and no interrupt.
    unsafe impl GlobalAlloc for Heap {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let memory = &raw mut MEMORY as *mut u8;
            let address = memory.wrapping_add(self.used_bytes.load(Relaxed));
            let block = address.wrapping_add(address.align_offset(layout.align()));
            let end = block.addr() + layout.size() - memory.addr();
            if end > HEAP_BYTES {
                return ptr::null_mut();
            }
            self.used_bytes.store(end, Relaxed);
            self.blocks.store(self.blocks.load(Relaxed) + 1, Relaxed);
            block
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            let start = block.addr() - (&raw const MEMORY).addr();
            let blocks = self.blocks.load(Relaxed) - 1;
            self.blocks.store(blocks, Relaxed);
            if blocks == 0 {
                self.used_bytes.store(0, Relaxed);
            } else if start + layout.size() == self.used_bytes.load(Relaxed) {
                self.used_bytes.store(start, Relaxed);
            }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
            let start = block.addr() - (&raw const MEMORY).addr();
            if start + layout.size() == self.used_bytes.load(Relaxed) && start + new_size <= HEAP_BYTES {
                self.used_bytes.store(start + new_size, Relaxed);
                return block;
            }
            // SAFETY: The caller's size, not 0, and alignment make a layout, and the old block is the caller's.
            unsafe {
                let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
                if !new.is_null() {
                    ptr::copy_nonoverlapping(block, new, layout.size().min(new_size));
                    self.dealloc(block, layout);
                }
                new
            }
        }
    }

    /// Turns a floating-point unit on. Oracles compute with floats, and the compiler makes use of the unit that a core has
    /// even where the calling convention has none, for which start-up would turn it on.
    fn enable_floats() {
        const CPACR: *mut u32 = 0xE000_ED88 as *mut u32;
        const FULL_ACCESS: u32 = 0b1111 << 20;
        // SAFETY: The register of every Armv7-M and Armv8-M core that says who may use coprocessors 10 and 11; where there
        // is no unit it keeps nothing. Nothing has computed with floats before.
        unsafe { CPACR.write_volatile(CPACR.read_volatile() | FULL_ACCESS) };
        cortex_m::asm::dsb();
        cortex_m::asm::isb();
    }

    #[entry]
    fn main() -> ! {
        enable_floats();
        fact!("machine {}", machine::NAME);
        fact!("backend {}", ocelli_kernels::backend());
        for (operator, property) in crate::suite::PROPERTIES {
            fact!("cases {operator} {}", property(CASES));
        }
        let (clock, mut instructions) = (Clock::start(), 0);
        let (hash, tracks) = scenario::run(|update| instructions += clock.measure(update).1);
        if hash != scenario::HASH {
            console::fail(format_args!(
                "the tracks have the hash {hash:#010x}, on the host {:#010x}",
                scenario::HASH
            ));
        }
        let each = instructions / u64::from(scenario::FRAMES);
        fact!("tracks {hash:08x}, {tracks} identities, {each} instructions a frame");
        console::exit(true)
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
    eprintln!("This is firmware for QEMU's Arm machines. On the host, run `cargo test -p ocelli-kernels`.");
    std::process::exit(2);
}
