//! `cargo xtask lint`: formatting, warnings, the ban on unsafe code, docs, licences.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ocelli_simulator::{Toolchain, boards, machines, repository, target_directory};

use crate::command;
use crate::packages::{self, IMPORTERS, LIVE_EMITTERS, TRAINING};

/// Runs every check; stops at the first that finds something.
pub fn run() -> Result<()> {
    command::run(&mut command::cargo(["fmt", "--all", "--check"])?)?;
    unsafe_code()?;
    let excluded = IMPORTERS.iter().chain([&"ocelli-train"]).flat_map(|package| ["--exclude", package]);
    let host = ["clippy", "--quiet", "--workspace", "--all-targets"].into_iter().chain(excluded);
    command::run(command::cargo(host)?.args(LIVE_EMITTERS).args(DENY_WARNINGS))?;
    let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
    let importers = ["clippy", "--quiet", "--release", "--all-targets"].into_iter().chain(selected);
    command::run(command::cargo(importers)?.args(TRAINING).args(DENY_WARNINGS))?;
    firmware()?;
    docs()?;
    licences()
}

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// The packages that may hold unsafe code: kernels (under `arch`), and boards that talk to registers or to
/// Linux.
const MAY_BE_UNSAFE: [&str; 6] =
    ["runtime/kernels", "boards/common", "boards/nano33ble", "boards/qemu", "boards/rpi", "boards/stm32h743"];

/// Every crate root forbids unsafe code, but for [`MAY_BE_UNSAFE`]; and kernels only allow it under `arch`.
fn unsafe_code() -> Result<()> {
    let root = repository()?;
    let mut roots = vec![root.join("tests/src/lib.rs")];
    for folder in ["runtime", "boards", "tools", "tests"] {
        for package in packages::directories(folder)? {
            if MAY_BE_UNSAFE.iter().all(|exception| package != root.join(exception)) {
                let sources = ["src/lib.rs", "src/main.rs"].map(|source| package.join(source));
                roots.extend(sources.into_iter().filter(|source| source.exists()));
            }
        }
    }
    for source in &roots {
        if !fs::read_to_string(source)?.contains("#![forbid(unsafe_code)]") {
            bail!("{} does not say #![forbid(unsafe_code)]", source.display());
        }
    }
    let kernels = root.join("runtime/kernels/src");
    for source in sources_below(&kernels)? {
        let allows = fs::read_to_string(&source)?.contains("allow(unsafe_code)");
        if allows && !source.starts_with(kernels.join("arch")) {
            bail!("{} allows unsafe code outside src/arch", source.display());
        }
    }
    println!("unsafe code is forbidden in {} crate roots", roots.len());
    Ok(())
}

fn sources_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sources.extend(sources_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
    Ok(sources)
}

/// The firmware, and with it the runtime, as the compiler sees them for a microcontroller.
fn firmware() -> Result<()> {
    let machine = &machines()[1];
    let toolchain = match Toolchain::find(&machine.target) {
        Ok(toolchain) if toolchain.sysroot.join("bin/cargo-clippy").exists() => toolchain,
        _ => {
            println!("skipped: no clippy for {}; `cargo xtask setup` may get it", machine.target);
            return Ok(());
        }
    };
    let mut clippy = toolchain.cargo("clippy", &machine.target, &machine.rustflags);
    clippy.current_dir(repository()?).env("CARGO_TARGET_DIR", target_directory()?);
    clippy.args(["--quiet", "--package", "ocelli-qemu", "--features", &machine.name]).args(DENY_WARNINGS);
    command::run(&mut clippy)?;
    // `detect` wants a model at build time; any will do.
    let [(_, artefact), ..] = ocelli_samples::artefacts();
    let model = target_directory()?.join("sample.ocelli");
    fs::write(&model, &*artefact).with_context(|| format!("writing {}", model.display()))?;
    for board in boards() {
        let toolchain = Toolchain::find(&board.target)?;
        let mut clippy = toolchain.cargo("clippy", &board.target, &board.rustflags);
        clippy.current_dir(repository()?).env("CARGO_TARGET_DIR", target_directory()?);
        clippy.env("OCELLI_MODEL", &model).args(["--quiet", "--profile", &board.profile]);
        clippy.args(["--package", &board.package, "--features", "programs"]).args(DENY_WARNINGS);
        command::run(&mut clippy)?;
    }
    Ok(())
}

/// The documentation of the runtime, and of what is built over tract, has no broken link.
fn docs() -> Result<()> {
    let doc = |options: &[&str], packages: &[&str]| {
        let selected = packages.iter().flat_map(|package| ["--package", package]);
        let arguments = ["doc", "--quiet", "--no-deps"].iter().chain(options).copied().chain(selected);
        command::run(command::cargo(arguments)?.env("RUSTDOCFLAGS", "-D warnings"))
    };
    let runtime = packages::in_folder("runtime")?;
    doc(&["--all-features"], &runtime.iter().map(String::as_str).collect::<Vec<_>>())?;
    doc(&[&["--release"], &TRAINING[..]].concat(), &IMPORTERS)
}

/// Licences and advisories of dependencies, where the checker is installed.
fn licences() -> Result<()> {
    if !command::exists("cargo-deny") {
        println!("skipped: licences and sources of dependencies (cargo install cargo-deny)");
        return Ok(());
    }
    command::run(&mut command::cargo(["deny", "check", "bans", "licenses", "sources"])?)
}
