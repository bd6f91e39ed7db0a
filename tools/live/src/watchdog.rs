//! Word to the service manager: that the program is ready, and that it is alive (`sd_notify(3)`).

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::emit::{EmitError, Emitter};
use crate::told::Told;

/// A service manager that waits for word.
#[derive(Debug)]
pub struct Watchdog {
    socket: UnixDatagram,
    manager: SocketAddr,
    /// When it was last told something.
    told: Mutex<Option<Instant>>,
}

/// How often it is told that all is well: well within any watchdog's patience.
const INTERVAL: Duration = Duration::from_secs(1);

impl Watchdog {
    /// The manager that `NOTIFY_SOCKET` names; `None` where the program is no service.
    pub fn from_environment() -> Option<Watchdog> {
        let name = env::var_os("NOTIFY_SOCKET")?;
        let manager = match name.to_str()?.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok()?,
            None => SocketAddr::from_pathname(name).ok()?,
        };
        Some(Watchdog { socket: UnixDatagram::unbound().ok()?, manager, told: Mutex::new(None) })
    }

    /// The first time says that the program is ready; then, once in a while, that it is alive.
    pub fn alive(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| told.elapsed() < INTERVAL) {
            return;
        }
        let word: &[u8] = if told.is_none() { b"READY=1\nWATCHDOG=1" } else { b"WATCHDOG=1" };
        // A manager that does not listen restarts the program, which is right.
        let _ = self.socket.send_to_addr(word, &self.manager);
        *told = Some(Instant::now());
    }
}

/// Answers are a sign of life; a camera that is lost and tried again is another, so both share it.
impl Emitter for Arc<Watchdog> {
    fn name(&self) -> &str {
        "watchdog"
    }

    fn emit(&mut self, _: &Told) -> Result<(), EmitError> {
        self.alive();
        Ok(())
    }
}
