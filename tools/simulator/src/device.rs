//! An emulated device that stays on, with a serial port that programs of this computer can open.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::emulator::QEMU;
use crate::{Machine, SimulateError};

/// A device that is on until it is dropped.
#[derive(Debug)]
pub struct Device {
    machine: String,
    child: Child,
    lines: Receiver<String>,
}

/// How QEMU tells where the serial port is.
const PORT_PREFIX: &str = "char device redirected to ";

impl Device {
    /// Switches a machine on with a firmware; returns it with the path of its serial port.
    ///
    /// # Errors
    /// [`SimulateError::QemuMissing`], and [`SimulateError::Timeout`] where there is no serial port after `limit`.
    pub fn start(machine: &Machine, elf: &Path, limit: Duration) -> Result<(Device, String), SimulateError> {
        let mut child = Command::new(QEMU)
            .args(["-M", &machine.name, "-display", "none", "-monitor", "none", "-serial", "pty"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(elf)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|_| SimulateError::QemuMissing)?;
        let (sender, lines) = channel();
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            forward(stdout, sender.clone());
            forward(stderr, sender);
        }
        let device = Device { machine: machine.name.clone(), child, lines };
        let line = device.line(PORT_PREFIX, limit)?;
        let port = line.split_whitespace().next().unwrap_or_default().to_owned();
        Ok((device, port))
    }

    /// Waits for the next line that starts so, and returns the rest of it.
    ///
    /// # Errors
    /// [`SimulateError::Firmware`] where it says `error` instead, [`SimulateError::Timeout`] where it says nothing for
    /// so long, or is off.
    pub fn line(&self, prefix: &str, limit: Duration) -> Result<String, SimulateError> {
        loop {
            let line = self.lines.recv_timeout(limit);
            let line = line.map_err(|_| SimulateError::Timeout { machine: self.machine.clone(), limit })?;
            if let Some(rest) = line.strip_prefix(prefix) {
                return Ok(rest.to_owned());
            }
            if let Some(message) = line.strip_prefix("error ") {
                let message = message.to_owned();
                return Err(SimulateError::Firmware { machine: self.machine.clone(), message });
            }
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends what comes out of a pipe on, line by line, until nobody listens.
fn forward(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}
