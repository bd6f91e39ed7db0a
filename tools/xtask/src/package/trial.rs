//! A package in use: installed in a clean Debian, its service's command line started on a file camera.
//!
//! A package for this machine is installed by `dpkg` in a root that `debootstrap` made. A foreign one is unpacked,
//! and its program started under QEMU's user mode; so is one for this machine where there is no such root.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ocelli_format::SeedStream;
use ocelli_simulator::target_directory;

use super::Architecture;
use crate::{aarch64, command, setup};

/// The Debian that packages are tried in: the oldest that has their libraries.
const SUITE: &str = "bookworm";

/// Where its packages come from.
const MIRROR: &str = "http://deb.debian.org/debian";

/// Longer than a service takes to start, emulated on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lines of JSON that are read of a service.
const LINES: usize = 5;

/// Installs a package, starts its service's command line, and waits for word, answers and the page.
pub fn run(architecture: Architecture, package: &Path) -> Result<()> {
    let name = architecture.name();
    let root = target_directory()?.join("package").join(format!("{name}-root"));
    remove(&root)?;
    let debian = if architecture.is_native() { debian(name)? } else { None };
    let (how, mut service) = match &debian {
        Some(debian) => {
            install(debian, &root, package)?;
            ("installed in a clean Debian", Service::start(&root, Path::new("/"), in_chroot(&root))?)
        }
        None => {
            command::run_quietly(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&root))?;
            let program = root.join("usr/bin/ocelli");
            let mut start = Command::new(&program);
            if !architecture.is_native() {
                start = Command::new("qemu-aarch64");
                start.args(["-L", aarch64::LIBRARIES]).arg(program);
            }
            ("unpacked", Service::start(&root, &root, start)?)
        }
    };
    service.word("READY=1")?;
    service.word("WATCHDOG=1")?;
    service.answers()?;
    let page = service.page()?;
    ensure!(page.contains("<title>Ocelli live</title>"), "the page is {page:?}");
    drop(service);
    if debian.is_some() {
        command::run_quietly(Command::new("chroot").arg(&root).args(["dpkg", "--purge", "ocelli"]))?;
        ensure!(!root.join("usr/bin/ocelli").exists(), "the package leaves its program behind");
    }
    remove(&root)?;
    println!(
        "{name}: {how}, started on a file, ready, alive, {LINES} answers in JSON, and its page is there"
    );
    Ok(())
}

/// A Debian with nothing but what every one has, made once; none, and a word, where it cannot be made.
fn debian(architecture: &str) -> Result<Option<PathBuf>> {
    let debian = target_directory()?.join("package").join(format!("debian-{SUITE}-{architecture}"));
    if debian.exists() {
        return Ok(Some(debian));
    }
    if !setup::is_root() {
        println!("skipped: installation in a clean Debian (only root may make one)");
        return Ok(None);
    }
    if !command::exists("debootstrap") {
        setup::apt_install(&["debootstrap"]);
    }
    let unfinished = debian.with_extension("unfinished");
    remove(&unfinished)?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", "--arch", architecture, SUITE]).arg(&unfinished).arg(MIRROR);
    if let Err(error) = command::run_quietly(&mut debootstrap) {
        println!("skipped: installation in a clean Debian ({error:#})");
        return Ok(None);
    }
    fs::rename(&unfinished, &debian)?;
    Ok(Some(debian))
}

/// Copies a clean Debian and installs a package in the copy; what it depends on has to be there.
fn install(debian: &Path, root: &Path, package: &Path) -> Result<()> {
    command::run_quietly(Command::new("cp").args(["--archive", "--reflink=auto"]).arg(debian).arg(root))?;
    fs::copy(package, root.join("package.deb"))?;
    command::run_quietly(Command::new("chroot").arg(root).args(["dpkg", "--install", "/package.deb"]))
}

/// The program in a root of its own, as the user that the service's would be as: nobody.
fn in_chroot(root: &Path) -> Command {
    let mut start = Command::new("chroot");
    start.arg("--userspec=nobody:nogroup").arg(root).arg("/usr/bin/ocelli");
    start
}

/// A service that was started; it ends with the trial.
struct Service {
    child: Child,
    /// Where it tells that it is ready and alive.
    manager: UnixDatagram,
}

impl Service {
    /// Starts what the unit starts. `inside` is what the program calls the folder `root`.
    fn start(root: &Path, inside: &Path, mut program: Command) -> Result<Service> {
        let place = |path: &str| (root.join(path), inside.join(path));
        let (state, seen_state) = place("var/lib/ocelli");
        fs::create_dir_all(&state)?;
        let samples = ocelli_samples::artefacts();
        let (_, artefact) =
            samples.iter().find(|(name, _)| *name == "detector").context("there is a detector")?;
        fs::write(state.join("model.ocelli"), &**artefact)?;
        fs::write(state.join("camera.y4m"), video())?;
        let (config, seen_config) = place("etc/ocelli/ocelli.toml");
        fs::write(
            config,
            format!(
                "model = {:?}\ninput = {:?}\nserve = \"127.0.0.1:0\"\ntrack = true\njson = true\n",
                seen_state.join("model.ocelli"),
                seen_state.join("camera.y4m")
            ),
        )?;
        let (socket, seen_socket) = place("manager");
        let manager = UnixDatagram::bind(&socket)?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666))?;
        manager.set_read_timeout(Some(PATIENCE))?;

        let unit = fs::read_to_string(root.join("lib/systemd/system/ocelli.service"))?;
        let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/ocelli "));
        for word in line.context("the unit starts the program")?.split(' ') {
            match word {
                "/etc/ocelli/ocelli.toml" => program.arg(&seen_config),
                word => program.arg(word),
            };
        }
        program.env("NOTIFY_SOCKET", &seen_socket).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = program.spawn().context("starting the service's program")?;
        Ok(Service { child, manager })
    }

    /// Waits for a word to the manager.
    fn word(&self, expected: &str) -> Result<()> {
        let mut word = [0; 64];
        let bytes = self.manager.recv(&mut word).with_context(|| format!("waiting for {expected}"))?;
        let word = String::from_utf8_lossy(&word[..bytes]);
        ensure!(word.starts_with(expected), "the service says {word:?}, not {expected}");
        Ok(())
    }

    /// Reads some lines of JSON, each with the answer to a frame.
    fn answers(&mut self) -> Result<()> {
        let lines = BufReader::new(self.child.stdout.as_mut().context("its output")?).lines();
        for line in lines.take(LINES) {
            let told: serde_json::Value = serde_json::from_str(&line?)?;
            ensure!(told["answer"].is_object() && told["width"] == 64, "the service tells {told}");
        }
        Ok(())
    }

    /// Asks for the page where the program says that it is.
    fn page(&mut self) -> Result<String> {
        let output = self.child.stderr.as_mut().context("its messages")?;
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
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Some gray frames of noise.
fn video() -> Vec<u8> {
    const FRAMES: usize = 10;
    const PIXELS: usize = 64 * 48;
    let mut noise = SeedStream::new(3, 0).map(|value| value as u8);
    let mut video = b"YUV4MPEG2 W64 H48 F25:1 Cmono\n".to_vec();
    for _ in 0..FRAMES {
        video.extend(b"FRAME\n");
        video.extend(noise.by_ref().take(PIXELS));
    }
    video
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}
