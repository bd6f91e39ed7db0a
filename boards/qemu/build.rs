//! Turns the row of `board.toml` that the machine feature names into `memory.x` and constants, and for the
//! firmware `fixed` an artefact into a module.

use std::path::Path;
use std::{env, fs};

use toml::{Table, Value};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=board.toml");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    let machine = chosen_machine();
    fs::write(out.join("memory.x"), memory_map(&machine)).expect("OUT_DIR is writable");
    fs::write(out.join("machine.rs"), constants(&machine)).expect("OUT_DIR is writable");
    if env::var_os("CARGO_FEATURE_FIXED").is_some() {
        let variable = "OCELLI_FIXED_ARTEFACT";
        println!("cargo:rerun-if-env-changed={variable}");
        let artefact = env::var(variable).expect("OCELLI_FIXED_ARTEFACT names an artefact's file");
        let artefact =
            ocelli_build::Artefact::from_path(artefact).module("model").profile(schedule(&machine));
        artefact.generate().expect("a valid artefact");
    }
    println!("cargo:rerun-if-env-changed=OCELLI_KEY");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
}

/// The row of `board.toml` whose name is the one enabled feature.
fn chosen_machine() -> Table {
    let text = fs::read_to_string("board.toml").expect("boards/qemu/board.toml is readable");
    let board: Table = text.parse().expect("boards/qemu/board.toml is TOML");
    let mut chosen = board["machine"].as_array().expect("a list of machines").iter().filter(|machine| {
        let name = machine["name"].as_str().expect("a machine has a name");
        env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase().replace('-', "_"))).is_some()
    });
    match (chosen.next(), chosen.next()) {
        (Some(Value::Table(machine)), None) => machine.clone(),
        _ => panic!("give exactly one machine: --features mps2-an386, for instance"),
    }
}

/// The linker's view: the stack at the bottom of RAM, everything else above it.
fn memory_map(machine: &Table) -> String {
    let (flash, flash_bytes) = region(machine, "flash");
    let (ram, ram_bytes) = region(machine, "ram");
    let stack_bytes = budget(machine, "stack_bytes");
    format!(
        "MEMORY {{\n  FLASH : ORIGIN = {flash:#x}, LENGTH = {flash_bytes:#x}\n  \
         STACK : ORIGIN = {ram:#x}, LENGTH = {stack_bytes:#x}\n  \
         RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n\
         _stack_end = ORIGIN(STACK);\n_stack_start = ORIGIN(STACK) + LENGTH(STACK);\n",
        ram + stack_bytes,
        ram_bytes - stack_bytes
    )
}

/// The program's view.
fn constants(machine: &Table) -> String {
    let (job, job_bytes) = region(machine, "job");
    let clock = machine["clock"].as_table().expect("clock is a table");
    let device = match clock["device"].as_str() {
        Some("cmsdk-timer") => "CmsdkTimer",
        Some("sse-counter") => "SseCounter",
        other => panic!("board.toml: no driver for the clock {other:?}"),
    };
    format!(
        "/// QEMU's name of the machine.\npub const NAME: &str = {:?};\n\
         /// The target profile whose schedules it runs.\npub const PROFILE: &str = {:?};\n\
         /// Where QEMU loads the job.\npub const JOB_ADDRESS: usize = {job:#x};\n\
         /// How much may be loaded there.\npub const JOB_BYTES: usize = {job_bytes:#x};\n\
         /// The arena that the firmware offers to every model.\npub const ARENA_BYTES: usize = {};\n\
         /// Where the serial port's registers are.\npub const UART_ADDRESS: usize = {:#x};\n\
         /// The counter behind every instruction count.\n\
         pub const CLOCK: crate::clock::Device = crate::clock::Device::{device} {{ base: {:#x} }};\n\
         /// Its ticks per second.\npub const CLOCK_HZ: u32 = {};\n",
        machine["name"].as_str().expect("a name"),
        schedule(machine),
        budget(machine, "arena_bytes"),
        machine["uart"].as_integer().expect("an address"),
        clock["base"].as_integer().expect("an address"),
        clock["hz"].as_integer().expect("a rate"),
    )
}

/// The target profile of the kernels that are built: the machine's with its fast ones, otherwise every target's.
fn schedule(machine: &Table) -> &str {
    match env::var_os("CARGO_FEATURE_FAST") {
        Some(_) => machine["schedule"].as_str().expect("a target profile"),
        None => "portable",
    }
}

fn region(machine: &Table, key: &str) -> (i64, i64) {
    let pair = machine[key].as_array().expect("a region is [origin, bytes]");
    (pair[0].as_integer().expect("an origin"), pair[1].as_integer().expect("a length"))
}

fn budget(machine: &Table, key: &str) -> i64 {
    machine["budget"][key].as_integer().expect("a budget in bytes")
}
