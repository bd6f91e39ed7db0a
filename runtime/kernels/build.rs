//! Sets `cfg(armv7em)` for cores with the DSP extension of Armv7E-M and Armv8-M (M4, M7, M33, M35P), when
//! the feature `armv7em` asks for it: half of the instructions for about 8 KB more flash.
//!
//! The compiler knows the extension as the target feature `dsp`, but shows it to `cfg` only on
//! nightly. On stable, the target and the core tell.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(armv7em)");
    let read = |name: &str| env::var(name).unwrap_or_default();
    let target = read("TARGET");
    // Arguments are apart by 0x1F; both `-C target-cpu=...` and `-Ctarget-cpu=...` end alike. The last one holds.
    let flags = read("CARGO_ENCODED_RUSTFLAGS");
    let core = flags.split('\u{1f}').filter_map(|flag| flag.rsplit_once("target-cpu=")).next_back();
    let core = core.map_or("", |(_, core)| core);
    let with_dsp = ["cortex-m33", "cortex-m35p", "star-mc1"].contains(&core);
    let armv8m = target.starts_with("thumbv8m.main-") && with_dsp;
    let wanted = env::var_os("CARGO_FEATURE_ARMV7EM").is_some();
    if wanted && (target.starts_with("thumbv7em-") || armv8m) {
        println!("cargo:rustc-cfg=armv7em");
        // Functions in assembly alone are assembled for the target, which on Armv8-M leaves the extension out.
        println!("cargo:rustc-env=OCELLI_ASSEMBLER={}", if armv8m { ".cpu cortex-m33" } else { "" });
    }
}
