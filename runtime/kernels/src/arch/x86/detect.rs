//! Which level this processor has, and which one is used.

use super::{avx2, avx512_vnni};
use crate::arch::selection::Selection;
use crate::arch::vector::level::Work;
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

static SELECTION: Selection = Selection::new(&["x86-avx512-vnni", "x86-avx2", "reference"], best);

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
    // SAFETY: The selection is never better than `best`, so the processor has the features.
    match SELECTION.index() {
        0 => unsafe { avx512_vnni::run(work) },
        1 => unsafe { avx2::run(work) },
        _ => false,
    }
}

/// The best level: instructions that the processor has, in registers that the system saves.
///
/// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 14.3 and 15.2.
fn best() -> usize {
    const OSXSAVE: u32 = 1 << 27;
    const AVX_STATE: u64 = 0b110;
    const AVX512_STATE: u64 = 0b1110_0110;
    const AVX2: u32 = 1 << 5;
    /// F, BW, VL.
    const AVX512: u32 = 1 << 16 | 1 << 30 | 1 << 31;
    const VNNI: u32 = 1 << 11;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 {
        return 2;
    }
    // SAFETY: OSXSAVE says that the system has switched XGETBV on.
    let state = unsafe { extended_state() };
    let features = __cpuid_count(7, 0);
    if state & AVX_STATE != AVX_STATE || features.ebx & AVX2 == 0 {
        return 2;
    }
    let has_avx512 = features.ebx & AVX512 == AVX512 && features.ecx & VNNI != 0;
    if has_avx512 && state & AVX512_STATE == AVX512_STATE { 0 } else { 1 }
}

/// Registers that the system saves.
#[target_feature(enable = "xsave")]
fn extended_state() -> u64 {
    // SAFETY: Register 0 exists wherever the instruction does.
    unsafe { _xgetbv(0) }
}
