//! `cargo xtask aarch64`: the NEON backends under QEMU's user mode: kernels against the oracle, golden models
//! against TFLite Micro, and instructions per multiply-accumulate.
//!
//! The standard library comes from rustup, or from Debian's package, unpacked beside the system's.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use clap::Args;
use ocelli_simulator::{repository, target_directory};

use crate::golden::{self, Model};
use crate::packages::EMITTERS;
use crate::{command, executors, setup};

/// What is built for.
pub const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Processors that have no dot products, and that have.
const PROCESSORS: [(&str, &str); 2] = [("cortex-a53", "neon"), ("max", "neon-dotprod")];

/// The backend whose instructions are counted, which takes a while.
const COUNTED: &str = "neon-dotprod";

/// What is run.
#[derive(Args, Default)]
pub struct Options {
    /// Also build the whole program for aarch64, which takes minutes, and run every model in every executor there
    #[arg(long)]
    executors: bool,
}

/// Emulates; on an aarch64 host the ordinary tests have done all this already.
pub fn run(options: &Options) -> Result<()> {
    if env::consts::ARCH == "aarch64" {
        println!("skipped: this is an aarch64 machine, whose own tests run the NEON backends");
        return executors::run(&[]);
    }
    let toolchain = Toolchain::get()?;
    for (processor, backend) in PROCESSORS {
        println!("on {processor}, best backend {backend}");
        let mut tests = toolchain.cargo("test", processor)?;
        tests.args(["--quiet", "--package", "ocelli-kernels", "--test", "kernels"]);
        command::run(tests.args(["--", "--nocapture", "--test-threads", "1", "backends", "golden"]))?;
    }
    let mut build = toolchain.cargo("build", "max")?;
    command::run(build.args(["--quiet", "--release", "--package", "ocelli-runner"]))?;
    let runner = target_directory()?.join(TARGET).join("release/ocelli-runner");
    let models = golden::models()?;
    if !models.is_empty() {
        println!("{:<30} {:<14} {:>6} {:>13} {:>8}", "model", "backend", "equal", "instructions", "per MAC");
    }
    models.iter().try_for_each(|model| golden_model(&runner, model))?;
    if !options.executors {
        return executors::run(&[]);
    }
    let program = program()?.display().to_string();
    let (processor, _) = PROCESSORS[1];
    let start = ["qemu-aarch64", "-cpu", processor, "-L", LIBRARIES, &program].map(str::to_owned).to_vec();
    executors::run(&[executors::Program { title: "aarch64 under QEMU".to_owned(), start }])
}

/// Builds `ocelli` for aarch64, with all that a package has.
pub fn program() -> Result<PathBuf> {
    let mut cargo = Toolchain::get()?.cargo("build", "max")?;
    command::run(cargo.args(["--release", "--package", "ocelli-cli"]).args(EMITTERS))?;
    Ok(target_directory()?.join(TARGET).join("release/ocelli"))
}

/// Compares a model's outputs on every backend, and counts the instructions of one run on the best.
fn golden_model(runner: &Path, model: &Model) -> Result<()> {
    for (processor, backend) in PROCESSORS {
        for case in &model.cases {
            let mut run = emulated(runner, processor, model, backend, case.seed, case.shift, 1);
            let output = run.output().context("starting qemu-aarch64")?;
            let computed = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<String>();
            if computed != case.output_hex {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                bail!(
                    "{} on {backend}, seed {}: {computed}, not {}\n{said}",
                    model.file,
                    case.seed,
                    case.output_hex
                );
            }
        }
        let equal = format!("{0}/{0}", model.cases.len());
        if backend != COUNTED {
            println!("{:<30} {backend:<14} {equal:>6}", model.peer.title);
            continue;
        }
        let case = &model.cases[0];
        let count =
            |runs| instructions(emulated(runner, processor, model, backend, case.seed, case.shift, runs));
        let infer = count(2)?.saturating_sub(count(1)?);
        println!(
            "{:<30} {backend:<14} {equal:>6} {infer:>13} {:>8.3}",
            model.peer.title,
            infer as f64 / model.macs as f64
        );
    }
    Ok(())
}

/// The runner under the emulator.
fn emulated(
    runner: &Path,
    processor: &str,
    model: &Model,
    backend: &str,
    seed: u32,
    shift: u8,
    runs: u32,
) -> Command {
    let mut command = Command::new("qemu-aarch64");
    command.args(["-cpu", processor, "-L", LIBRARIES]).arg(runner).arg(&model.path).arg(backend);
    command.args([seed.to_string(), shift.to_string(), runs.to_string()]);
    command
}

