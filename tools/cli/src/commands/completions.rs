//! `ocelli completions`: the completion script of a shell, from the command line's own definition.

use clap::CommandFactory;

use crate::failure::{Failure, Verdict};
use crate::terminal;

/// Arguments of `ocelli completions`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which shell
    shell: clap_complete::Shell,
}

/// Prints the script.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let mut command = crate::arguments::Arguments::command();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "ocelli", &mut script);
    terminal::print_text(&String::from_utf8_lossy(&script))?;
    Ok(Verdict::Done)
}
