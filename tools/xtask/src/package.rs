//! `cargo xtask package`: Debian packages of the program with a systemd unit, each unpacked and started once.
//!
//! What the packages hold beside the program lies in `boards/rpi/package`. The foreign one is started under QEMU's
//! user mode.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
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
        try_out(architecture, &package)?;
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
    let mut cargo = aarch64::Toolchain::get()?.cargo("build", "max")?;
    command::run(cargo.args(["--release", "--package", "ocelli-cli"]).args(EMITTERS))?;
    Ok((target_directory()?.join(aarch64::TARGET).join("release/ocelli"), "aarch64-linux-gnu-strip"))
}

/// Unpacks a package and starts what its unit starts, on a drawn scene, with a manager that waits for word.
fn try_out(architecture: Architecture, package: &Path) -> Result<()> {
    let root = target_directory()?.join("package").join(format!("{}-root", architecture.name()));
    let _ = fs::remove_dir_all(&root);
    command::run_quietly(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&root))?;
    let samples = ocelli_samples::artefacts();
    let (_, artefact) =
        samples.iter().find(|(name, _)| *name == "detector").context("there is a detector")?;
    let (model, config, manager) = (root.join("model.ocelli"), root.join("try.toml"), root.join("manager"));
    fs::write(&model, &**artefact)?;
    fs::write(
        &config,
        format!("model = {model:?}\ninput = \"synthetic:3\"\nserve = \"127.0.0.1:0\"\ntrack = true\n"),
    )?;
    let socket = UnixDatagram::bind(&manager)?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    let program = root.join("usr/bin/ocelli");
    let mut start = if architecture.is_native() {
        Command::new(&program)
    } else {
        let mut emulator = Command::new("qemu-aarch64");
        emulator.args(["-L", aarch64::LIBRARIES]).arg(&program);
        emulator
    };
    start.args(["run", "--config"]).arg(&config).env("NOTIFY_SOCKET", &manager).stderr(Stdio::piped());
    let mut service = Service(start.spawn().context("starting the unpacked program")?);
    let mut word = [0; 64];
    let bytes = socket.recv(&mut word).context("waiting for word of the service")?;
    ensure!(
        word[..bytes].starts_with(b"READY=1"),
        "the service says {:?}",
        String::from_utf8_lossy(&word[..bytes])
    );
    let bytes = socket.recv(&mut word)?;
    ensure!(&word[..bytes] == b"WATCHDOG=1", "the service says nothing more");
    let page = service.page()?;
    ensure!(page.contains("<title>Ocelli live</title>"), "the page is {page:?}");
    println!("{}: unpacked, started, ready, alive, and its page is there", architecture.name());
    Ok(())
}

/// The started program; it ends with the job.
struct Service(Child);

impl Service {
    /// Asks for the page where the program says that it is.
    fn page(&mut self) -> Result<String> {
        let output = self.0.stderr.as_mut().context("its output")?;
        let mut told = Vec::new();
        while !told.ends_with(b"/\n") {
            let mut byte = [0];
            output.read_exact(&mut byte).context("the program says where it is live")?;
            told.push(byte[0]);
        }
        let told = String::from_utf8_lossy(&told).into_owned();
        let Some((_, address)) = told.trim().trim_end_matches('/').rsplit_once("http://") else {
            bail!("the program says {told:?}");
        };
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(page)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
