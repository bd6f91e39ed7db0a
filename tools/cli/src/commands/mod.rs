//! The commands, one file each.

pub mod zoo;

pub mod completions;

use crate::arguments::Command;
use crate::failure::{Failure, Verdict};

/// Does what was asked for.
pub fn run(command: Command) -> Result<Verdict, Failure> {
    match command {
        Command::Zoo(arguments) => zoo::run(arguments),
        Command::Completions(arguments) => completions::run(arguments),
    }
}
