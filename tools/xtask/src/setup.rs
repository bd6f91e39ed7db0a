//! `cargo xtask setup`: the cross toolchain and QEMU, from wherever this machine can get them.
//!
//! Quick when everything is there already. Otherwise rustup's targets come first, Debian's packages second, and
//! where neither can be had, the message says what to install.

use std::process::Command;

use anyhow::{Result, bail};
use ocelli_simulator::{MINIMUM_RUST, TARGETS, Toolchain, find_qemu};

use crate::command;

/// Gets what is missing, and says what is there.
pub fn run() -> Result<()> {
    toolchain()?;
    qemu()
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

fn missing_targets() -> Vec<&'static str> {
    TARGETS.into_iter().filter(|target| Toolchain::find(target).is_err()).collect()
}

/// Tries to install Debian packages. Whether it worked is seen by looking for what they bring.
pub fn apt_install(packages: &[&str]) {
    if !command::exists("apt-get") {
        return;
    }
    for arguments in [vec!["update"], [&["install", "--yes", "--no-install-recommends"], packages].concat()] {
        let mut apt_get = if is_root() { Command::new("apt-get") } else { Command::new("sudo") };
        if !is_root() {
            apt_get.args(["--non-interactive", "apt-get"]);
        }
        if let Err(error) = command::run(apt_get.arg("--quiet=2").args(arguments)) {
            println!("{error:#}");
        }
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
