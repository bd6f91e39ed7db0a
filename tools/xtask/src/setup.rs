//! `cargo xtask setup`: the cross toolchain, QEMU and a broker, from wherever this machine can get them.
//!
//! Quick when everything is there already. Otherwise rustup's targets come first, Debian's packages second, and
//! where neither can be had, the message says what to install.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use ocelli_simulator::{MINIMUM_RUST, TARGETS, Toolchain, find_qemu};

use crate::command;
use crate::soak::mosquitto;

/// Gets what is missing, and says what is there.
pub fn run() -> Result<()> {
    toolchain()?;
    qemu()?;
    broker();
    Ok(())
}

/// The broker that MQTT is tested with; without it these tests say that they skip.
fn broker() {
    let is_complete = || mosquitto().is_some() && Path::new("/usr/bin/mosquitto_sub").exists();
    if !is_complete() {
        apt_install(&["mosquitto", "mosquitto-clients"]);
    }
    match is_complete() {
        true => println!("mosquitto"),
        false => println!("no mosquitto: MQTT is not tested (Debian has mosquitto and mosquitto-clients)"),
    }
}

/// A compiler for every target.
fn toolchain() -> Result<()> {
    if !missing_targets().is_empty() && command::exists("rustup") {
        let mut rustup = Command::new("rustup");
        // A mirror without these components is no error yet: Debian may have them.
        if let Err(error) = command::run(rustup.args(["target", "add"]).args(TARGETS)) {
            println!("{error:#}");
        }
    }
    if !missing_targets().is_empty() {
        apt_install(&["rustc-web", "cargo-web", "rust-web-src", "binutils-arm-none-eabi"]);
    }
    let missing = missing_targets();
    if !missing.is_empty() {
        let (major, minor) = MINIMUM_RUST;
        bail!(
            "no Rust toolchain for {missing}. Install one of:\n  \
             - with rustup: rustup target add {missing}\n  \
             - on Debian: apt-get install rustc-web cargo-web rust-web-src binutils-arm-none-eabi\n  \
             - any Rust {major}.{minor} or later in /usr with its library sources in \
             /usr/lib/rustlib/src/rust, and arm-none-eabi-ld",
            missing = missing.join(" ")
        );
    }
    for target in TARGETS {
        let toolchain = Toolchain::find(target)?;
        let core = if toolchain.builds_core { "core from source" } else { "precompiled core" };
        println!("{target}: {} ({core})", toolchain.sysroot.display());
    }
    Ok(())
}

/// The emulator.
fn qemu() -> Result<()> {
    if find_qemu().is_err() {
        apt_install(&["qemu-system-arm"]);
    }
    match find_qemu() {
        Ok(version) => println!("{version}"),
        Err(_) => bail!(
            "QEMU for Arm is missing. Install version 7.2 or later:\n  \
             - Debian, Ubuntu: apt-get install qemu-system-arm\n  \
             - Fedora: dnf install qemu-system-arm\n  \
             - macOS: brew install qemu"
        ),
    }
    Ok(())
}

/// What builds and runs programs for aarch64 Linux: compiler, linker, C library, emulator.
pub fn aarch64() -> Result<()> {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    let complete = || {
        let programs = ["aarch64-linux-gnu-gcc", "qemu-aarch64"];
        let has_library = Path::new("/usr/aarch64-linux-gnu/lib/crti.o").exists();
        has_library && programs.into_iter().all(command::exists)
    };
    if !complete() {
        apt_install(&["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"]);
    }
    if !complete() {
        bail!(
            "no tools for {TARGET}. On Debian or Ubuntu: \
             apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
        );
    }
    if command::exists("rustup") {
        let added = Command::new("rustup").args(["target", "add", TARGET]).output();
        if added.is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
    }
    // Debian's way: its own compiler, and the library of the other architecture, which is only unpacked.
    if !Path::new("/usr/bin/rustc").exists() {
        apt_install(&["rustc-web", "cargo-web"]);
    }
    let foreign = Command::new("dpkg").arg("--print-foreign-architectures").output();
    let knows = foreign.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("arm64"));
    if !knows && command::exists("dpkg") {
        command::run(&mut as_root(&["dpkg", "--add-architecture", "arm64"]))?;
        command::run(&mut as_root(&["apt-get", "--quiet=2", "update"]))?;
    }
    if !Path::new("/usr/bin/rustc").exists() {
        bail!(
            "no Rust toolchain for {TARGET}: rustup target add {TARGET}, or on Debian apt-get install rustc-web cargo-web"
        );
    }
    Ok(())
}

fn missing_targets() -> Vec<&'static str> {
    TARGETS.into_iter().filter(|target| Toolchain::find(target).is_err()).collect()
}

/// Tries to install Debian packages. Whether it worked is seen by looking for what they bring.
pub fn apt_install(packages: &[&str]) {
    if !command::exists("apt-get") {
        return;
    }
    for arguments in [vec!["update"], [&["install", "--yes", "--no-install-recommends"], packages].concat()] {
        if let Err(error) = command::run(as_root(&["apt-get", "--quiet=2"]).args(arguments)) {
            println!("{error:#}");
        }
    }
}

/// A command with the rights to install.
fn as_root(words: &[&str]) -> Command {
    let prefix: &[&str] = if is_root() { &[] } else { &["sudo", "--non-interactive"] };
    let mut words = prefix.iter().chain(words);
    let mut command = Command::new(words.next().expect("a command has a name"));
    command.args(words);
    command
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
