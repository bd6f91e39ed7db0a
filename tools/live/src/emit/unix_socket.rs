//! JSON lines for programs on this machine, over a Unix socket: whoever connects reads from the next answer on.
//!
//! A reader that falls so far behind that its socket is full is dropped, not waited for: half a line would be worth
//! nothing to it, and it may come again.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::emit::{EmitError, Emitter};
use crate::told::Told;

/// Readers at a time. More are turned away.
const MAX_READERS: usize = 64;

/// How often somebody who comes, or goes, while there is no answer is looked after.
const INTERVAL: Duration = Duration::from_secs(1);

/// A socket and who reads it.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    readers: Vec<UnixStream>,
}

impl UnixSocket {
    /// Listens at `path`. A socket that a program has left there is replaced; one that is in use, and any other file,
    /// is not.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn bind(path: &Path) -> Result<UnixSocket, EmitError> {
        let place = path.display().to_string();
        let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
        if is_socket {
            match UnixStream::connect(path) {
                Ok(_) => return Err(EmitError::refused(&place, "another program serves this socket")),
                Err(_) => fs::remove_file(path).map_err(EmitError::io(&place))?,
            }
        }
        let listener = UnixListener::bind(path).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => EmitError::refused(&place, "there is a file, which is no socket"),
            _ => EmitError::io(&place)(error),
        })?;
        listener.set_nonblocking(true).map_err(EmitError::io(&place))?;
        Ok(UnixSocket { listener, path: path.to_owned(), readers: Vec::new() })
    }

    /// Takes in whoever has come.
    fn accept(&mut self) {
        while let Ok((reader, _)) = self.listener.accept() {
            // One that cannot be written to without waiting is turned away, as is one too many: it sees the end.
            if self.readers.len() < MAX_READERS && reader.set_nonblocking(true).is_ok() {
                self.readers.push(reader);
            }
        }
    }
}

impl Emitter for UnixSocket {
    fn name(&self) -> &str {
        "socket"
    }

    fn emit(&mut self, told: &Told) -> Result<(), EmitError> {
        self.accept();
        if !self.readers.is_empty() {
            let line = told.line();
            self.readers.retain_mut(|reader| reader.write_all(line.as_bytes()).is_ok());
        }
        Ok(())
    }

    fn idle(&mut self) -> Option<Duration> {
        self.accept();
        Some(INTERVAL)
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // Where somebody has removed it already there is nothing to do.
        let _ = fs::remove_file(&self.path);
    }
}
