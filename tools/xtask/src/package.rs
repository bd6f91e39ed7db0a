//! `cargo xtask package`: Debian packages of the program with a systemd unit, each installed and started once.
//!
//! What the packages hold beside the program lies in `boards/rpi/package`.

mod trial;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use ocelli_simulator::{repository, target_directory};

use crate::packages::{EMITTERS, IMPORTERS};
use crate::{aarch64, command};

/// Which packages to make.
#[derive(Args)]
pub struct Options {
    /// For which machines
    #[arg(long = "for", value_enum, default_values_t = [Architecture::Amd64, Architecture::Arm64])]
    architectures: Vec<Architecture>,
}

/// Debian's names of machines.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    fn name(self) -> &'static str {
        match self {
            Architecture::Amd64 => "amd64",
            Architecture::Arm64 => "arm64",
        }
    }

    /// Whether this machine runs it.
    fn is_native(self) -> bool {
        std::env::consts::ARCH == if self == Architecture::Amd64 { "x86_64" } else { "aarch64" }
    }
}

/// The highest exposure that the unit may have, in tenths: systemd's scale goes to 10.
const MOST_EXPOSURE: &str = "30";

/// Builds, packs and tries every package.
pub fn run(options: &Options) -> Result<()> {
    if !command::exists("dpkg-deb") {
        println!("skipped: packages (there is no dpkg-deb)");
        return Ok(());
    }
    let unit = repository()?.join("boards/rpi/package/ocelli.service");
    if command::exists("systemd-analyze") {
        let threshold = format!("--threshold={MOST_EXPOSURE}");
        let mut analyze = Command::new("systemd-analyze");
        let output =
            analyze.args(["security", "--offline=true", "--no-pager", &threshold]).arg(&unit).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let verdict = text.lines().rfind(|line| line.contains("Overall exposure")).unwrap_or(&text);
        println!("{}", verdict.trim_start_matches(|letter: char| !letter.is_ascii()).trim());
        ensure!(output.status.success(), "the unit is more exposed than {MOST_EXPOSURE} tenths:\n{text}");
    } else {
        println!("skipped: the unit's exposure (there is no systemd-analyze)");
    }
    for &architecture in &options.architectures {
        if !architecture.is_native() && architecture == Architecture::Amd64 {
            println!("skipped: amd64, which is only built on machines of that kind");
            continue;
        }
        let package = pack(architecture)?;
        trial::run(architecture, &package)?;
        println!("{} ({} bytes)", package.display(), fs::metadata(&package)?.len());
    }
    Ok(())
}

/// Builds the program and packs it with what belongs to it.
fn pack(architecture: Architecture) -> Result<PathBuf> {
    let (program, strip) = build(architecture)?;
    let root = target_directory()?.join("package").join(architecture.name());
    let _ = fs::remove_dir_all(&root);
    let put = |from: &Path, to: &str, mode: u32| -> Result<()> {
        let place = root.join(to);
        fs::create_dir_all(place.parent().context("a file lies in a folder")?)?;
        fs::copy(from, &place).with_context(|| format!("copying {}", from.display()))?;
        Ok(fs::set_permissions(&place, fs::Permissions::from_mode(mode))?)
    };
    let repository = repository()?;
    let own = repository.join("boards/rpi/package");
    put(&program, "usr/bin/ocelli", 0o755)?;
    command::run_quietly(Command::new(strip).arg("--strip-unneeded").arg(root.join("usr/bin/ocelli")))?;
    put(&own.join("ocelli.service"), "lib/systemd/system/ocelli.service", 0o644)?;
    put(&own.join("ocelli.toml"), "etc/ocelli/ocelli.toml", 0o644)?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        put(&repository.join(file), &format!("usr/share/doc/ocelli/{file}"), 0o644)?;
    }
    let version = env!("CARGO_PKG_VERSION");
    let name = architecture.name();
    let control = fs::read_to_string(own.join("control"))?;
    fs::create_dir_all(root.join("DEBIAN"))?;
    fs::write(
        root.join("DEBIAN/control"),
        control.replace("@VERSION@", version).replace("@ARCHITECTURE@", name),
    )?;
    fs::write(root.join("DEBIAN/conffiles"), "/etc/ocelli/ocelli.toml\n")?;
    let package = root.with_file_name(format!("ocelli_{version}_{name}.deb"));
    let mut pack = Command::new("dpkg-deb");
    command::run_quietly(pack.args(["--root-owner-group", "-Zxz", "--build"]).arg(&root).arg(&package))?;
    Ok(package)
}

/// The program, and what strips it.
fn build(architecture: Architecture) -> Result<(PathBuf, &'static str)> {
    if architecture.is_native() {
        // The same selection as for the tests, so that nothing is built twice.
        let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
        command::run(command::cargo(["build", "--release"].into_iter().chain(selected))?.args(EMITTERS))?;
        return Ok((target_directory()?.join("release/ocelli"), "strip"));
    }
    Ok((aarch64::program()?, "aarch64-linux-gnu-strip"))
}