/// How many instructions a program executes: the emulator, told to translate one at a time, logs each.
fn instructions(mut emulated: Command) -> Result<u64> {
    let log = target_directory()?.join("aarch64-log");
    let _ = fs::remove_file(&log);
    command::run_quietly(Command::new("mkfifo").arg(&log))?;
    emulated.env("QEMU_SINGLESTEP", "1").env("QEMU_LOG", "exec,nochain").env("QEMU_LOG_FILENAME", &log);
    let mut child = emulated.stdout(Stdio::null()).spawn().context("starting qemu-aarch64")?;
    let mut reader = BufReader::with_capacity(1 << 20, fs::File::open(&log)?);
    let (mut line, mut count) = (Vec::new(), 0);
    while reader.read_until(b'\n', &mut line)? > 0 {
        count += u64::from(line.starts_with(b"Trace"));
        line.clear();
    }
    let status = child.wait()?;
    fs::remove_file(&log)?;
    if !status.success() || count == 0 {
        bail!("qemu-aarch64 ended with {status} after {count} instructions");
    }
    Ok(count)
}

/// Where Debian's cross C library lies.
pub const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// A cargo and a rustc that build for [`TARGET`].
pub struct Toolchain {
    /// Directory of the programs.
    programs: PathBuf,
    /// Where the target's standard library is, if not beside the programs.
    sysroot: Option<PathBuf>,
}

impl Toolchain {
    /// Rustup's, else Debian's.
    pub fn get() -> Result<Toolchain> {
        setup::aarch64()?;
        let active = Command::new("rustc").args(["--print", "sysroot"]).output();
        let active = active.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        let has_target = |sysroot: &PathBuf| sysroot.join("lib/rustlib").join(TARGET).join("lib").exists();
        if let Ok(sysroot) = active
            && has_target(&sysroot)
        {
            return Ok(Toolchain { programs: sysroot.join("bin"), sysroot: None });
        }
        let system = PathBuf::from("/usr");
        if has_target(&system) {
            return Ok(Toolchain { programs: system.join("bin"), sysroot: None });
        }
        Ok(Toolchain { programs: system.join("bin"), sysroot: Some(overlay(&system)?) })
    }

    /// `cargo <verb>` for the target, its programs run on an emulated processor.
    pub fn cargo(&self, verb: &str, processor: &str) -> Result<Command> {
        let mut cargo = Command::new(self.programs.join("cargo"));
        for variable in
            ["RUSTUP_TOOLCHAIN", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "LD_LIBRARY_PATH", "CARGO"]
        {
            cargo.env_remove(variable);
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let path = [self.programs.clone()].into_iter().chain(env::split_paths(&path));
        cargo.current_dir(repository()?).env("PATH", env::join_paths(path)?);
        cargo.env("RUSTC", self.programs.join("rustc"));
        if let Some(sysroot) = &self.sysroot {
            cargo.env(
                "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
                format!("--sysroot={}", sysroot.display()),
            );
        }
        cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc");
        let runner = format!("qemu-aarch64 -cpu {processor} -L {LIBRARIES}");
        cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner);
        cargo.env("CARGO_TARGET_DIR", target_directory()?).args([verb, "--target", TARGET]);
        Ok(cargo)
    }
}

/// Unpacks Debian's standard library for the target beside links to the system's own.
fn overlay(system: &Path) -> Result<PathBuf> {
    let root = target_directory()?.join("aarch64-sysroot");
    let libraries = root.join("usr/lib/rustlib");
    if !libraries.join(TARGET).exists() {
        fs::create_dir_all(&root)?;
        let mut download = Command::new("apt-get");
        download.current_dir(&root).args(["download", "libstd-rust-web-dev:arm64"]);
        command::run(&mut download)?;
        let packages = fs::read_dir(&root)?.flatten().map(|entry| entry.path());
        let package = packages.into_iter().find(|path| path.extension().is_some_and(|name| name == "deb"));
        let package = package.context("apt-get downloaded no package")?;
        command::run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&root))?;
        fs::remove_file(package)?;
    }
    for entry in fs::read_dir(system.join("lib/rustlib"))? {
        let entry = entry?;
        let link = libraries.join(entry.file_name());
        if !link.exists() {
            symlink(entry.path(), link)?;
        }
    }
    Ok(root.join("usr"))
}
