//! Finds a Rust toolchain that builds for Cortex-M.
//!
//! Two kinds do: one that has the target's precompiled `core` (rustup's way), and one that has the sources of
//! `core` and builds it along (Debian's way, where no precompiled one is packaged).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::SimulateError;

/// The targets of all machines.
pub const TARGETS: [&str; 4] =
    ["thumbv6m-none-eabi", "thumbv7em-none-eabihf", "thumbv8m.main-none-eabi", "thumbv8m.main-none-eabihf"];

/// The oldest Rust that builds the firmware, as in the root `Cargo.toml`.
pub const MINIMUM_RUST: (u32, u32) = (1, 95);

/// A toolchain that builds for one of [`TARGETS`].
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The directory that holds `bin/rustc`, `bin/cargo` and `lib/rustlib`.
    pub sysroot: PathBuf,
    /// Whether `core` is compiled from source along with the program.
    pub builds_core: bool,
    linker: Option<PathBuf>,
}

impl Toolchain {
    /// The first toolchain that builds for `target`: the active one, then the system's.
    ///
    /// # Errors
    /// [`SimulateError::ToolchainMissing`].
    pub fn find(target: &str) -> Result<Toolchain, SimulateError> {
        let sysroots: Vec<PathBuf> = active_sysroot().into_iter().chain([PathBuf::from("/usr")]).collect();
        let recent = |sysroot: &&PathBuf| {
            sysroot.join("bin/cargo").exists()
                && version(&sysroot.join("bin/rustc")).is_some_and(|version| version >= MINIMUM_RUST)
        };
        let linker = find_linker(&sysroots);
        for sysroot in sysroots.iter().filter(recent) {
            if has_core(&sysroot.join("lib/rustlib").join(target).join("lib")) {
                return Ok(Toolchain { sysroot: sysroot.clone(), builds_core: false, linker: None });
            }
        }
        for sysroot in sysroots.iter().filter(recent) {
            if sysroot.join("lib/rustlib/src/rust/library/core").exists() && linker.is_some() {
                return Ok(Toolchain { sysroot: sysroot.clone(), builds_core: true, linker });
            }
        }
        Err(SimulateError::ToolchainMissing { target: target.to_owned() })
    }

    /// `cargo <verb>` for `target`, in an environment that does not depend on how this program was
    /// started, so that builds are shared.
    pub fn cargo(&self, verb: &str, target: &str, rustflags: &str) -> Command {
        let mut command = Command::new(self.sysroot.join("bin/cargo"));
        for variable in
            ["RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO"]
        {
            command.env_remove(variable);
        }
        let upper_case = target.to_uppercase().replace(['-', '.'], "_");
        command
            .env("RUSTC", self.sysroot.join("bin/rustc"))
            .env("PATH", path_with(&self.sysroot.join("bin")))
            .env(format!("CARGO_TARGET_{upper_case}_RUSTFLAGS"), rustflags)
            .args([verb, "--target", target]);
        if self.builds_core {
            command.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core,alloc");
        }
        if let Some(linker) = &self.linker {
            command.env(format!("CARGO_TARGET_{upper_case}_LINKER"), linker);
        }
        command
    }
}

/// Where the `rustc` that `PATH` finds has its libraries.
fn active_sysroot() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Major and minor version of a compiler.
fn version(rustc: &Path) -> Option<(u32, u32)> {
    let output = Command::new(rustc).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(line: &str) -> Option<(u32, u32)> {
    let mut numbers = line.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn has_core(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|files| {
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

/// LLVM's linker as Rust bundles it, else the one of GNU binutils.
fn find_linker(sysroots: &[PathBuf]) -> Option<PathBuf> {
    let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let bundled = sysroots.iter().map(|sysroot| sysroot.join("lib/rustlib").join(&host).join("bin/rust-lld"));
    let binutils = env::var_os("PATH")
        .into_iter()
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .map(|directory| directory.join("arm-none-eabi-ld"));
    bundled.chain(binutils).find(|linker| linker.exists())
}

fn path_with(first: &Path) -> OsString {
    let rest = env::var_os("PATH").unwrap_or_default();
    let directories = [first.to_owned()].into_iter().chain(env::split_paths(&rest));
    env::join_paths(directories).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_rustc_prints() {
        assert_eq!(
            parse_version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some((1, 96))
        );
        assert_eq!(parse_version("rustc 1.97.0-nightly (01a2b3c4d 2026-06-01)"), Some((1, 97)));
        assert_eq!(parse_version("command not found"), None);
    }

    #[test]
    fn every_machine_has_one_of_the_targets() {
        for machine in crate::machines() {
            assert!(TARGETS.contains(&machine.target.as_str()), "{}", machine.target);
        }
    }
}
