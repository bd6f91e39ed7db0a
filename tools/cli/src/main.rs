//! The program `ocelli`: reads arguments, calls the libraries, prints.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the compared outputs differ.
#![forbid(unsafe_code)]

mod arguments;

mod commands;

mod answer;
mod artefact_file;
mod budget;
mod tracks;

mod input;

mod host_model;
mod session;
mod stage_shares;

mod predict;

mod instructions;

mod contracts;

mod failure;

mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match commands::run(arguments.command) {
        Ok(verdict) => verdict.into(),
        Err(failure) => {
            terminal::print_failure(&failure);
            ExitCode::FAILURE
        }
    }
}
