//! The smallest application: one model, only its operators, neither pre- nor postprocessing, no text.
//!
//! The module `model` comes from `ocelli-build`, out of the artefact that `OCELLI_FIXED_ARTEFACT` names at build time.
//! QEMU's exit code says whether the model computes here what it should.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(target_os = "none", allow(unsafe_code))]

#[cfg(target_os = "none")]
mod firmware {
    use core::panic::PanicInfo;

    use cortex_m_rt::{ExceptionFrame, entry, exception};
    use ocelli::{Aligned, Artefact, Plan};
    use ocelli_qemu::console;

    mod model {
        include!(concat!(env!("OUT_DIR"), "/model.rs"));
    }

    #[entry]
    fn main() -> ! {
        // The entry attribute makes this a reference that exists once.
        static mut ARENA: Aligned<[u8; model::ARENA_BYTES]> = Aligned([0; model::ARENA_BYTES]);
        console::exit(self_test(&mut ARENA.0))
    }

    fn self_test(arena: &mut [u8]) -> bool {
        let Ok(artefact) = Artefact::parse_built(model::ARTEFACT, model::CHECKSUM) else { return false };
        let plan = Plan::new(&artefact, model::PROFILE, model::OPERATORS, arena);
        plan.is_ok_and(|mut plan| plan.self_test().is_ok())
    }

    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        console::exit(false)
    }

    #[exception]
    unsafe fn HardFault(_: &ExceptionFrame) -> ! {
        console::exit(false)
    }
}

/// On the host there is nothing to run.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is firmware for QEMU's Arm machines. `cargo xtask sizes` builds and runs it.");
    std::process::exit(2);
}
