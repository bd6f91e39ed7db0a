//! JSON, a line for each answer, into anything that can be written to.

use std::io::{ErrorKind, Write};

use crate::emit::{EmitError, Emitter};
use crate::told::Told;

/// Writes lines.
#[derive(Debug)]
pub struct Lines<W> {
    writer: W,
    name: &'static str,
}

impl<W: Write + Send> Lines<W> {
    /// Into `writer`, which messages and metrics call `name`.
    pub fn new(writer: W, name: &'static str) -> Lines<W> {
        Lines { writer, name }
    }
}

impl<W: Write + Send> Emitter for Lines<W> {
    fn name(&self) -> &str {
        self.name
    }

    /// A reader that has seen enough is no failure; a full disk is.
    fn emit(&mut self, told: &Told) -> Result<(), EmitError> {
        match self.writer.write_all(told.line().as_bytes()).and_then(|()| self.writer.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(EmitError::io("writing")(error)),
            _ => Ok(()),
        }
    }
}
