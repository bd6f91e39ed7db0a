//! Sets the `cfg` of the backend that the feature `fast` brings for this core, if there is one.
//!
//! The compiler knows a core's extensions as target features, but shows those of Arm's microcontrollers to
//! `cfg` only on nightly. On stable, the target and the core tell.
//!
//! x86-64 (`cfg(x86)`) and aarch64 (`cfg(neon)`) need no feature: their kernels look for instructions when they run.

use std::env;

/// A backend is a `cfg` and a folder under `src/arch`.
const BACKENDS: [&str; 5] = ["armv6m", "armv7em", "mve", "neon", "x86"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for backend in BACKENDS {
        println!("cargo:rustc-check-cfg=cfg({backend})");
    }
    let read = |name: &str| env::var(name).unwrap_or_default();
    match read("CARGO_CFG_TARGET_ARCH").as_str() {
        "x86_64" => println!("cargo:rustc-cfg=x86"),
        "aarch64" => println!("cargo:rustc-cfg=neon"),
        _ => {}
    }
    // Arguments are apart by 0x1F; both `-C target-cpu=...` and `-Ctarget-cpu=...` end alike. The last one holds.
    let flags = read("CARGO_ENCODED_RUSTFLAGS");
    let core = flags.split('\u{1f}').filter_map(|flag| flag.rsplit_once("target-cpu=")).next_back();
    let core = core.map_or("", |(_, core)| core);
    let wanted = env::var_os("CARGO_FEATURE_FAST").is_some();
    if let Some((backend, assembler)) = backend(&read("TARGET"), core).filter(|_| wanted) {
        println!("cargo:rustc-cfg={backend}");
        println!("cargo:rustc-env=OCELLI_ASSEMBLER={assembler}");
    }
}

/// The backend of a core, and what functions in assembly alone have to say first: they are assembled for the
/// target, which on Armv8-M leaves the extensions out.
fn backend(target: &str, core: &str) -> Option<(&'static str, &'static str)> {
    let armv8m = target.starts_with("thumbv8m.main-");
    match core {
        _ if target.starts_with("thumbv6m-") => Some(("armv6m", "")),
        _ if target.starts_with("thumbv7em-") => Some(("armv7em", "")),
        "cortex-m33" | "cortex-m35p" | "star-mc1" if armv8m => Some(("armv7em", ".cpu cortex-m33")),
        "cortex-m52" | "cortex-m55" | "cortex-m85" if armv8m => Some(("mve", ".cpu cortex-m55")),
        _ => None,
    }
}
