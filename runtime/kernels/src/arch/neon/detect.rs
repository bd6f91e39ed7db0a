//! Whether this processor has dot products.

use super::lanes;
use crate::arch::selection::Selection;
use crate::arch::vector::level::Work;

static SELECTION: Selection = Selection::new(&["neon-dotprod", "neon", "reference"], best);

/// The backends that this processor can run, best first.
pub fn available_backends() -> &'static [&'static str] {
    SELECTION.available()
}

/// The backend that runs.
pub fn backend() -> &'static str {
    SELECTION.name()
}

/// Runs one of [`available_backends`] from now on, on every thread; `false` for another name.
pub fn use_backend(name: &str) -> bool {
    SELECTION.choose(name)
}

/// Runs a kernel on the level in use; whether there is one, and it had a way to.
pub(in crate::arch) fn run(work: impl Work) -> bool {
    // SAFETY: The selection is never better than `best`, so the processor has the instructions.
    match SELECTION.index() {
        0 => unsafe { lanes::run::<true>(work) },
        1 => unsafe { lanes::run::<false>(work) },
        _ => false,
    }
}

/// The best level. NEON is part of the target.
///
/// Source: Arm Architecture Reference Manual for A-profile, ID_AA64ISAR0_EL1, field DP.
fn best() -> usize {
    if cfg!(target_feature = "dotprod") {
        return 0;
    }
    #[cfg(target_os = "linux")]
    {
        let features: u64;
        // SAFETY: Linux lets programs read this register, and has since 4.11. It changes nothing.
        unsafe {
            core::arch::asm!("mrs {}, id_aa64isar0_el1", out(reg) features, options(nomem, nostack, preserves_flags));
        }
        if features >> 44 & 0xF != 0 {
            return 0;
        }
    }
    1
}
