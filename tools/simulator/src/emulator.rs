//! Starts QEMU with a firmware and a job, and waits for it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ocelli_qemu::job::Job;

use crate::{Facts, Firmware, Machine, Run, SimulateError, build};

/// One run of a job on a machine.
#[derive(Clone, Copy, Debug)]
pub struct Simulation<'a> {
    /// Where.
    pub machine: &'a Machine,
    /// What.
    pub job: Job<'a>,
    /// How long it may take, in the host's time.
    pub limit: Duration,
}

impl Simulation<'_> {
    /// Builds the firmware if need be, runs the job, reads the facts.
    ///
    /// # Errors
    /// Every [`SimulateError`] but [`SimulateError::UnknownMachine`].
    pub fn run(&self) -> Result<Run, SimulateError> {
        find_qemu()?;
        let elf = build(self.machine, Firmware::Generic)?;
        Run::read(&self.machine.name, &run_elf(self.machine, &elf, Some(&self.job), self.limit)?)
    }
}

/// The version line of the installed QEMU.
///
/// # Errors
/// [`SimulateError::QemuMissing`].
pub fn find_qemu() -> Result<String, SimulateError> {
    let output = Command::new(QEMU).arg("--version").output().map_err(|_| SimulateError::QemuMissing)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Runs an ELF file, with a job in memory or without; returns the facts that it printed.
///
/// # Errors
/// [`SimulateError::JobTooLarge`], [`SimulateError::Timeout`], [`SimulateError::Firmware`],
/// [`SimulateError::Garbled`].
pub fn run_elf(
    machine: &Machine,
    elf: &Path,
    job: Option<&Job<'_>>,
    limit: Duration,
) -> Result<Facts, SimulateError> {
    run_elf_with(machine, elf, job, limit, &[])
}

/// The same, with more arguments for QEMU, a plugin for instance; what that prints are facts, too.
///
/// # Errors
/// As above.
pub fn run_elf_with(
    machine: &Machine,
    elf: &Path,
    job: Option<&Job<'_>>,
    limit: Duration,
    arguments: &[String],
) -> Result<Facts, SimulateError> {
    let mut qemu = Command::new(QEMU);
    qemu.args(arguments);
    qemu.args(["-M", &machine.name, "-display", "none", "-monitor", "none", "-serial", "none"])
        // One instruction is one nanosecond of the machine's time: counts are the same in every run.
        .args(["-icount", "shift=0", "-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(elf);
    let file = job.map(|job| JobFile::write(machine, elf, job)).transpose()?;
    if let Some(JobFile(path)) = &file {
        // A comma in a path would end QEMU's option; doubled, it stands for itself.
        let path = path.display().to_string().replace(',', ",,");
        qemu.args(["-device", &format!("loader,file={path},addr={:#x},force-raw=on", machine.job.0)]);
    }
    let child = qemu
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_| SimulateError::QemuMissing)?;
    let (status, output) = wait(machine, child, limit)?;
    let facts = Facts::read(&output);
    if let Some(message) = facts.first("error") {
        return Err(SimulateError::Firmware { machine: machine.name.clone(), message: message.to_owned() });
    }
    if status != "exit status: 0" {
        return Err(SimulateError::Garbled { machine: machine.name.clone(), status, output });
    }
    Ok(facts)
}

pub(crate) const QEMU: &str = "qemu-system-arm";

/// How QEMU ended, and all that it printed.
fn wait(machine: &Machine, mut child: Child, limit: Duration) -> Result<(String, String), SimulateError> {
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    let status = loop {
        match child.try_wait().map_err(SimulateError::io("waiting for QEMU"))? {
            Some(status) => break status,
            None if start.elapsed() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(SimulateError::Timeout { machine: machine.name.clone(), limit });
            }
            None => thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    };
    let text = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
    Ok((status.to_string(), text(stdout) + &text(stderr)))
}

/// Reads a pipe to its end beside the waiting.
fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The job as a file for QEMU's loader, removed after the run.
struct JobFile(PathBuf);

impl JobFile {
    fn write(machine: &Machine, elf: &Path, job: &Job<'_>) -> Result<JobFile, SimulateError> {
        let needed_bytes = (job.input_offset() + job.input_bytes().len()) as u64;
        let available_bytes = machine.job.1;
        if needed_bytes > available_bytes {
            let machine = machine.name.clone();
            return Err(SimulateError::JobTooLarge { machine, needed_bytes, available_bytes });
        }
        let mut bytes = job.header().to_vec();
        bytes.extend_from_slice(job.artefact);
        bytes.resize(job.input_offset(), 0);
        bytes.extend_from_slice(job.input_bytes());
        let unique = format!("{}-{:?}", std::process::id(), thread::current().id());
        let name = format!("{}.{}.job", machine.name, unique.replace(['(', ')'], ""));
        let file = JobFile(elf.with_file_name(name));
        fs::write(&file.0, bytes).map_err(SimulateError::io(format!("writing {}", file.0.display())))?;
        Ok(file)
    }
}

impl Drop for JobFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
